"""Two sets of pictures that do not form pairs."""

from __future__ import annotations

from functools import partial
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
    image_names,
    measured_split,
    no_pictures,
    read_image,
    spec_of,
    split_folders,
    take_split,
)
from itrans_datasets.aligned import with_range

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray


class Unaligned:
    """Two folders of pictures that are not paired: in training, every source meets targets at random.

    The folders are those of the authors' archives: `trainA` and `trainB`, `testA` and `testB`. Without `valA`, `test`
    stands in for `val`. The larger folder decides the number of steps in an epoch; the smaller one is repeated.

    Args:
        root: the data set's folder.
        direction: `AtoB` has the pictures of A as sources, `BtoA` those of B.
        folder_a: the folder of A in `root`; with `{split}` in it, or the same for all splits.
        folder_b: the folder of B, likewise.
        channels: convert every picture to so many; without it, all of a folder must have as many as its first.
        source_range: the values of sources that networks see as -1 and as 1; others are refused. Without it, the whole
            range of their type; floats then have to be from 0 to 1.
        target_range: the same for targets.
        holdout: the fraction of each folder to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: a folder is missing or empty.
        MissingSplitError: there is no such split.
        ValueError: `{split}` is in only one of the two folders' names.
    """

    paired = False

    def __init__(
        self,
        *,
        root: str,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        folder_a: str = "{split}A",
        folder_b: str = "{split}B",
        channels: Literal[1, 3, 4] | None = None,
        source_range: tuple[float, float] | None = None,
        target_range: tuple[float, float] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = 0.1,
        split: Split,
    ) -> None:
        names = {"folder_a": folder_a, "folder_b": folder_b}
        folders = split_folders(root, names, split)
        self._folders = folders if direction == "AtoB" else folders[::-1]
        self.measured_split: Split = measured_split(root, names, split)
        self._files = [image_names(folder) for folder in self._folders]
        for folder, files in zip(self._folders, self._files, strict=True):
            if not files:
                raise no_pictures([folder], "Put those of its side there.")
        if "{split}" not in folder_a:
            parts = zip(self._folders, self._files, strict=True)
            self._files = [take_split(files, holdout, split, folder) for folder, files in parts]
        self._channels, self._any_floats = channels, (source_range is not None, target_range is not None)
        first, source = first_readable(partial(self._picture, 0), len(self._files[0]))
        other, target = first_readable(partial(self._picture, 1), len(self._files[1]))
        self._first = (first, other)
        self._specs: list[ImageSpec] = [spec_of(source), spec_of(target)]
        self.source: ImageSpec = with_range(self._specs[0], source_range)
        self.target: ImageSpec = with_range(self._specs[1], target_range)

    def __len__(self) -> int:
        """Return the number of pictures in the larger folder."""
        return max(len(files) for files in self._files)

    def __getitem__(self, index: int) -> Pair:
        """Return a source and the target of the same number, `(H, W, C)`; the key has the paths of both.

        Raises:
            DataError: a picture cannot be read, or is unlike the first one of its folder.
        """
        return self._pair(index, index)

    def draw(self, index: int, seed: int) -> Pair:
        """Return a source and a target that the seed draws from all of them.

        Raises:
            DataError: see `__getitem__`.
        """
        return self._pair(index, int(np.random.default_rng(seed).integers(len(self._files[1]))))

    def _pair(self, source: int, target: int) -> Pair:
        numbers = source % len(self._files[0]), target % len(self._files[1])
        first, second = self._picture(0, numbers[0], self._specs[0]), self._picture(1, numbers[1], self._specs[1])
        return Pair(first, second, f"{self._path(0, numbers[0])} with {self._path(1, numbers[1])}")

    def _path(self, side: int, number: int) -> Path:
        return self._folders[side] / self._files[side][number]

    def _picture(self, side: int, number: int, expected: ImageSpec | None = None) -> ImageArray:
        path = self._path(side, number)
        image = read_image(path, any_floats=self._any_floats[side])
        if self._channels is not None:
            try:
                image = as_channels(image, self._channels)
            except ValueError as error:
                raise DataError(f"{path}: {error}.") from error
        if expected is not None and spec_of(image) != expected:
            found, first = spec_of(image), self._files[side][self._first[side]]
            raise DataError(
                f"{path} has {counted(found.channels, 'channel')} of {found.dtype}, but {first} has "
                f"{expected.channels} of {expected.dtype}. Set dataset.channels, or convert it."
            )
        return image
