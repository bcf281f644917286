"""Pairs in one file each, side by side, as the Pix2Pix data sets are published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt

from itrans.api import (
    DataError,
    ImageSpec,
    Pair,
    Split,
    as_channels,
    counted,
    first_readable,
    measured_split,
    read_image,
    spec_of,
)
from itrans_datasets import published
from itrans_datasets.splits import HELD_OUT, WANTED, split_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itrans.api import ImageArray


class Aligned:
    """Pictures A|B side by side in `root/train`, `root/val` and `root/test`.

    If one of `val` and `test` is missing, the other stands in for it. If none of the three exists and the pictures are
    in `root` itself, a fraction `holdout` of them is held out, half as `val` and half as `test`; a hash of the names
    decides which.

    Args:
        root: the data set's folder.
        direction: `AtoB` translates the left half to the right one.
        channels: convert every picture to so many; without it, all must have as many as the first.
        background: the colour under transparent parts if `channels` leaves no room for alpha.
        source_range: the values of sources that networks see as -1 and as 1; others are refused. Without it, the whole
            range of their type; floats then have to be from 0 to 1.
        target_range: the same for targets.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: the folder is missing or empty, or the first picture cannot be read.
        MissingSplitError: there is no such split.
        ValueError: there is no such colour, or it has no effect; or no such range.
    """

    paired = True
    side_by_side = True

    how_to_get = staticmethod(published.how_to_get)

    def __init__(
        self,
        *,
        root: str,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        channels: Literal[1, 3, 4] | None = None,
        background: str = "white",
        source_range: tuple[float, float] | None = None,
        target_range: tuple[float, float] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        advice = "Put those of the split there, each A|B side by side."
        self._folder, self._files = split_files(root, split, holdout, advice, halves=True)
        self.measured_split: Split = measured_split(root, WANTED, split)
        self._direction, self._channels, self._background = direction, channels, background
        check_background(background, channels)
        self._any_floats = source_range is not None or target_range is not None
        self._first, (left, _) = first_readable(self._halves, len(self._files))
        self._spec: ImageSpec = spec_of(left)
        self.source: ImageSpec = with_range(self._spec, source_range)
        self.target: ImageSpec = with_range(self._spec, target_range)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._files)

    @property
    def names(self) -> Sequence[str]:
        """The pictures' paths in the split's folder, in the order of the pairs: their keys."""
        return self._files

    def __getitem__(self, index: int) -> Pair:
        """Return the two halves of a picture.

        Raises:
            DataError: it cannot be read, is of odd width, or is unlike the first one.
        """
        left, right = self._halves(index)
        if spec_of(left) != self._spec:
            name, first = self._files[index], self._files[self._first]
            raise DataError(unlike(self._folder / name, spec_of(left), first, self._spec, "channels"))
        source, target = (left, right) if self._direction == "AtoB" else (right, left)
        return Pair(source, target, self._files[index])

    def _halves(self, index: int) -> tuple[ImageArray, ImageArray]:
        path = self._folder / self._files[index]
        image = read_as(path, self._channels, self._background, any_floats=self._any_floats)
        width = image.shape[1]
        if width % 2:
            raise DataError(f"{path} is {width} pixels wide: a picture A|B has an even width, half of it for each.")
        return image[:, : width // 2], image[:, width // 2 :]


def check_background(background: str, *channels: int | None) -> None:
    """Raise `ValueError` if something is not a colour, or if no picture needs a background."""
    as_channels(np.zeros((1, 1, 4), np.uint8), 3, background)
    if background != "white" and not {1, 3}.intersection(channels):
        raise ValueError('"background" has no effect: pictures are laid on it where they get 1 or 3 channels')


def with_range(spec: ImageSpec, range_: tuple[float, float] | None) -> ImageSpec:
    """Return a spec with a range, if there is one; raises `ValueError` if it does not fit."""
    if range_ is None:
        return spec
    try:
        return replace(spec, low=range_[0], high=range_[1])
    except DataError as error:
        raise ValueError(str(error)) from None


def read_as(
    path: Path,
    channels: int | None,
    background: str = "white",
    content: bytes | None = None,
    *,
    any_floats: bool = False,
) -> ImageArray:
    """Read a picture with this number of channels, transparent parts laid on a colour; None converts nothing.

    With its content, no file is opened; for that, and for `any_floats`, see `itrans.api.read_image`.

    Raises:
        DataError: it cannot be read or converted.
    """
    image = read_image(path, content, any_floats=any_floats)
    if channels is None:
        return image
    try:
        return as_channels(image, channels, background)
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error


def unlike(path: Path, found: ImageSpec, first: str, expected: ImageSpec, option: str) -> str:
    """Return what to say of a picture that has other channels, or other values, than the first one.

    Args:
        path: the picture.
        found: what it is.
        first: the first picture's name.
        expected: what that is.
        option: the argument of the data set that converts channels.
    """
    if found.dtype == expected.dtype:
        remedy = f"dataset.{option} = 3 makes all RGB."
    else:
        remedy = "Save all pictures with the same kind of values."
    return (
        f"{path} has {counted(found.channels, 'channel')} of {found.dtype}, but the first picture, {first}, has "
        f"{expected.channels} of {expected.dtype}. {remedy}"
    )
