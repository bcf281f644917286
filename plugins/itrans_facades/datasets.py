"""House fronts and their label maps, drawn on demand: pairs in the spirit of the CMP facades."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, get_args

import numpy as np
from annotated_types import Ge, Le

from itrans.api import ImageSpec, Pair, Split
from itrans_datasets.labels import LabelDirection
from itrans_facades.canvas import NAMES
from itrans_facades.drawing import draw_facade

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_KEPT = 256
"""The largest size of which drawn pairs are kept in memory."""


class FacadesSample:
    """Label maps of house fronts <-> pictures that look like photos of them, drawn, not photographed.

    Eight classes: sky, wall, roof, window, door, balcony, cornice (with sills and lintels) and shop. Colours,
    materials, light and camera of a house are random, and its label map does not show them. Walls, doors, roofs and
    stonework share their colours, so a pixel's colour does not give its class. A pair depends only on the seed, the
    split and its index. No house is in two splits; another size shows the same house.

    Args:
        size: height and width in pixels.
        count: how many pairs there are to train with; `val` and `test` have a quarter of that each.
        seed: other seeds draw other houses.
        direction: which side is the source.
        split: which part.
    """

    paired = True

    def __init__(
        self,
        *,
        size: Annotated[int, Ge(32), Le(512)] = 128,
        count: Annotated[int, Ge(1), Le(100_000)] = 400,
        seed: Annotated[int, Ge(0)] = 0,
        direction: LabelDirection = "labels_to_photo",
        split: Split,
    ) -> None:
        self._size, self._seed, self._split, self._direction = size, seed, split, direction
        self._count = count if split == "train" else max(1, count // 4)
        labels, photo = ImageSpec(channels=1, kind="labels", labels=len(NAMES), names=NAMES), ImageSpec(channels=3)
        self.source, self.target = (labels, photo) if direction == "labels_to_photo" else (photo, labels)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self._count

    def __getitem__(self, index: int) -> Pair:
        """Return a label map `(size, size, 1)` and a photo `(size, size, 3)`, or the other way round.

        Raises:
            IndexError: there are not so many.
        """
        index = range(self._count)[index]
        drawn = _kept if self._size <= _MOST_KEPT else _draw
        labels, photo = (image.copy() for image in drawn(self._size, self._seed, self._split, index))
        source, target = (labels, photo) if self._direction == "labels_to_photo" else (photo, labels)
        return Pair(source, target, f"{self._split}-{index:04d}")


def _draw(size: int, seed: int, split: Split, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return draw_facade(size, np.random.default_rng([seed, get_args(Split).index(split), index]))


_kept = lru_cache(maxsize=512)(_draw)
"""Drawing takes longer than reading a file would; what is kept is at most 134 MB a process."""
