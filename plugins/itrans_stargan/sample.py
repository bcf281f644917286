"""Drawn faces and people in four colours: domains that need no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
from annotated_types import Ge, Le

from itrans.api import ImageSpec, Pair, Split
from itrans_datasets.openmoji import OpenMoji

if TYPE_CHECKING:
    from itrans.api import ImageArray

COLOURS = {"yellow": 27, "green": 60, "blue": 105, "pink": 160}
"""The hue of each colour as OpenCV counts it, 180 all round; that of OpenMoji's yellow is 27."""

_YELLOW = (19, 35)
"""The hues that are recoloured: the yellows of skin, but not the orange of hair."""


class ColouredFaces:
    """OpenMoji's faces and people, whose yellow skin becomes green, blue or pink; all else keeps its colour.

    To train with, every emoji has one colour, and its target is a random emoji of a random colour: no emoji is there in
    two colours. Held-out emoji are paired, so that outputs can be measured: the target is the same emoji in another
    colour.

    Args:
        size: height and width of the pictures in pixels.
        split: which part.

    Raises:
        DataError: the packages that the emoji are drawn from are not installed.
        OutputError: the cache cannot be written.
    """

    attribution = OpenMoji.attribution

    def __init__(self, *, size: Annotated[int, Ge(16), Le(512)] = 64, split: Split) -> None:
        self.paired = split != "train"
        self._emoji = OpenMoji(size=size, groups=["faces", "people"], split=split)
        self.source: ImageSpec = self._emoji.target
        self.target: ImageSpec = self._emoji.target
        self.extras = {"domain": tuple(COLOURS), "source_domain": tuple(COLOURS)}

    def __len__(self) -> int:
        """Return the number of emoji."""
        return len(self._emoji)

    def __getitem__(self, index: int) -> Pair:
        """Return an emoji in its colour and in another one, `(size, size, 3)`.

        Raises:
            DataError: the cached picture cannot be read.
        """
        colour = index % len(COLOURS)
        other = (colour + 1 + index // len(COLOURS) % (len(COLOURS) - 1)) % len(COLOURS)
        return self._pair(index, index, other)

    def draw(self, index: int, seed: int) -> Pair:
        """Return an emoji and one of those in a colour that the seed draws; a pair where emoji are paired.

        Raises:
            DataError: see `__getitem__`.
        """
        if self.paired:
            return self[index]
        random = np.random.default_rng(seed)
        colour = int(random.integers(len(COLOURS)))
        other = int(random.choice(range(colour, len(self), len(COLOURS))))
        return self._pair(index, other, colour)

    def _pair(self, index: int, other: int, colour: int) -> Pair:
        """Return an emoji in its own colour, and another one in the colour of that number."""
        own = index % len(COLOURS)
        name, source = self._emoji[index].key, recolour(self._emoji[index].target, [*COLOURS][own])
        target = recolour(self._emoji[other].target, [*COLOURS][colour])
        return Pair(source, target, name, {"domain": colour, "source_domain": own})


def recolour(image: ImageArray, colour: str) -> ImageArray:
    """Return a picture `(H, W, 3)` of uint8 whose yellows have the hue of a colour."""
    hsv = cv2.cvtColor(np.asarray(image, np.uint8), cv2.COLOR_RGB2HSV)
    hue = hsv[..., 0].astype(int)
    is_yellow = (hue >= _YELLOW[0]) & (hue <= _YELLOW[1])
    hsv[..., 0] = np.where(is_yellow, (hue + COLOURS[colour] - COLOURS["yellow"]) % 180, hue)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
