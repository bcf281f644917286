"""Files, folders and patterns -> what is to be translated, and where its outputs go."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.data.images import SUFFIXES, find_images, unread_suffixes
from itrans.data.writing import holds
from itrans.errors import DataError, OutputError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itrans.protocols import ImageSpec

LOSSLESS = {".png", ".tif", ".tiff", ".npy", ".bmp"}
"""Outputs keep their input's suffix if it is one of these; anything else becomes PNG."""


@dataclass(frozen=True)
class Job:
    """A picture to translate.

    Attributes:
        source: the file to read.
        outputs: the files to write, one for each sample.
    """

    source: Path
    outputs: tuple[Path, ...]


def find_jobs(inputs: Sequence[str], output: Path, *, samples: int = 1, format_: str | None = None) -> list[Job]:
    """Return what there is to translate.

    Args:
        inputs: files, folders (with all that is in them), and patterns such as `*.png`.
        output: the folder to write to; what comes from a folder keeps its place in it.
        samples: how many outputs of each input; if there are several, their names end in `-1`, `-2`, and so on, with
            leading zeros where it takes some to sort them.
        format_: `png`, `tif`, `npy` or `bmp`; None keeps the input's if that loses nothing, else it is PNG.

    Raises:
        DataError: an input is not there, a folder has no pictures, or two would be written to one file.
        OutputError: a picture would be written over one of the inputs.
    """
    return _without_collisions(
        Job(source, _numbered(output / place.with_suffix(f".{format_}" if format_ else _suffix(place)), samples))
        for item in inputs
        for source, place in _found(item)
    )


def fitting(
    jobs: Sequence[Job],
    source: ImageSpec,
    target: ImageSpec,
    format_: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> list[Job]:
    """Return the jobs with outputs in a format that holds what the translator makes.

    Args:
        jobs: what to translate.
        source: what the translator takes.
        target: what translations are like; only their channels matter, unless they are floats, or have another type
            than the inputs.
        format_: the one that was asked for, which is not replaced by another one.
        warn: called with a sentence, if formats are replaced.

    Raises:
        DataError: see `find_jobs`.
        OutputError: see `find_jobs`; or the format that was asked for does not hold translations.
    """
    channels = 3 if target.kind == "ab" else target.channels  # which are put on the lightness
    dtype = None if source.dtype == target.dtype != "float32" else target.dtype
    if format_ is not None:
        if not holds(f".{format_}", channels, None if source.dtype == target.dtype else dtype):
            raise OutputError(
                f"--format {format_} does not hold {counted(channels, 'channel')} of {target.dtype}, which this "
                f"checkpoint makes. {'tif and npy do' if holds('.tif', channels) else 'npy does'}."
            )
        return list(jobs)
    instead = next(suffix for suffix in (".png", ".tif", ".npy") if holds(suffix, channels, dtype))
    replaced: set[str] = set()

    def fitted(output: Path) -> Path:
        suffix = output.suffix.lower()
        if holds(suffix, channels, dtype):
            return output
        replaced.add(suffix)
        return output.with_suffix(instead)

    jobs = _without_collisions(Job(job.source, tuple(map(fitted, job.outputs))) for job in jobs)
    if replaced:
        made = f"{counted(channels, 'channel')} of {target.dtype}"
        warn(f"Outputs are {instead}: {' and '.join(sorted(replaced))} cannot hold {made}.")
    return jobs


def _numbered(output: Path, samples: int) -> tuple[Path, ...]:
    if samples == 1:
        return (output,)
    digits = len(str(samples))
    return tuple(
        output.with_name(f"{output.stem}-{number:0{digits}d}{output.suffix}") for number in range(1, samples + 1)
    )


def _without_collisions(jobs: Iterable[Job]) -> list[Job]:
    """Return each job once; raise what `find_jobs` says."""
    jobs = list(jobs)
    sources = {job.source.resolve() for job in jobs}
    written: dict[Path, Path] = {}
    for job in jobs:
        for output in job.outputs:
            if output.resolve() in sources:
                raise OutputError(f"{output} would be written over an input. Choose another folder: -o DIR.")
            other = written.setdefault(output, job.source)
            if other != job.source:
                raise DataError(f"{other} and {job.source} would both be written to {output}. Translate them apart.")
    return list({job.outputs: job for job in jobs}.values())


def _found(item: str) -> list[tuple[Path, Path]]:
    """Return the files that an input stands for, each with its place in the output folder."""
    path = Path(item)
    if path.is_dir():
        places = find_images(path)
        if not places:
            others = [f"{count} {suffix or 'without a suffix'}" for suffix, count in unread_suffixes(path).items()]
            found = f", but {', '.join(others)}, which are not read" if others else ""
            raise DataError(f"{path} holds no pictures{found}. Pictures are {', '.join(sorted(SUFFIXES))}.")
        return [(path / place, place) for place in places]
    if path.exists():
        return [(path, Path(path.name))]
    matches = [Path(match) for match in sorted(glob.glob(item, recursive=True))]  # noqa: PTH207  # absolute patterns too
    pictures = [match for match in matches if match.is_file()]
    if not pictures:
        what = "matches no file" if glob.has_magic(item) else "does not exist"
        raise DataError(f"{item} {what}.")
    return [(match, Path(match.name)) for match in pictures]


def _suffix(place: Path) -> str:
    return place.suffix if place.suffix.lower() in LOSSLESS else ".png"
