"""Pairs of pictures."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from itrans.api import ImageSpec, Pair, Split

_DISC, _SQUARE = (230, 80, 60), (60, 110, 220)


class TemplateDataset:
    """Outlines of discs and squares -> the same filled: discs in red, squares in blue.

    It is drawn, so it needs no files. A data set that reads files keeps their names and opens one in `__getitem__`:
    `itrans.api` has `find_images`, `read_image`, `as_channels` and `spec_of` for this.

    Args:
        size: height and width of the pictures, in pixels.
        count: how many pairs to train on; `val` and `test` have a tenth of that.
        shapes: how many there are in a picture.
        split: which part; given by itrans.
    """

    source = target = ImageSpec(channels=3)
    """What all pictures of a side have in common. Each pair is checked against it."""

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=8)] = 64,
        count: Annotated[int, Field(ge=10)] = 1000,
        shapes: Annotated[int, Field(ge=1)] = 3,
        split: Split,
    ) -> None:
        self._size, self._shapes, self._split = size, shapes, split
        self._count = count if split == "train" else count // 10

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self._count

    def __getitem__(self, index: int) -> Pair:
        """Return a pair: two `(H, W, C)` arrays, and a key that is unique in its split.

        A pair is the same whenever it is asked for: what is random comes from the split and the index. A pair that
        cannot be had would raise `DataError`, naming the file.
        """
        random = np.random.default_rng([("train", "val", "test").index(self._split), index])
        rows, columns = np.indices((self._size, self._size))
        source, target = np.full((2, self._size, self._size, 3), 255, np.uint8)
        for _ in range(self._shapes):
            row, column = random.uniform(0.2, 0.8, 2) * self._size
            radius = random.uniform(0.1, 0.3) * self._size
            if random.random() < 0.5:
                distance, colour = np.hypot(rows - row, columns - column), _DISC
            else:
                distance, colour = np.maximum(abs(rows - row), abs(columns - column)), _SQUARE
            # What is drawn later hides what is beneath it, lines too.
            source[distance < radius], target[distance < radius] = 255, colour
            source[abs(distance - radius) < 1] = 0
        return Pair(source, target, f"{self._split}-{index:06d}")
