"""Single pictures from which pairs are made: from a folder, or from a sample that needs none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

import cv2
import numpy as np

from itrans.api import (
    DATASETS,
    DataError,
    ImageSpec,
    Split,
    as_channels,
    counted,
    first_readable,
    measured_split,
    spec_of,
)
from itrans_datasets.aligned import read_as, unlike
from itrans_datasets.splits import HELD_OUT, WANTED, split_files

if TYPE_CHECKING:
    from itrans.api import Dataset, ImageArray

Sample: TypeAlias = Literal["openmoji", "facades"]
"""Pictures that need no folder: coloured emoji, or drawn facades."""


class Pictures(Protocol):
    """Pictures of one kind, by index."""

    spec: ImageSpec
    attribution: str
    measured_split: Split

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, index: int) -> tuple[ImageArray, str]:
        """Return a picture and its name."""


def pictures_of(
    root: str | None,
    sample: Sample | None,
    split: Split,
    channels: int | None = None,
    kind: str | None = None,
    *,
    holdout: float = HELD_OUT,
) -> Pictures:
    """Return the pictures of a split.

    Args:
        root: a folder; with `train`, `val` and `test` in it, or else a part of its pictures is held out, chosen by
            their names.
        sample: what takes the place of a folder.
        split: which part.
        channels: convert every picture to so many; without it, all must have as many as the first.
        kind: what the pictures must be, in words: said of one that is unlike the first.
        holdout: the fraction to hold out if there are no folders for splits.

    Raises:
        DataError: the folder is missing or empty, or its first picture cannot be read.
        MissingSplitError: there is no such split.
        ValueError: not exactly one of `root` and `sample` is given.
    """
    if root is not None and sample is not None:
        raise ValueError(
            f'"root" and "sample" are both given, and each says where pictures come from: leave out "sample" to use '
            f'those in {root}, or "root" to use the sample "{sample}"'
        )
    if sample is not None:
        return _SamplePictures(sample, split, channels)
    if root is None:
        raise ValueError('it needs "root", the folder of the pictures, or "sample"')
    return FolderPictures(root, split, channels, kind, holdout)


def scaled_to(shorter: int, image: ImageArray) -> ImageArray:
    """Return a picture whose shorter side is so many pixels long: averaged if it was longer, else interpolated.

    Args:
        shorter: the length.
        image: `(H, W, C)`, with any number of channels.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    if short == shorter:
        return image
    size = round(width * shorter / short), round(height * shorter / short)
    how = cv2.INTER_AREA if short > shorter else cv2.INTER_LINEAR
    # OpenCV averages four channels at most
    parts = [image[:, :, first : first + 4] for first in range(0, image.shape[2], 4)]
    scaled = [cv2.resize(part, size, interpolation=how).reshape(size[1], size[0], -1) for part in parts]
    return cast("ImageArray", scaled[0] if len(scaled) == 1 else np.concatenate(scaled, axis=2))


class FolderPictures:
    """The pictures of a folder; see `pictures_of`."""

    attribution = ""

    def __init__(self, root: str, split: Split, channels: int | None, kind: str | None, holdout: float) -> None:
        self._folder, self._files = split_files(root, split, holdout, "Put those to learn from there.")
        self.measured_split: Split = measured_split(root, WANTED, split)
        self._channels, self._kind = channels, kind
        self._first, picture = first_readable(self._picture, len(self._files))
        self.spec: ImageSpec = spec_of(picture)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[ImageArray, str]:
        """Return a picture and its path in the folder.

        Raises:
            DataError: it cannot be read, or is unlike the first one.
        """
        image = self._picture(index)
        if spec_of(image) != self.spec:
            path, found = self._folder / self._files[index], spec_of(image)
            if self._kind is None:
                raise DataError(unlike(path, found, self._files[self._first], self.spec, "channels"))
            remedy = " dataset.channels = 3 makes all RGB." if found.dtype == self.spec.dtype else ""
            raise DataError(f"{path} has {counted(found.channels, 'channel')} of {found.dtype}; {self._kind}.{remedy}")
        return image, self._files[index]

    def _picture(self, index: int) -> ImageArray:
        return read_as(self._folder / self._files[index], self._channels)


class _SamplePictures:
    """The pictures that another data set of this package has as targets."""

    def __init__(self, sample: Sample, split: Split, channels: int | None) -> None:
        self._pairs: Dataset = _sample_pairs(sample, split)
        self.measured_split: Split = split
        self._channels = self._pairs.target.channels if channels is None else channels
        self.spec = replace(self._pairs.target, channels=self._channels)
        self.attribution = str(getattr(self._pairs, "attribution", ""))

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[ImageArray, str]:
        pair = self._pairs[index]
        return as_channels(pair.target, self._channels), pair.key


def _sample_pairs(sample: Sample, split: Split) -> Dataset:
    if sample == "openmoji":
        from itrans_datasets.openmoji import OpenMoji

        return OpenMoji(size=128, split=split)
    if sample == "facades":
        return DATASETS.get("itrans:facades_sample")(size=128, split=split)
    raise ValueError(f'there is no sample "{sample}": choose "openmoji" or "facades"')
