"""Two sets of pictures that belong to no pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from itrans.api import (
    DataError,
    ImageSpec,
    MissingSplitError,
    Pair,
    Split,
    as_channels,
    counted,
    find_images,
    read_image,
    spec_of,
)

if TYPE_CHECKING:
    from itrans.api import ImageArray

_PLACEHOLDER = "{split}"


class Unaligned:
    """Two folders of pictures that are not paired: in training, every source meets targets at random.

    The folders are those of the authors' archives: `trainA` and `trainB`, `testA` and `testB`. Where there is no
    `valA`, `val` is `test`. An epoch has as many steps as the larger folder fills, and repeats the smaller one.

    Args:
        root: the data set's folder.
        direction: `AtoB` has the pictures of A as sources, `BtoA` those of B.
        folder_a: the folder of A in `root`, with `{split}` in it.
        folder_b: the folder of B, likewise.
        channels: convert every picture to so many; without it, all of a folder must have as many as its first.
        split: which part.

    Raises:
        DataError: a folder is missing or empty.
        MissingSplitError: there is no such split.
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
        split: Split,
    ) -> None:
        for name in (folder_a, folder_b):
            if _PLACEHOLDER not in name:
                raise ValueError(f'"{name}" needs {_PLACEHOLDER} in it: every split has its own two folders')
        names = (folder_a, folder_b) if direction == "AtoB" else (folder_b, folder_a)
        self._folders = _split_folders(Path(root), names, split)
        self._files = tuple(find_images(folder) for folder in self._folders)
        for folder, files in zip(self._folders, self._files, strict=True):
            if not files:
                raise DataError(f"{folder} holds no pictures.")
        self._channels = channels
        self.source: ImageSpec = spec_of(self._read(0, 0))
        self.target: ImageSpec = spec_of(self._read(1, 0))

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
        first, second = self._read(0, numbers[0], self.source), self._read(1, numbers[1], self.target)
        return Pair(first, second, f"{self._path(0, numbers[0])} with {self._path(1, numbers[1])}")

    def _path(self, side: int, number: int) -> Path:
        return self._folders[side] / self._files[side][number]

    def _read(self, side: int, number: int, expected: ImageSpec | None = None) -> ImageArray:
        path = self._path(side, number)
        image = read_image(path)
        if self._channels is not None:
            try:
                image = as_channels(image, self._channels)
            except ValueError as error:
                raise DataError(f"{path}: {error}.") from error
        if expected is not None and spec_of(image) != expected:
            found = spec_of(image)
            raise DataError(
                f"{path} has {counted(found.channels, 'channel')} of {found.dtype}, but {self._files[side][0]} has "
                f"{expected.channels} of {expected.dtype}. Set dataset.channels, or convert it."
            )
        return image


def _split_folders(root: Path, names: tuple[str, str], split: Split) -> tuple[Path, Path]:
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise DataError(f"The data set's folder {root} {what}. Set dataset.root to where the pictures are.")
    for name in {"train": ("train",), "val": ("val", "test"), "test": ("test", "val")}[split]:
        first, second = (root / folder.replace(_PLACEHOLDER, name) for folder in names)
        if first.is_dir() and second.is_dir():
            return first, second
        if first.is_dir() or second.is_dir():
            raise DataError(
                f"{first if second.is_dir() else second} is not there; {root} needs the folders of both sides."
            )
    wanted = " and ".join(folder.replace(_PLACEHOLDER, split) for folder in names)
    there = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir())) or "no folders"
    raise MissingSplitError(f"{root} has no {wanted}. It has: {there}.")
