"""Files, folders and globs -> translated files: reading, translating and writing at the same time."""

from __future__ import annotations

import glob
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.data.images import SUFFIXES, find_images, read_image, write_image
from itrans.errors import DataError, ItransError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from itrans.protocols import ImageArray, ImageSpec
    from itrans.translate import Translator

LOSSLESS = {".png", ".tif", ".tiff", ".npy", ".bmp"}
"""Outputs keep their input's suffix if it is one of these; anything else becomes PNG."""

_READERS = 2
_READ_AHEAD = 4


@dataclass(frozen=True)
class Job:
    """A picture to translate.

    Attributes:
        source: the file to read.
        output: the file to write.
    """

    source: Path
    output: Path


def find_jobs(inputs: Sequence[str], output: Path) -> list[Job]:
    """Return what there is to translate.

    Args:
        inputs: files, folders (with all that is in them), and patterns such as `*.png`.
        output: the folder to write to; what comes from a folder keeps its place in it.

    Raises:
        DataError: an input is not there, a folder has no pictures, or two would be written to one file.
        OutputError: a picture would be written over one of the inputs.
    """
    jobs = [
        Job(source, output / place.with_suffix(_suffix(place))) for item in inputs for source, place in _found(item)
    ]
    sources = {job.source.resolve() for job in jobs}
    written: dict[Path, Path] = {}
    for job in jobs:
        if job.output.resolve() in sources:
            raise OutputError(f"{job.output} would be written over an input. Choose another folder: -o DIR.")
        other = written.setdefault(job.output, job.source)
        if other != job.source:
            raise DataError(f"{other} and {job.source} would both be written to {job.output}. Translate them apart.")
    return list({job.output: job for job in jobs}.values())


def fitting(jobs: Sequence[Job], target: ImageSpec) -> list[Job]:
    """Return the jobs with outputs in a format that holds what the translator makes.

    Args:
        jobs: what to translate.
        target: what translations are like; only their channels matter, unless they are floats.
    """
    if target.channels in {1, 3, 4} and target.dtype != "float32":
        return list(jobs)
    suffix = ".tif" if target.channels in {1, 3, 4} else ".npy"
    kept = {".npy", suffix, ".tiff" if suffix == ".tif" else suffix}
    return [
        job if job.output.suffix.lower() in kept else Job(job.source, job.output.with_suffix(suffix)) for job in jobs
    ]


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    batch_size: int = 8,
    direction: str = "forward",
    done: Callable[[Job, ItransError | None], None],
) -> None:
    """Translate files. Pictures of equal size and type share a batch.

    Args:
        translator: translates.
        jobs: what to translate.
        batch_size: how many at once.
        direction: for methods that have several.
        done: is told of each job as it ends, with what was wrong with its input, if anything was.

    Raises:
        OutputError: an output cannot be written.
    """
    waiting: dict[tuple[object, ...], list[tuple[Job, ImageArray]]] = {}
    with ThreadPoolExecutor(_READERS) as readers, ThreadPoolExecutor(1) as writer:
        written: deque[tuple[Job, Future[None]]] = deque()

        def flush(batch: list[tuple[Job, ImageArray]]) -> None:
            outputs = translator.translate_batch([image for _, image in batch], direction=direction)
            for (job, _), output in zip(batch, outputs, strict=True):
                written.append((job, writer.submit(write_image, job.output, output)))
            while len(written) > _READ_AHEAD * batch_size:
                _finish(written, done)

        try:
            for job, image in _read_ahead(readers, jobs, _READ_AHEAD * batch_size):
                try:
                    if isinstance(image, ItransError):
                        raise image
                    translator.check(image)
                except ItransError as error:
                    done(job, error)
                    continue
                group = waiting.setdefault((image.shape, image.dtype), [])
                group.append((job, image))
                if len(group) == batch_size:
                    flush(waiting.pop((image.shape, image.dtype)))
                elif sum(map(len, waiting.values())) >= _READ_AHEAD * batch_size:
                    flush(waiting.pop(max(waiting, key=lambda key: len(waiting[key]))))
            for group in waiting.values():
                flush(group)
            while written:
                _finish(written, done)
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            writer.shutdown(wait=False, cancel_futures=True)
            raise


def _read_ahead(
    readers: ThreadPoolExecutor, jobs: Sequence[Job], ahead: int
) -> Iterator[tuple[Job, ImageArray | ItransError]]:
    reading: deque[tuple[Job, Future[ImageArray | ItransError]]] = deque()
    for job in jobs:
        reading.append((job, readers.submit(_read, job.source)))
        if len(reading) > ahead:
            first, image = reading.popleft()
            yield first, image.result()
    for job, image in reading:
        yield job, image.result()


def _read(path: Path) -> ImageArray | ItransError:
    try:
        return read_image(path)
    except ItransError as error:
        return error


def _finish(written: deque[tuple[Job, Future[None]]], done: Callable[[Job, ItransError | None], None]) -> None:
    job, writing = written.popleft()
    writing.result()
    done(job, None)


def _found(item: str) -> list[tuple[Path, Path]]:
    """Return the files that an input stands for, each with its place in the output folder."""
    path = Path(item)
    if path.is_dir():
        places = find_images(path)
        if not places:
            raise DataError(f"{path} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
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
