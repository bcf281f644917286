"""Files, folders and globs -> translated files: reading, translating and writing at the same time."""

from __future__ import annotations

import glob
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from itrans.data.folders import no_pictures
from itrans.data.images import SUFFIXES, find_images, read_image, write_image
from itrans.data.label_maps import read_label_map
from itrans.engine.preparation import Loaded
from itrans.errors import DataError, ItransError, OutputError, counted
from itrans.files import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from itrans.engine.preparation import Preparer
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
        outputs: the files to write, one for each sample.
    """

    source: Path
    outputs: tuple[Path, ...]


def names_a_file(inputs: Sequence[str], output: Path, *, samples: int = 1) -> bool:
    """Whether an output is the one picture to write, not a folder: `-o cat.png` of one input that is no folder."""
    return (
        len(inputs) == samples == 1
        and output.suffix.lower() in SUFFIXES
        and not output.is_dir()
        and not glob.has_magic(inputs[0])
        and not Path(inputs[0]).is_dir()
    )


def find_jobs(inputs: Sequence[str], output: Path, *, samples: int = 1, format_: str | None = None) -> list[Job]:
    """Return what there is to translate.

    Args:
        inputs: files, folders (with all that is in them), and patterns such as `*.png`.
        output: the folder to write to; what comes from a folder keeps its place in it. Or see `names_a_file`.
        samples: how many outputs of each input; if there are several, their names end in `-1`, `-2`, and so on, with
            leading zeros where it takes some to sort them.
        format_: `png`, `tif`, `npy` or `bmp`; None keeps the input's if that loses nothing, else it is PNG.

    Raises:
        DataError: an input is not there, a folder has no pictures, or two would be written to one file.
        OutputError: a picture would be written over one of the inputs, or a picture's format is not `format_`.
    """
    if names_a_file(inputs, output, samples=samples):
        if format_ and output.suffix.lower() != f".{format_}":
            raise OutputError(f"{output} is not of the format {format_}, which is asked for.")
        return _without_collisions([Job(source, (output,)) for source, _ in _found(inputs[0])])
    return _without_collisions(
        Job(source, _numbered(output / place.with_suffix(f".{format_}" if format_ else _suffix(place)), samples))
        for item in inputs
        for source, place in _found(item)
    )


def fitting(jobs: Sequence[Job], target: ImageSpec, source: ImageSpec | None = None) -> list[Job]:
    """Return the jobs with outputs in a format that holds what the translator makes.

    Args:
        jobs: what to translate.
        target: what translations are like. Floats, and channels that PNG does not hold, need TIFF or `.npy`; 16 bits
            and transparency need PNG where BMP was meant.
        source: what sources are like; where both have one type, translations have that of their pictures.

    Raises:
        DataError: see `find_jobs`.
        OutputError: see `find_jobs`.
    """
    channels = 3 if target.kind == "ab" else target.channels  # which are put on the lightness
    if channels not in {1, 3, 4}:
        suffix, kept = ".npy", {".npy"}
    elif target.dtype == "float32":
        suffix, kept = ".tif", {".npy", ".tif", ".tiff"}
    elif channels == 4 or (target.dtype == "uint16" and source is not None and source.dtype != "uint16"):
        suffix, kept = ".png", LOSSLESS - {".bmp"}
    else:
        return list(jobs)

    def fitted(output: Path) -> Path:
        return output if output.suffix.lower() in kept else output.with_suffix(suffix)

    return _without_collisions(Job(job.source, tuple(map(fitted, job.outputs))) for job in jobs)


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


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    batch_size: int = 8,
    direction: str | None = None,
    prepare: Preparer | None = None,
    done: Callable[[Job, ItransError | None], None],
    warn: Callable[[str], None] = lambda _: None,
) -> None:
    """Translate files. Pictures of equal size and type share a batch, and so do the samples of a picture.

    Args:
        translator: its seed makes the first sample of each picture, the next seed the second one, and so on.
        jobs: what to translate.
        batch_size: how many pictures at once.
        direction: one of the translator's; None is the first.
        prepare: reads pictures, and does to them what the data set did in training; None reads them as they are.
        done: called with each job when all of it is written, or with what is wrong with its picture.
        warn: called once, with a sentence, if all samples of a picture are the same; and at the end if pictures seem to
            have both sides of a pair.

    Raises:
        DataError: there is no such direction.
        OutputError: an output cannot be written. One whose format does not hold it is its own picture's fault alone.
    """
    taken, _ = translator.specs(direction)
    plain = read_label_map if taken.kind == "labels" else read_image
    read = prepare or (lambda path: Loaded(plain(path)))
    wide = 0
    with ThreadPoolExecutor(_READERS) as readers, ThreadPoolExecutor(1) as writer:
        run = _Run(translator, writer, batch_size, direction, done, warn)
        try:
            for job, loaded in _read_ahead(readers, jobs, read, _READ_AHEAD * batch_size):
                try:
                    if isinstance(loaded, ItransError):
                        raise loaded
                    translator.check(loaded.source, direction)
                except ItransError as error:
                    done(job, error)
                else:
                    height, width = loaded.source.shape[:2]
                    wide += width == 2 * height
                    run.add(job, loaded)
            run.finish()
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            writer.shutdown(wait=False, cancel_futures=True)
            raise
    if wide and translator.trained_on_halves:
        warn(
            f"{wide} of {counted(len(jobs), 'picture')} {'is' if wide == 1 else 'are'} twice as wide as high. This "
            "checkpoint was trained on pictures A|B, and translates one side: cut such pictures first."
        )


@dataclass
class _Picture:
    """A picture that has been read, and how far its job is."""

    job: Job
    image: ImageArray
    finish: Callable[[ImageArray], ImageArray] | None
    unwritten: int
    first: ImageArray | None = None
    alike: bool = True
    failed: bool = False


class _Run:
    """What has been read and waits for its like, and what is being written; see `translate_files`."""

    def __init__(
        self,
        translator: Translator,
        writer: ThreadPoolExecutor,
        batch_size: int,
        direction: str | None,
        done: Callable[[Job, ItransError | None], None],
        warn: Callable[[str], None],
    ) -> None:
        self._translator, self._writer, self._direction = translator, writer, direction
        self._batch_size, self._most = batch_size, _READ_AHEAD * batch_size
        self._done, self._warn, self._warned = done, warn, False
        self._waiting: dict[tuple[object, ...], list[tuple[_Picture, int]]] = {}
        self._written: deque[tuple[_Picture, Future[None]]] = deque()

    def add(self, job: Job, loaded: Loaded) -> None:
        """Have all samples of a picture made, as soon as there are enough for a batch."""
        image = loaded.source
        picture = _Picture(job, image, loaded.finish, len(job.outputs))
        group = self._waiting.setdefault((image.shape, image.dtype), [])
        group += [(picture, number) for number in range(len(job.outputs))]
        while len(group) >= self._batch_size:
            self._flush(group)
        if sum(map(len, self._waiting.values())) >= self._most:
            self._flush(max(self._waiting.values(), key=len))

    def finish(self) -> None:
        """Make what waits, and see everything written."""
        for group in self._waiting.values():
            while group:
                self._flush(group)
        while self._written:
            self._finish_one()

    def _flush(self, group: list[tuple[_Picture, int]]) -> None:
        """Make a batch of a group's first samples, and take them out of it."""
        batch = [(picture, number) for picture, number in group[: self._batch_size] if not picture.failed]
        del group[: self._batch_size]
        seeds = [self._translator.seed + number for _, number in batch]
        try:
            outputs = self._translator.translate_batch(
                [picture.image for picture, _ in batch], seed=seeds, direction=self._direction
            )
        except DataError as error:
            if isinstance(error.__cause__, ValueError):
                raise  # the method has no such direction: that is no picture's fault
            for picture, _ in batch:
                if not picture.failed:
                    picture.failed = True
                    self._done(picture.job, error)
            return
        for (picture, number), made in zip(batch, outputs, strict=True):
            output = made if picture.finish is None else picture.finish(made)
            self._written.append((picture, self._writer.submit(write_image, picture.job.outputs[number], output)))
            if not self._warned and len(picture.job.outputs) > 1:
                self._compare(picture, number, output)
        while len(self._written) > self._most:
            self._finish_one()

    def _compare(self, picture: _Picture, number: int, output: ImageArray) -> None:
        if picture.first is None:
            picture.first = output
        elif picture.alike:
            picture.alike = np.array_equal(picture.first, output)
        if number == len(picture.job.outputs) - 1 and picture.alike:
            self._warned = True
            self._warn(
                f"The {len(picture.job.outputs)} samples of {picture.job.source} are all the same: "
                f"{self._translator.why_alike()}."
            )

    def _finish_one(self) -> None:
        picture, writing = self._written.popleft()
        picture.unwritten -= 1
        try:
            writing.result()
        except OutputError as error:
            if isinstance(error.__cause__, OSError):
                raise  # the next file would fare no better
            if not picture.failed:
                picture.failed = True
                self._done(picture.job, error)
        if not picture.unwritten and not picture.failed:
            self._done(picture.job, None)


def _read_ahead(
    readers: ThreadPoolExecutor, jobs: Sequence[Job], read: Callable[[Path], Loaded], ahead: int
) -> Iterator[tuple[Job, Loaded | ItransError]]:
    reading: deque[tuple[Job, Future[Loaded | ItransError]]] = deque()
    for job in jobs:
        reading.append((job, readers.submit(_read, read, job.source)))
        if len(reading) > ahead:
            first, image = reading.popleft()
            yield first, image.result()
    for job, image in reading:
        yield job, image.result()


def _read(read: Callable[[Path], Loaded], path: Path) -> Loaded | ItransError:
    try:
        return read(path)
    except ItransError as error:
        return error


def _found(item: str) -> list[tuple[Path, Path]]:
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
    """Return a pattern in which a folder that is there is meant by its name, brackets and all: `a[1]/*.png`."""
    for folder in PurePath(pattern).parents:
        if glob.has_magic(str(folder)) and Path(folder).is_dir():
            return str(Path(glob.escape(str(folder)), PurePath(pattern).relative_to(folder)))
    return pattern


def _suffix(place: Path) -> str:
    return place.suffix if place.suffix.lower() in LOSSLESS else ".png"
