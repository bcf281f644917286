"""Large pictures, translated in parts that overlap and are blended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from itrans.errors import ItransError
from itrans.networks.statistics import SharedStatistics, normalizes_by_picture
from itrans.pictures.kinds import kind_of
from itrans.pictures.tensors import stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.pictures.spec import ImageArray, PixelType
    from itrans.translating.translator import Translator

OVERLAP = 64
"""Pixels that neighbouring tiles share, where nothing else is said."""

_TOGETHER = 1 << 20
"""Pixels of all tiles that are translated at once."""

_LEAST = 16
"""Of a tile's side."""


@dataclass(frozen=True)
class Tiling:
    """Squares that cover a picture.

    Attributes:
        size: the side of a square, in pixels.
        overlap: how many pixels, at least, two neighbours share.

    Raises:
        ItransError: they cannot cover a picture.
    """

    size: int
    overlap: int = OVERLAP

    def __post_init__(self) -> None:
        if self.size < _LEAST:
            raise ItransError(f"Tiles of {self.size} pixels are too small: take {_LEAST} or more.")
        if not 0 <= self.overlap <= self.size // 2:
            raise ItransError(
                f"Tiles of {self.size} pixels cannot overlap by {self.overlap}: take half of a tile or less, from 0 to "
                f"{self.size // 2}."
            )

    def covers(self, height: int, width: int) -> bool:
        """Return whether one tile covers a picture."""
        return max(height, width) <= self.size

    def starts(self, length: int) -> list[int]:
        """Return where tiles begin along a side of a picture: evenly spaced, the last one ends where the side does."""
        rest = max(0, length - self.size)
        steps = math.ceil(rest / (self.size - self.overlap))
        return [round(rest * step / steps) for step in range(steps + 1)] if steps else [0]

    def weights(self, length: int) -> list[NDArray[np.float32]]:
        """Return how much each tile counts along a side, pixel by pixel: together 1 everywhere.

        The outer quarter of an overlap does not count, because what a network makes there depends on how it fills in
        what is beyond the tile's edge. Over the middle half, one tile fades into the other.
        """
        starts, size = self.starts(length), min(self.size, length)
        found = [np.ones(size) for _ in starts]
        for number in range(1, len(starts)):
            shared = starts[number - 1] + size - starts[number]
            if shared > 0:
                rising = np.clip(((np.arange(shared) + 0.5) / shared - 0.25) / 0.5, 0, 1)
                found[number][:shared] *= rising
                found[number - 1][-shared:] *= 1 - rising
        total = np.zeros(length)
        for start, weight in zip(starts, found, strict=True):
            total[start : start + size] += weight
        return [
            (weight / total[start : start + size]).astype(np.float32)
            for start, weight in zip(starts, found, strict=True)
        ]


class Rows(Protocol):
    """A picture of which rows are read from top to bottom."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of its values."""

    def __getitem__(self, rows: slice) -> ImageArray:
        """Return some rows, `(n, W, C)`: never of above those that were asked for before."""


def translate_tiles(
    translator: Translator,
    image: Rows,
    tiling: Tiling,
    *,
    seed: int | None = None,
    direction: str | None = None,
    batch_size: int = 8,
    probes: Rows | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[ImageArray]:
    """Yield the translation of a picture from top to bottom, `(n, W, C')` each: a few rows of tiles are in memory.

    All tiles have the same dropout and noise, and are normalised by the statistics of a few tiles from all over the
    picture, see `SharedStatistics`.

    Args:
        translator: what translates.
        image: the picture, which the translator takes: stored as a data set would store it, see `Kind.source_of`.
        tiling: the parts.
        seed: of dropout and noise, instead of the translator's.
        direction: one of the translator's; None is the first.
        batch_size: at most so many tiles at once.
        probes: the same picture, to read the tiles from that are looked at first.
        progress: is told how many tiles are done, out of how many.

    Raises:
        DataError: see `Translator.translate`.
    """
    height, width, _ = image.shape
    source, target = translator.specs(direction)
    kept: PixelType = image.dtype.name  # type: ignore[assignment]
    dtype = kept if source.dtype == target.dtype else target.dtype
    tops, lefts = tiling.starts(height), tiling.starts(width)
    down, across = tiling.weights(height), tiling.weights(width)
    rows, columns = len(down[0]), len(across[0])
    together = max(1, min(batch_size, _TOGETHER // (rows * columns)))
    statistics = SharedStatistics() if normalizes_by_picture(translator.generators.values(), translator.mode) else None

    def planes(tiles: Sequence[ImageArray]) -> Tensor:
        sources = kind_of(source).planes(stack(tiles), source)
        return translator.translate_planes(sources, direction, seed=seed, dtype=dtype, statistics=statistics).float()

    if statistics is not None:
        looked_at = _probes(image if probes is None else probes, tops, lefts, rows, columns)
        planes(looked_at)
        statistics.complete()
    done, total = 0, len(tops) * len(lefts)
    blended: Tensor | None = None
    for number, top in enumerate(tops):
        band = image[top : top + rows]
        end = tops[number + 1] if number + 1 < len(tops) else height
        for first in range(0, len(lefts), together):
            some = range(first, min(first + together, len(lefts)))
            outputs = planes([band[:, lefts[place] : lefts[place] + columns] for place in some]).cpu()
            if blended is None:
                blended = torch.zeros(outputs.shape[1], rows, width)
            for place, output in zip(some, outputs, strict=True):
                weight = torch.from_numpy(np.outer(down[number], across[place]))
                blended[:, :, lefts[place] : lefts[place] + columns] += output * weight
            done += len(some)
            progress(done, total)
        assert blended is not None, "there is a tile"
        finished = end - top
        stored = kind_of(target).arrays(blended[None, :, :finished], target, dtype)
        yield kind_of(target).outputs(stored, target, [band[:finished]], source)[0]
        blended = torch.cat([blended[:, finished:], torch.zeros_like(blended[:, :finished])], dim=1)


def _probes(image: Rows, tops: list[int], lefts: list[int], rows: int, columns: int) -> list[ImageArray]:
    """Return as many tiles from all over a picture as are translated at once."""
    places = [(top, left) for top in tops for left in lefts]
    count = min(len(places), max(1, _TOGETHER // (rows * columns)))
    chosen = [places[(2 * number + 1) * len(places) // (2 * count)] for number in range(count)]
    return [image[top : top + rows][:, left : left + columns] for top, left in chosen]
