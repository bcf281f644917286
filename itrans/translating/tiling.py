"""How a picture is covered with tiles, and how much each of them counts where they overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from itrans.errors import ItransError

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

_OVERLAP = 64
"""Pixels that neighbouring tiles share, where nothing else is said."""

_LEAST = 16
"""Of a tile's side."""


@dataclass(frozen=True)
class Tiling:
    """Squares, or somewhat less, that cover a picture.

    Attributes:
        size: the longest side of a tile, in pixels.
        overlap: how many pixels, at least, two neighbours share.

    Raises:
        ItransError: they cannot cover a picture.
    """

    size: int
    overlap: int

    @classmethod
    def of(cls, size: int, overlap: int | None = None) -> Tiling:
        """Return squares that overlap by 64 pixels, or half their side, where nothing else is said."""
        return cls(size, min(_OVERLAP, size // 2) if overlap is None else overlap)

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

    def side(self, length: int, multiple: int, whole: int = 1) -> Side:
        """Return the tiles along a side of a picture, as short as so many cover it; of a multiple of a number.

        They begin at multiples of `whole`, which divides the length and the other number.
        """
        least = -(-(self.overlap + 1) // whole) * whole
        most = max(self.size // multiple * multiple, self.size % multiple // whole * whole, least)
        if length <= most:
            return Side(length, (0,), length)
        steps = math.ceil((length - most) / (most - self.overlap))
        least = math.ceil((length + steps * self.overlap) / (steps + 1))
        size = min(most, -(-least // multiple) * multiple)
        free = (length - size) // whole
        return Side(length, tuple(whole * round(free * step / steps) for step in range(steps + 1)), size)


@dataclass(frozen=True)
class Side:
    """The tiles along a side of a picture.

    Attributes:
        length: the picture's, in pixels.
        starts: where each begins; evenly spaced, the last one ends where the picture does.
        size: of each.
    """

    length: int
    starts: tuple[int, ...]
    size: int

    def scaled(self, scale: Fraction) -> Side:
        """Return the same tiles of a translation that is so many times as large."""
        return Side(
            int(self.length * scale), tuple(int(start * scale) for start in self.starts), int(self.size * scale)
        )

    def weights(self) -> list[NDArray[np.float32]]:
        """Return how much each tile counts, pixel by pixel: together 1 everywhere.

        The outer quarter of an overlap does not count, because what a network makes there depends on how it fills in
        what is beyond the tile's edge. Over the middle half, one tile fades into the other.
        """
        found = [np.ones(self.size) for _ in self.starts]
        for number in range(1, len(found)):
            shared = self.starts[number - 1] + self.size - self.starts[number]
            if shared > 0:
                rising = np.clip(((np.arange(shared) + 0.5) / shared - 0.25) / 0.5, 0, 1)
                found[number][:shared] *= rising
                found[number - 1][-shared:] *= 1 - rising
        total = np.zeros(self.length)
        for start, weight in zip(self.starts, found, strict=True):
            total[start : start + self.size] += weight
        return [
            (weight / total[start : start + self.size]).astype(np.float32)
            for start, weight in zip(self.starts, found, strict=True)
        ]
