"""Files -> translated files: reading, translating and writing at the same time."""

from __future__ import annotations

import functools
import math
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from itrans.errors import DataError, ItransError, OutputError, counted
from itrans.files import LONGEST_NAME
from itrans.pictures.georeference import with_scale
from itrans.pictures.kinds import kind_of, read_source
from itrans.pictures.room import amount
from itrans.pictures.writing import holds, write_image
from itrans.translating.given import given_together
from itrans.translating.media import PictureMaker, is_media, translate_media
from itrans.translating.preparation import Loaded
from itrans.translating.reading import HELD, READERS, read_ahead
from itrans.translating.scaling import scale_in
from itrans.translating.streams import translate_streams
from itrans.translating.tiles import translate_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itrans.pictures.spec import ImageArray
    from itrans.translating.companions import Companions
    from itrans.translating.jobs import Job
    from itrans.translating.preparation import Preparer
    from itrans.translating.tiling import Tiling
    from itrans.translating.translator import Translator

_READ_AHEAD = 4
_AT_ONCE, _MOST_AT_ONCE = 1 << 20, 16
"""Pixels, and pictures, of a batch: of larger ones, a pixel takes longer on a CPU."""
_FEW = 8
"""Tiles, or frames, of a batch, where nothing is said."""

_HALVES = "twice as wide as high, as pictures A|B are; this checkpoint translates one side: cut such pictures first"
_SMALL = 1 << 22
"""Pixels of a batch that are translated without asking whether there is memory for them."""


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    batch_size: int | None = None,
    direction: str | None = None,
    prepare: Preparer | None = None,
    background: str | None = None,
    strict: bool = False,
    tiling: Tiling | None = None,
    companions: Companions | None = None,
    part: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
    done: Callable[[Job, ItransError | None], None],
    warn: Callable[[str], None] = lambda _: None,
) -> None:
    """Translate files. Pictures of equal size and type share a batch, and so do the samples of a picture.

    The first sample of each picture has the translator's seed, the second one the next seed, and so on. Without a
    `batch_size`, a batch has about a million pixels, and 16 pictures at most. Batches are smaller if there is no memory
    for so many. `prepare` reads pictures as the data set did in training. Pictures with other channels than the
    generator takes are converted, or refused if `strict`; what is transparent is laid on the background colour, by
    default that of the training. With a `tiling`, larger pictures are translated in tiles. `companions` are what
    pictures are translated with besides. `part` is told how many of a picture's tiles, or of a video's frames, are
    done, out of how many.

    `done` is called with each job when all of it is written, or with what is wrong with its picture. `warn` is called
    with a sentence if all samples of a picture are the same; and at the end, once for all pictures, with what was
    converted and what was lost, and if they seem to have both sides of a pair.

    Raises:
        DataError: there is no such direction.
        OutputError: an output cannot be written. One whose format does not hold it, or whose name is too long,
            is its own picture's fault alone.
    """
    taken, _ = translator.specs(direction)
    kind = kind_of(taken)
    read_picture = prepare or (lambda path: Loaded(read_source(path, taken)))
    fixed = {} if companions is None else companions.fixed

    def read(path: Path) -> Loaded:
        return read_picture(path)._replace(given={} if companions is None else companions.of(path))

    # What is made of a photo is not its grey where training made, say, its lines: it is refused, with what to do.
    converts = not strict and prepare is None and (translator.preparation is None or taken.channels > 1)
    preparation, laid_on = None if prepare is None else prepare.preparation, background or translator.background
    translate_media(
        translator,
        [job for job in jobs if is_media(job.source)],
        PictureMaker(translator, direction, preparation, tiling, laid_on, fixed),
        direction=direction,
        batch_size=batch_size or _FEW,
        done=done,
        part=functools.partial(part, "frames"),
    )
    jobs, of_tiles = [job for job in jobs if not is_media(job.source)], functools.partial(part, "tiles")
    if tiling is not None and prepare is None and not (companions is not None and companions.have_pictures):
        jobs = translate_streams(translator, jobs, tiling, direction, batch_size or _FEW, done, of_tiles, fixed)
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(1) as writer:
        run = _Run(translator, writer, batch_size, direction, tiling, of_tiles, done, warn)
        notes: dict[str, list[Job]] = {}
        try:
            for job, found in read_ahead(readers, jobs, read, _READ_AHEAD * (batch_size or _MOST_AT_ONCE)):
                try:
                    if isinstance(found, ItransError):
                        raise found
                    image, note = found.image, None
                    if converts:
                        image, note = kind.as_source(image, taken, laid_on)
                    translator.check(image, direction)
                    if image.shape[1] == 2 * image.shape[0] and translator.trained_on_halves:
                        notes.setdefault(_HALVES, []).append(job)
                    run.add(job, found._replace(image=image))
                except ItransError as error:
                    done(job, error)
                else:
                    if note is not None:
                        notes.setdefault(note, []).append(job)
            run.finish()
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            writer.shutdown(wait=False, cancel_futures=True)
            raise
    for note, of in (notes | run.lost).items():
        which = f"{len(of)} pictures, such as {of[0].source}" if len(of) > 1 else str(of[0].source)
        warn(f"{which}: {note}.")


@dataclass
class _Picture:
    """A picture that has been read, and how far its job is."""

    job: Job
    found: Loaded
    unwritten: int
    first: ImageArray | None = None
    alike: bool = True
    failed: bool = False


