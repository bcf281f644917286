"""What pictures are, in words that cost nothing to import: neither torch nor numpy comes along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    ImageArray: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    """`(H, W, C)`; uint8 and uint16 use their full range, float32 is in [0, 1]."""

PixelType: TypeAlias = Literal["uint8", "uint16", "float32"]
"""How a picture stores its values."""

ImageKind: TypeAlias = str
"""What a picture's values mean: a name in `itrans.pictures.kinds.KINDS`."""

WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""The value of white, for each way of storing pixels: networks see it as 1, and 0, which is black, as -1."""

SUFFIXES = frozenset(
    {
        *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".npy", ".pbm"),
        *(".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)
"""The formats that are read, by suffix in lower case; `itrans.pictures.writing` has those that are written."""


@dataclass(frozen=True)
class ImageSpec:
    """What all source pictures, or all target pictures, of a data set have in common.

    Attributes:
        channels: how many channels the arrays have.
        kind: `image`; `labels` where the values are class indices in one channel; `lightness` and `ab` for the L and
            the a and b of CIE Lab, as OpenCV stores them in 8 bits; or one that a package has added.
        labels: how many classes there are, for `labels`.
        dtype: how the values are stored.
        ignored: a value that stands for no class, for `labels`; all others are below `labels`.
        names: what the classes are called, for `labels`; empty, or one for each.
        aligned: for a picture among a pair's extras, whether it shows the same place as the source, and is cropped and
            mirrored with it; one that is not has a geometry, and a size, of its own.

    Raises:
        DataError: there is no such kind; those that there are, are named.
    """

    channels: int
    kind: ImageKind = "image"
    labels: int | None = None
    dtype: PixelType = "uint8"
    ignored: int | None = None
    names: tuple[str, ...] = ()
    aligned: bool = True

    def __post_init__(self) -> None:
        from itrans.pictures.kinds import kind_of

        kind_of(self)

    @property
    def planes(self) -> int:
        """How many channels networks see: one for each class where the values are labels, else `channels`."""
        from itrans.pictures.kinds import kind_of

        return kind_of(self).plane_count(self)
