"""Hand-written digits with their labels: what the conditional GAN draws."""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le, MultipleOf

from itrans.api import DataError, ImageSpec, Pair, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 10
_SIDE, _WHITE = 8, 16
"""How the digits are stored: 8x8, from 0 to 16."""

_HELD_OUT = 0.1
"""The part of the digits that is `val`, and the part that is `test`."""


class Digits:
    """A digit's label -> the digit: the 1,797 hand-written digits of 8x8 that come with scikit-learn.

    The source is the label as ten planes: that of the label is white, all others are black. The target is the digit,
    white on black. 80 % are `train`, 10 % `val`, 10 % `test`, chosen by a hash of the picture, so that equal pictures
    are never in two of them. The digits are the test set of "Optical Recognition of Handwritten Digits" (Alpaydin &
    Kaynak, 1998).

    Args:
        size: height and width in pixels, 8 or a multiple of it.
        interpolation: how digits are enlarged: `nearest` or `linear`.
        split: which part.

    Raises:
        DataError: scikit-learn is not installed.
        ValueError: the size is no multiple of 8.
    """

    source = ImageSpec(channels=CLASSES)
    target = ImageSpec(channels=1)
    attribution = (
        "Digits: Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, UCI Machine Learning Repository), "
        "from scikit-learn"
    )

    def __init__(
        self,
        *,
        size: Annotated[int, Ge(8), Le(256), MultipleOf(8)] = 8,
        interpolation: Literal["nearest", "linear"] = "nearest",
        split: Split,
    ) -> None:
        if size < _SIDE or size % _SIDE:
            raise ValueError(f"Digits cannot have a size of {size}: it is 8 or a multiple of 8.")
        pictures, labels = _all_digits()
        self._size, self._interpolation = size, interpolation
        self._indices = [index for index, picture in enumerate(pictures) if _split_of(picture) == split]
        self._pictures, self._labels = pictures[self._indices], labels[self._indices]

    def __len__(self) -> int:
        """Return the number of digits."""
        return len(self._indices)

    def __getitem__(self, index: int) -> Pair:
        """Return a label `(size, size, 10)` and its digit `(size, size, 1)`; the key holds the place and the label."""
        label = int(self._labels[index])
        source = np.zeros((self._size, self._size, CLASSES), np.uint8)
        source[..., label] = 255
        target = np.rint(self._pictures[index] * (255 / _WHITE)).astype(np.uint8)
        if self._size != _SIDE:
            how = cv2.INTER_NEAREST if self._interpolation == "nearest" else cv2.INTER_LINEAR
            target = np.asarray(cv2.resize(target, (self._size, self._size), interpolation=how), np.uint8)
        return Pair(source, target[..., None], f"{self._indices[index]:04d}-label{label}")


def _all_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return all digits, `(1797, 8, 8)` from 0 to 16, and their labels."""
    if importlib.util.find_spec("sklearn") is None:
        raise DataError("The data set \"digits\" needs one more package: pip install 'itrans[digits]'")
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images.astype(np.uint8), found.target.astype(np.uint8)


def _split_of(picture: NDArray[np.uint8]) -> Split:
    """Return the split that a digit falls into: a fixed random choice, the same for equal pictures."""
    place = int.from_bytes(hashlib.sha256(picture.tobytes()).digest()[:8], "big") / 2**64
    if place < _HELD_OUT:
        return "val"
    return "test" if place < 2 * _HELD_OUT else "train"
