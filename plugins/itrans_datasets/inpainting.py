"""Pictures with a hole -> whole pictures (Pathak et al., arXiv 1604.07379; arXiv 1611.07004, section 4)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Annotated, Literal, cast

import numpy as np
from annotated_types import Gt, Lt

from itrans.api import WHITE, ImageSpec, Pair, Preparation, Split, as_channels
from itrans_datasets.pictures import Sample, pictures_of
from itrans_datasets.splits import HELD_OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.api import ImageArray


class Inpainting:
    """A picture with a grey rectangular hole -> the whole picture.

    Args:
        root: the folder of the pictures; with `train`, `val` and `test` in it, or else a part is held out.
        sample: pictures that need no folder: `openmoji` or `facades`.
        mask: `centre`, or `random`: in another place in every epoch, but in held-out pictures always in the same place.
        hole: its height and width, as fractions of the picture's.
        mask_channel: add a channel to the source, white in the hole and black elsewhere.
        channels: convert every picture to so many.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: the folder is missing or empty.
        MissingSplitError: there is no such split.
        ValueError: not exactly one of `root` and `sample` is given.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str | None = None,
        sample: Sample | None = None,
        mask: Literal["centre", "random"] = "centre",
        hole: Annotated[float, Gt(0), Lt(1)] = 0.5,
        mask_channel: bool = False,
        channels: Literal[1, 3, 4] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        self._pictures = pictures_of(root, sample, split, channels, holdout=holdout)
        self._mask, self._hole, self._mask_channel = mask, hole, mask_channel
        self.attribution = self._pictures.attribution
        self.measured_split = self._pictures.measured_split
        self.target: ImageSpec = self._pictures.spec
        self.source = ImageSpec(channels=self.target.channels + mask_channel, dtype=self.target.dtype)

    @staticmethod
    def preparation(*, mask_channel: bool = False, channels: Literal[1, 3, 4] | None = None) -> Preparation:
        """Return how holes are made where masks have some, and what is known put back; see the data set's arguments."""

        def convert(image: ImageArray) -> ImageArray:
            return image if channels is None else as_channels(image, channels)

        def source(image: ImageArray, mask: NDArray[np.bool_] | None) -> ImageArray:
            return _with_hole(convert(image), _given_mask(mask), mask_channel=mask_channel)

        def output(made: ImageArray, image: ImageArray, mask: NDArray[np.bool_] | None) -> ImageArray:
            return cast("ImageArray", np.where(_given_mask(mask)[:, :, None], made, convert(image)))

        what = "pictures get holes where their masks (NAME-mask.png beside NAME.png) are white, and the rest is kept"
        return Preparation(what, source, output, takes_mask=True)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pair:
        """Return the picture with a hole and the picture; a random hole depends on the picture's name.

        Raises:
            DataError: the picture cannot be read, or is unlike the first one.
        """
        image, key = self._pictures[index]
        return self._pair(image, key, zlib.crc32(key.encode("utf-8")))

    def draw(self, index: int, seed: int) -> Pair:
        """Return the same pair with a hole that the seed draws, if holes are random.

        Raises:
            DataError: see `__getitem__`.
        """
        image, key = self._pictures[index]
        return self._pair(image, key, seed)

    def _pair(self, image: ImageArray, key: str, seed: int) -> Pair:
        height, width = image.shape[:2]
        tall, wide = max(1, round(self._hole * height)), max(1, round(self._hole * width))
        top, left = (height - tall) // 2, (width - wide) // 2
        if self._mask == "random":
            generator = np.random.default_rng(seed)
            top, left = int(generator.integers(height - tall + 1)), int(generator.integers(width - wide + 1))
        mask = np.zeros((height, width), bool)
        mask[top : top + tall, left : left + wide] = True
        return Pair(_with_hole(image, mask, mask_channel=self._mask_channel), image, key)


def _with_hole(image: ImageArray, mask: NDArray[np.bool_], *, mask_channel: bool) -> ImageArray:
    """Return a picture with grey where a mask is True and, if wanted, one more channel, which is white there."""
    white = WHITE[image.dtype.name]
    source = image.copy()
    source[mask] = white / 2
    if mask_channel:
        source = np.concatenate([source, np.where(mask, white, 0).astype(image.dtype)[:, :, None]], axis=2)
    return source


def _given_mask(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    if mask is None:
        raise ValueError("a picture with a hole takes a mask")
    return mask
