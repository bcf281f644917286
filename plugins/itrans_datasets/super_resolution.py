"""Pictures made smaller -> the pictures (super-resolution; Dong et al., arXiv 1501.00092, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, cast

import cv2
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from PIL import Image

from itrans.api import WHITE, DataError, ImageSpec, Pair, Split
from itrans_datasets.pictures import Sample, pictures_of
from itrans_datasets.splits import HELD_OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.api import ImageArray

Kernel: TypeAlias = Literal["bicubic", "area"]


class SuperResolution:
    """A picture that has been made smaller -> the picture: targets are `scale` times as large as sources.

    New pictures are enlarged as they are.

    Args:
        root: the folder of the pictures; with `train`, `val` and `test` in it, or else a part is held out.
        sample: pictures that need no folder: `openmoji` or `facades`.
        scale: how many times as large the targets are. A picture that is no multiple loses a few rows and columns.
        kernel: how pictures are made smaller: `bicubic`, which takes all pixels into account, as the field does; or
            `area`, the mean of squares of pixels.
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
        scale: Annotated[int, Ge(2), Le(8)] = 2,
        kernel: Kernel = "bicubic",
        channels: Literal[1, 3, 4] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        self._pictures = pictures_of(root, sample, split, channels, holdout=holdout)
        self.scale, self._kernel = scale, kernel
        self.attribution = self._pictures.attribution
        self.measured_split = self._pictures.measured_split
        self.source: ImageSpec = self._pictures.spec
        self.target: ImageSpec = self._pictures.spec

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pair:
        """Return the smaller picture and the picture.

        Raises:
            DataError: the picture cannot be read, is unlike the first one, or is smaller than one pixel of a source.
        """
        image, key = self._pictures[index]
        height, width = (side // self.scale * self.scale for side in image.shape[:2])
        if not height or not width:
            raise DataError(f"{key} is {image.shape[1]}x{image.shape[0]}, which is too small for scale = {self.scale}.")
        target = image[:height, :width]
        return Pair(smaller(target, self.scale, self._kernel), target, key)


def smaller(image: ImageArray, scale: int, kernel: Kernel) -> ImageArray:
    """Return a picture `(H, W, C)` at a whole fraction of its size, of which both sides are multiples."""
    size = image.shape[1] // scale, image.shape[0] // scale
    planes = [np.ascontiguousarray(image[:, :, channel], np.float32) for channel in range(image.shape[2])]
    made = np.stack([_smaller_plane(plane, size, kernel) for plane in planes], axis=2)
    made = made.clip(0, WHITE[image.dtype.name])
    return cast("ImageArray", (made if image.dtype == np.float32 else np.rint(made)).astype(image.dtype))


def _smaller_plane(plane: NDArray[np.float32], size: tuple[int, int], kernel: Kernel) -> NDArray[np.float32]:
    if kernel == "area":
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
    # OpenCV's bicubic interpolation looks at 16 pixels, however many become one.
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC), np.float32)
