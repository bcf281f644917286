"""Pairs in two folders, matched by name."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Le, Lt

from itrans.api import (
    DataError,
    ImageSpec,
    Pair,
    Split,
    check_same_size,
    first_readable,
    match_names,
    measured_split,
    spec_of,
    split_folders,
    take_split,
)
from itrans_datasets.aligned import check_background, read_as, unlike, with_range
from itrans_datasets.splits import HELD_OUT

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray


_FINEST = 64
"""The largest denominator of a scale."""


class PairedFolders:
    """Two folders of pictures, matched by their relative paths without suffix and endings.

    With `{split}` in `source` and `target` there is a folder for each split; if one of `val` and `test` has neither
    folder, the other stands in for it. Without it, all pairs are in the same two folders, and a fraction `holdout` of
    them is held out, half as `val` and half as `test`; a hash of the names decides which.

    Args:
        root: the data set's folder.
        source: the folder of the source pictures in it.
        target: the folder of the target pictures in it; it can be the same one if both endings are given.
        source_ending: what the names of source pictures end in, such as `_noisy` in `01_noisy.png`; with it, others in
            the folder are left out.
        target_ending: the same for targets.
        source_channels: convert every source picture to so many; without it, all must have as many as the first.
        target_channels: the same for targets.
        background: the colour under transparent parts if the channels leave no room for alpha.
        source_range: the values of sources that networks see as -1 and as 1; others are refused. Without it, the whole
            range of their type; floats then have to be from 0 to 1.
        target_range: the same for targets.
        scale: how many times as high and wide as its source every target is: 1, 2, 3 ..., or a fraction such as 0.5.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or the two do not match; the message lists what is missing on each
            side.
        MissingSplitError: there is no such split.
        ValueError: `{split}` is in only one of the two folders' names, or endings do not tell sources and targets in
            one folder apart; or there is no such range.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        source: str = "{split}/source",
        target: str = "{split}/target",
        source_ending: str | None = None,
        target_ending: str | None = None,
        source_channels: Literal[1, 3, 4] | None = None,
        target_channels: Literal[1, 3, 4] | None = None,
        background: str = "white",
        source_range: tuple[float, float] | None = None,
        target_range: tuple[float, float] | None = None,
        scale: Annotated[int | float, Gt(0), Le(64)] = 1,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        folders = {"source": source, "target": target}
        self._folders = split_folders(root, folders, split)
        self.measured_split: Split = measured_split(root, folders, split)
        found = match_names(self._folders, {"source_ending": source_ending, "target_ending": target_ending})
        if "{split}" not in source:
            found = take_split(found, holdout, split, root, "pair")
        self._names, self._files = found.names, found.files
        self._channels, self._background = (source_channels, target_channels), background
        check_background(background, source_channels, target_channels)
        self._any_floats = source_range is not None, target_range is not None
        self.scale = Fraction(scale).limit_denominator(_FINEST)
        self._first, first = first_readable(self._sides, len(self._names))
        self._specs: list[ImageSpec] = [spec_of(image) for image in first]
        self.source: ImageSpec = with_range(self._specs[0], source_range)
        self.target: ImageSpec = with_range(self._specs[1], target_range)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:
        """Return a pair; the key is its name.

        Raises:
            DataError: a picture cannot be read, is unlike the first one, or the two sizes do not fit.
        """
        source, target = self._sides(index)
        for side, image, expected, option in (
            (0, source, self._specs[0], "source_channels"),
            (1, target, self._specs[1], "target_channels"),
        ):
            if spec_of(image) != expected:
                first = self._files[side][self._first]
                raise DataError(unlike(self._path(index, side), spec_of(image), first, expected, option))
        check_same_size(self._path(index, 0), source, self._path(index, 1), target, self.scale)
        return Pair(source, target, self._names[index])

    def _sides(self, index: int) -> tuple[ImageArray, ImageArray]:
        return self._side(index, 0), self._side(index, 1)

    def _side(self, index: int, side: int) -> ImageArray:
        path, any_floats = self._path(index, side), self._any_floats[side]
        return read_as(path, self._channels[side], self._background, any_floats=any_floats)

    def _path(self, index: int, side: int) -> Path:
        return self._folders[side] / self._files[side][index]
