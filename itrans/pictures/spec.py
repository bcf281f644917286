"""What pictures are, in words that cost nothing to import: neither torch nor numpy comes along."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    ImageArray: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    """`(H, W, C)`; uint8 and uint16 use their full range, float32 is in [0, 1], unless a spec says otherwise."""

PixelType: TypeAlias = Literal["uint8", "uint16", "float32"]
"""How a picture stores its values."""

ImageKind: TypeAlias = str
"""What a picture's values mean: a name in `itrans.pictures.kinds.KINDS`."""

WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""The value of white, for each way of storing pixels: networks see it as 1, and 0, which is black, as -1.

A spec may have a range of its own instead, see `ImageSpec.low`.
"""

SUFFIXES = frozenset(
    {
        *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".npy", ".pbm"),
        *(".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)
"""The formats that are read, by suffix in lower case; `itrans.pictures.writing` has those that are written."""


LARGEST_FLOAT = 3.4028234e38
"""That a float32 holds, which networks compute with."""

_FIRST = frozenset({"channels", "kind", "labels", "dtype", "ignored", "names"})
"""The fields of an `ImageSpec` that all versions know: a file with no others is read by the first ones too."""


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
        low: the value that networks see as -1, such as the coldest temperature; None: 0. Values below are refused.
        high: the value that networks see as 1; None: the greatest of the type, 1 for float32. Values above are refused.
        aligned: for a picture among a pair's extras, whether it shows the same place as the source, and is cropped and
            mirrored with it; one that is not has a geometry, and a size, of its own.

    Raises:
        DataError: there is no such kind, and those that there are, are named; or no such range.
    """

    channels: int
    kind: ImageKind = "image"
    labels: int | None = None
    dtype: PixelType = "uint8"
    ignored: int | None = None
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    aligned: bool = True

    def __post_init__(self) -> None:
        from itrans.pictures.kinds import kind_of

        kind = kind_of(self)
        if self.has_range:
            self._refuse_unfit_range(takes_range=kind.takes_range)

    def _refuse_unfit_range(self, *, takes_range: bool) -> None:
        from itrans.errors import DataError

        low, high = self.range
        text = f"The range from {low:g} to {high:g}"
        if not takes_range:
            raise DataError(f"{text} has no meaning for pictures of the kind {self.kind}, whose values are fixed.")
        if not (max(abs(low), abs(high)) <= LARGEST_FLOAT and low < high):  # so is NaN
            raise DataError(f"{text} is not one: the first value has to be the smaller, and both finite.")
        if self.dtype != "float32" and (low < 0 or high > WHITE[self.dtype]):
            raise DataError(f"{text} does not fit {self.dtype}, which holds values from 0 to {WHITE[self.dtype]:g}.")

    @property
    def has_range(self) -> bool:
        """Whether values have a range of their own, instead of that of their type."""
        return self.low is not None or self.high is not None

    @property
    def range(self) -> tuple[float, float]:
        """The values that networks see as -1 and as 1."""
        low = 0.0 if self.low is None else float(self.low)
        return low, float(WHITE[self.dtype]) if self.high is None else float(self.high)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values, as files keep it: fields that came later are there only if they say something."""
        later = {field.name: field.default for field in fields(self) if field.name not in _FIRST}
        return {name: value for name, value in asdict(self).items() if name not in later or value != later[name]}

    @property
    def planes(self) -> int:
        """How many channels networks see: one for each class where the values are labels, else `channels`."""
        from itrans.pictures.kinds import kind_of

        return kind_of(self).plane_count(self)