class _Run:
    """The pictures that wait for others of their size, and those that are being written; see `translate_files`."""

    def __init__(
        self,
        translator: Translator,
        writer: ThreadPoolExecutor,
        batch_size: int | None,
        direction: str | None,
        tiling: Tiling | None,
        part: Callable[[int, int], None],
        done: Callable[[Job, ItransError | None], None],
        warn: Callable[[str], None],
    ) -> None:
        self._translator, self._writer, self._direction = translator, writer, direction
        self._scale = scale_in(translator, direction)
        self._batch_size, self._most = batch_size, _READ_AHEAD * (batch_size or _MOST_AT_ONCE)
        self._tiling, self._part = tiling, part
        self._done, self._warn, self._warned = done, warn, False
        self._waiting: dict[tuple[object, object, str, int], list[tuple[_Picture, int]]] = {}
        self._written: deque[tuple[_Picture, Future[set[str]], int]] = deque()
        self.lost: dict[str, list[Job]] = {}

    def add(self, job: Job, found: Loaded) -> None:
        """Add a picture; its samples are made as soon as there are enough for a batch.

        Raises:
            DataError: there is not enough memory for it.
        """
        image, picture = found.image, _Picture(job, found, len(job.outputs))
        if self._tiling is not None and not self._tiling.covers(*image.shape[:2]):
            self._add_tiled(picture, self._tiling)
            return
        size = self._size_of_batch(image, job.source)
        likes = [(name, getattr(value, "shape", value)) for name, value in found.given.items()]
        group = self._waiting.setdefault((image.shape, image.dtype, str(likes), size), [])
        group += [(picture, number) for number in range(len(job.outputs))]
        while len(group) >= size:
            self._flush(group, size)
        waiting = [one for group in self._waiting.values() for one, _ in group]
        if len(waiting) >= self._most or sum(one.found.image.nbytes for one in waiting) > HELD:
            key, group = max(self._waiting.items(), key=lambda item: len(item[1]))
            self._flush(group, key[-1])

    def finish(self) -> None:
        """Make all that still waits, and wait until everything is written."""
        for (*_, size), group in self._waiting.items():
            while group:
                self._flush(group, size)
        while self._written:
            self._finish_one()

    def _size_of_batch(self, image: ImageArray, path: Path) -> int:
        """Return how many pictures like this one there is memory for at once."""
        height, width = image.shape[:2]
        pixels = math.ceil(height * width * max(Fraction(1), self._scale) ** 2)  # of the larger one of the two
        size = self._batch_size or max(1, min(_AT_ONCE // pixels, _MOST_AT_ONCE))
        if pixels * size <= _SMALL:
            return size
        need, free = self._translator.room(image, self._direction)
        if free is None:
            return size
        if need > free:
            raise DataError(
                f"{path} is {width} x {height} pixels, for which this checkpoint's generator needs about "
                f"{amount(need)} of memory, and {amount(free)} are free. Translate it in tiles: --tile 512."
            )
        return min(size, int(free // need))

    def _flush(self, group: list[tuple[_Picture, int]], size: int) -> None:
        """Make a batch of a group's first samples, and take them out of it."""
        batch = [(picture, number) for picture, number in group[:size] if not picture.failed]
        del group[:size]
        if not batch:
            return
        seeds = [self._translator.seed + number for _, number in batch]
        given = given_together(self._translator.accepted, [picture.found.given for picture, _ in batch])
        try:
            outputs = self._translator.translate_batch(
                [picture.found.image for picture, _ in batch], seed=seeds, direction=self._direction, **given
            )
        except DataError as error:
            for picture, _ in batch:
                self._fail(picture, error)
            return
        self._write(batch, outputs)

    def _add_tiled(self, picture: _Picture, tiling: Tiling) -> None:
        translator, direction = self._translator, self._direction
        source = kind_of(translator.specs(direction)[0]).source_of(picture.found.image)
        for number in range(len(picture.job.outputs)):
            rows = translate_tiles(
                translator,
                source,
                tiling,
                seed=translator.seed + number,
                direction=direction,
                batch_size=self._batch_size or _FEW,
                progress=self._part,
                given=picture.found.given,
            )
            self._write([(picture, number)], [np.concatenate([*rows])])

    def _write(self, batch: list[tuple[_Picture, int]], outputs: list[ImageArray]) -> None:
        for (picture, number), made in zip(batch, outputs, strict=True):
            output = made if picture.found.finish is None else picture.found.finish(made)
            path = picture.job.outputs[number]
            if not holds(path.suffix.lower(), output.shape[2], output.dtype.name):
                what = f"{counted(output.shape[2], 'channel')} of {output.dtype}"
                self._fail(picture, OutputError(f"{path} cannot hold its translation, {what}. Choose another format."))
                continue
            if len(os.fsencode(path.name)) > LONGEST_NAME:
                self._fail(picture, OutputError(f"{path} cannot be written: its name is too long. Rename the input."))
                continue
            metadata = with_scale(picture.found.metadata, self._scale)
            writing = self._writer.submit(write_image, path, output, metadata)
            self._written.append((picture, writing, output.nbytes))
            if not self._warned and len(picture.job.outputs) > 1:
                self._compare(picture, number, output)
        while len(self._written) > self._most or sum(size for _, _, size in self._written) > HELD:
            self._finish_one()

    def _fail(self, picture: _Picture, error: ItransError) -> None:
        if not picture.failed:
            picture.failed = True
            self._done(picture.job, error)

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
        picture, writing, _ = self._written.popleft()
        lost = writing.result()
        picture.unwritten -= 1
        if not picture.unwritten:
            self._done(picture.job, None)
            if lost:
                suffix = picture.job.outputs[0].suffix
                note = f"{' and '.join(sorted(lost))} could not be kept: {suffix} has no room for it"
                self.lost.setdefault(note, []).append(picture.job)
