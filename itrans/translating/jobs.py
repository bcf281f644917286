"""Files, folders and patterns -> what is to be translated, and where its outputs go."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from itrans.data.layouts import no_pictures
from itrans.errors import DataError, OutputError, counted
from itrans.files import expanded
from itrans.pictures.images import find_images
from itrans.pictures.kinds import kind_of
from itrans.pictures.spec import SUFFIXES
from itrans.pictures.writing import WRITABLE, holds
from itrans.translating.media import is_media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itrans.pictures.spec import ImageSpec

LOSSLESS = {".png", ".tif", ".tiff", ".npy", ".bmp"}
"""Outputs keep their input's suffix if it is one of these; anything else becomes PNG."""


@dataclass(frozen=True)
class Job:
    """A picture to translate: the file to read, and the files to write, one for each sample."""

    source: Path
    outputs: tuple[Path, ...]


def names_a_file(inputs: Sequence[str], output: Path, *, samples: int = 1) -> bool:
    """Whether an output is the one picture to write, not a folder: `-o cat.png` of one input that is no folder."""
    return (
        len(inputs) == samples == 1
        and (is_media(output) if is_media(Path(inputs[0])) else output.suffix.lower() in WRITABLE)
        and not output.is_dir()
        and not glob.has_magic(inputs[0])
        and not Path(inputs[0]).is_dir()
    )


def find_jobs(inputs: Sequence[str], output: Path, *, samples: int = 1, format_: str | None = None) -> list[Job]:
    """Return what there is to translate.

    Inputs are files, folders with all that is in them, and patterns such as `*.png`. The output is a folder, in which
    what comes from a folder keeps its place, or a picture: see `names_a_file`. The names of several samples end in
    `-1`, `-2`, and so on, with leading zeros so that they sort. Without a format, outputs keep the input's if that is
    lossless, and are PNG if not.

    Raises:
        DataError: an input is not there, a folder has no pictures, or two would be written to one file.
        OutputError: a picture would be written over one of the inputs, a picture's format is not `format_`, or the
            folder to write to has a picture's name.
    """
    if names_a_file(inputs, output, samples=samples):
        if format_ and output.suffix.lower() != f".{format_}":
            raise OutputError(f"{output} is not of the format that is asked for, {format_}.")
        return _without_collisions([Job(source, (output,)) for source, _ in _files_of(inputs[0])])
    _refuse_picture(output)
    return _without_collisions(
        Job(source, _sample_paths(output / place.with_suffix(_suffix(place, format_)), samples))
        for item in inputs
        for source, place in _files_of(item)
    )


def _refuse_picture(output: Path) -> None:
    """Refuse the name of a picture where there are several to write, or one in a format that is only read."""
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in SUFFIXES:
        return
    if suffix not in WRITABLE:
        raise OutputError(f"{output} cannot be written: pictures are written as {', '.join(sorted(WRITABLE))}.")
    raise OutputError(
        f"{output} names one picture, and folders, patterns, several inputs or samples make more: give a folder, such "
        f"as -o {output.with_suffix('')}."
    )


def jobs_that_fit(
    jobs: Sequence[Job],
    source: ImageSpec,
    target: ImageSpec,
    format_: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
    *,
    named: bool = False,
) -> list[Job]:
    """Return the jobs with outputs in a format that can hold translations, whose channels and type are the target's.

    The type matters only if it is float32, or not the source's: outputs have the type of their inputs. A format is not
    replaced if it was asked for, or if the output was named with it; `warn` is told of those that are replaced.

    Raises:
        DataError: see `find_jobs`.
        OutputError: see `find_jobs`; or the format that was asked for does not hold translations.
    """
    target = kind_of(target).output_spec(target, source)
    channels = target.channels
    dtype = None if source.dtype == target.dtype != "float32" and not target.has_range else target.dtype
    what = f"--format {format_}"
    if named and jobs:
        what, format_ = str(jobs[0].outputs[0]), jobs[0].outputs[0].suffix.lower()[1:]
    if format_ is not None:
        if not holds(f".{format_}", channels, None if source.dtype == target.dtype else dtype):
            raise OutputError(
                f"{what} does not hold {counted(channels, 'channel')} of {target.dtype}, which this "
                f"checkpoint makes. {'tif and npy do' if holds('.tif', channels) else 'npy does'}."
            )
        if not kind_of(target).is_smooth and f".{format_}" not in LOSSLESS:
            raise OutputError(f"{what} would blur the values that this checkpoint makes, which are exact. Write PNG.")
        return list(jobs)
    instead = next(suffix for suffix in (".png", ".tif", ".npy") if holds(suffix, channels, dtype))
    replaced: set[str] = set()

    def place_of(output: Path) -> Path:
        suffix = output.suffix.lower()
        if holds(suffix, channels, dtype):
            return output
        replaced.add(suffix)
        return output.with_suffix(instead)

    jobs = _without_collisions(Job(job.source, tuple(map(place_of, job.outputs))) for job in jobs)
    if replaced:
        made = f"{counted(channels, 'channel')} of {target.dtype}"
        warn(f"Outputs are {instead}: {' and '.join(sorted(replaced))} cannot hold {made}.")
    return jobs


def _sample_paths(output: Path, samples: int) -> tuple[Path, ...]:
    if samples == 1:
        return (output,)
    digits = len(str(samples))
    return tuple(
        output.with_name(f"{output.stem}-{number:0{digits}d}{output.suffix}") for number in range(1, samples + 1)
    )


def _without_collisions(jobs: Iterable[Job]) -> list[Job]:
    """Return each job once; raise what `find_jobs` says."""
    jobs = list(jobs)
    sources = {os.path.realpath(job.source) for job in jobs}  # which a loop of links does not stop
    written: dict[Path, Path] = {}
    for job in jobs:
        for output in job.outputs:
            if os.path.realpath(output) in sources:
                raise OutputError(f"{output} would be written over an input. Choose another folder: -o DIR.")
            other = written.setdefault(output, job.source)
            if other != job.source:
                raise DataError(
                    f"{other} and {job.source} would both be written to {output}. Translate them separately."
                )
    return list({job.outputs: job for job in jobs}.values())


def _files_of(item: str) -> list[tuple[Path, Path]]:
    """Return the files that an input stands for, each with its place in the output folder."""
    if not item:
        raise DataError("An input is empty. Give files, folders or patterns.")
    path = expanded(item)
    if path.is_dir():
        places = find_images(path)
        if not places:
            raise no_pictures([path], f"These are: {', '.join(sorted(SUFFIXES))}.")
        return [(path / place, place) for place in places]
    if path.exists():
        return [(path, Path(path.name))]
    pattern = _with_literal_folder(str(path))
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  # absolute patterns too
    pictures = [match for match in matches if match.is_file()]
    if not pictures:
        what = "matches no file" if glob.has_magic(item) else "does not exist"
        raise DataError(f"{item} {what}.")
    return [(match, Path(match.name)) for match in pictures]


def _with_literal_folder(pattern: str) -> str:
    """Return a pattern in which the name of an existing folder is taken literally, as in `a[1]/*.png`."""
    for folder in PurePath(pattern).parents:
        if glob.has_magic(str(folder)) and Path(folder).is_dir():
            return str(Path(glob.escape(str(folder)), PurePath(pattern).relative_to(folder)))
    return pattern


def _suffix(place: Path, format_: str | None) -> str:
    if format_ and not is_media(place):
        return f".{format_}"
    return place.suffix if place.suffix.lower() in LOSSLESS or is_media(place) else ".png"
