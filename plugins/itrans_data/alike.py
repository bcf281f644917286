"""Pictures that look alike, by their perceptual hashes."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from itrans.api import WHITE, DataError, as_channels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itrans.api import ImageArray
    from itrans_data.items import Item
    from itrans_data.steps import Picture

_BITS = 64
_COLOUR = 24
"""How far the mean colours of pictures that are alike may be apart, in each channel, of 255: hashes know no colours."""


class Look(NamedTuple):
    """What a picture, or the two of a pair, look like."""

    hashes: tuple[int, ...]
    colours: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Dropped:
    """An item that looks like another one, which stays.

    Attributes:
        item: the one that is dropped.
        other: the one that stays.
        distance: how many of the 64 bits differ.
    """

    item: Item
    other: Item
    distance: int

    @property
    def is_leak(self) -> bool:
        """Whether the two are in different splits."""
        return self.item.split != self.other.split


def require_library() -> None:
    """Raise `DataError` if the library that hashes pictures is not installed."""
    if importlib.util.find_spec("imagehash") is None:
        raise DataError("--drop-duplicates needs one more package: pip install 'itrans[data]'")


def look_of(pictures: Sequence[Picture]) -> Look:
    """Return what pictures look like: perceptual hashes, and mean colours."""
    import imagehash
    from PIL import Image

    small = [_small(picture.image, smooth=not picture.is_labels) for picture in pictures]
    hashes = tuple(int(str(imagehash.phash(Image.fromarray(image))), 16) for image in small)
    colours = tuple((int(red), int(green), int(blue)) for red, green, blue in (image.mean((0, 1)) for image in small))
    return Look(hashes, colours)


def without_alike(found: Sequence[tuple[Item, Look]], most: int) -> Iterator[Dropped]:
    """Yield the items that look like an earlier one which stays, or like one that is held out.

    Those of `test` stay before those of `val`, and these before those of `train`: what is measured on is to be new to
    a network, not to be fewer.

    Args:
        found: items, sorted by their names, and what they look like.
        most: how many of the 64 bits of a hash may differ; both pictures of a pair have to be alike.
    """
    order = {"test": 0, "val": 1}
    staying: dict[tuple[int, int], list[tuple[Item, Look]]] = defaultdict(list)
    for item, look in sorted(found, key=lambda one: order.get(one[0].split or "", 2)):
        bands = _bands(look.hashes[0], most)
        near = [(_distance(look, theirs, most), other) for band in bands for other, theirs in staying.get(band, ())]
        alike = [(far, other) for far, other in near if far is not None]
        if alike:
            far, other = min(alike, key=lambda one: (one[0], one[1].name))
            yield Dropped(item, other, far)
            continue
        for band in bands:
            staying[band].append((item, look))


def _bands(value: int, most: int) -> list[tuple[int, int]]:
    """Return pieces of a hash, of which two hashes share one at least if no more than `most` of their bits differ."""
    edges = [place * _BITS // (most + 1) for place in range(most + 2)]
    return [(low, (value >> low) & ((1 << (high - low)) - 1)) for low, high in pairwise(edges)]


def _distance(one: Look, other: Look, most: int) -> int | None:
    """Return how many bits of two looks differ, the most of a pair's pictures; None if they are not alike."""
    far = max((a ^ b).bit_count() for a, b in zip(one.hashes, other.hashes, strict=True))
    shift = max(abs(a - b) for x, y in zip(one.colours, other.colours, strict=True) for a, b in zip(x, y, strict=True))
    return far if far <= most and shift <= _COLOUR else None


def _small(image: ImageArray, *, smooth: bool) -> ImageArray:
    """Return a picture as a small one in RGB of 8 bits; a hash looks at no details."""
    channels = image.shape[2]
    image = image[:, :, :4] if channels in {1, 3, 4} else image[:, :, :1]
    white = WHITE[image.dtype.name] if smooth else max(1, int(image.max()))
    scaled = (np.asarray(image, np.float32) * (255 / white)).clip(0, 255)
    done = cv2.resize(scaled, (64, 64), interpolation=cv2.INTER_AREA if smooth else cv2.INTER_NEAREST)
    return as_channels(done.reshape(64, 64, -1).round().astype(np.uint8), 3)
