"""Lightness -> colours, in CIE Lab (arXiv 1611.07004, section 4.2, after Zhang et al., arXiv 1603.08511)."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt, Lt

from itrans.api import DataError, ImageSpec, Pair, Split, counted, lightness_and_ab
from itrans_datasets.pictures import Sample, pictures_of
from itrans_datasets.splits import HELD_OUT

_NEEDED = "to learn colours takes RGB pictures of 8 bits"


class Colorization:
    """The lightness L of a picture -> its colours a and b: grey becomes colour, and the lightness stays the same.

    `itrans translate` takes grey and RGB pictures with such a checkpoint, and writes RGB.

    Args:
        root: the folder of the pictures, RGB of 8 bits; with `train`, `val` and `test` in it, or else a part is held
            out.
        sample: pictures that need no folder: `openmoji` or `facades`.
        channels: 3 converts every picture to RGB; a grey one then has no colour. Without it, all have to be RGB.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: the folder is missing or empty, or its pictures have no colours.
        MissingSplitError: there is no such split.
        ValueError: not exactly one of `root` and `sample` is given.
    """

    paired = True
    source = ImageSpec(channels=1, kind="lightness")
    target = ImageSpec(channels=2, kind="ab")

    def __init__(
        self,
        *,
        root: str | None = None,
        sample: Sample | None = None,
        channels: Literal[3] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        self._pictures = pictures_of(root, sample, split, channels, kind=_NEEDED, holdout=holdout)
        self.attribution = self._pictures.attribution
        self.measured_split = self._pictures.measured_split
        spec = self._pictures.spec
        if spec.channels != 3 or spec.dtype != "uint8":
            raise DataError(
                f"{root}: the first picture, {self._pictures[0][1]}, has {counted(spec.channels, 'channel')} of "
                f"{spec.dtype}; {_NEEDED}.{' dataset.channels = 3 makes all RGB.' if spec.dtype == 'uint8' else ''}"
            )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pair:
        """Return the lightness `(H, W, 1)` and the colours `(H, W, 2)`.

        Raises:
            DataError: the picture cannot be read, or is unlike the first one.
        """
        image, key = self._pictures[index]
        return Pair(*lightness_and_ab(image), key)
