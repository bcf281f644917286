"""Label maps and photos in two folders, matched by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Le

from itrans.api import DataError, ImageSpec, Pair, Split, check_same_size, match_images, spec_of, split_folders
from itrans_datasets.aligned import read_as, unlike
from itrans_datasets.label_maps import check_range, read_colours, read_indices

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import ImageArray

LabelDirection: TypeAlias = Literal["labels_to_photo", "photo_to_labels"]
Byte: TypeAlias = Annotated[int, Ge(0), Le(255)]


class Labels:
    """Label maps <-> photos: the two of a pair have one name, without suffix and ending, in two folders.

    A label map holds the class of each pixel: as values in one channel of 8 or 16 bits (PNG, TIFF, `.npy`), as the
    indices of a palette PNG, or, with `palette`, as colours. `val` and `test` stand in for each other where one of them
    has neither folder.

    Args:
        root: the data set's folder.
        classes: how many classes there are: values are from 0 to one less.
        label_folder: the folder of the label maps in `root`, with `{split}` in it.
        photo_folder: the folder of the photos, likewise; it can be the same one if both endings are given.
        label_ending: what the names of label maps end in, such as `_gtFine_labelIds`; with it, other files in the
            folder are left out.
        photo_ending: the same for photos, such as `_leftImg8bit`.
        ignored: a value that stands for no class, such as 255.
        palette: the colour `[r, g, b]` of each class, for label maps in colours; where there is an `ignored`, one more
            may follow, of pixels that have no class.
        names: what the classes are called, for logs and legends.
        photo_channels: convert every photo to so many; without it, all must have as many as the first.
        direction: which side is the source.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, the two do not match, or the first photo cannot be read.
        MissingSplitError: there is no such split.
        ValueError: a folder has no `{split}`, there are not as many colours or names as classes, or label maps and
            photos of one folder are not told apart by their endings.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        classes: Annotated[int, Ge(2), Le(256)],
        label_folder: str = "{split}/labels",
        photo_folder: str = "{split}/photos",
        label_ending: str | None = None,
        photo_ending: str | None = None,
        ignored: Annotated[int, Ge(0), Le(65535)] | None = None,
        palette: list[tuple[Byte, Byte, Byte]] | None = None,
        names: list[str] | None = None,
        photo_channels: Literal[1, 3, 4] | None = None,
        direction: LabelDirection = "labels_to_photo",
        split: Split,
    ) -> None:
        _check_arguments(label_folder, photo_folder, classes, ignored, palette, names)
        self._folders = split_folders(root, {"label_folder": label_folder, "photo_folder": photo_folder}, split)
        found = match_images(self._folders, {"label_ending": label_ending, "photo_ending": photo_ending})
        self._names, self._files = list(found), list(found.values())
        self._classes, self._ignored, self._photo_channels = classes, ignored, photo_channels
        self._palette = None if palette is None else np.array(palette, np.uint8)
        self._photo: ImageSpec = spec_of(self._photo_at(0))
        self._labels = ImageSpec(
            channels=1,
            kind="labels",
            labels=classes,
            dtype="uint8" if ignored is None or ignored < 256 else "uint16",
            ignored=ignored,
            names=tuple(names or ()),
        )
        self._is_source = direction == "labels_to_photo"
        self.source, self.target = (self._labels, self._photo) if self._is_source else (self._photo, self._labels)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._files)

    def __getitem__(self, index: int) -> Pair:
        """Return a label map `(H, W, 1)` and its photo, or the other way round; the key is their name.

        Raises:
            DataError: a file cannot be read, has a value or a colour that is no class, or has another size than the
                other one; or the photo is unlike the first.
        """
        labels, photo = self._labels_at(index), self._photo_at(index)
        if spec_of(photo) != self._photo:
            path, first = self._path(index, 1), self._files[0][1]
            raise DataError(unlike(path, spec_of(photo), first, self._photo, "photo_channels"))
        check_same_size(self._path(index, 0), labels, self._path(index, 1), photo)
        source, target = (labels, photo) if self._is_source else (photo, labels)
        return Pair(source, target, self._names[index])

    def _labels_at(self, index: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        path = self._path(index, 0)
        if self._palette is None:
            values = read_indices(path)
            check_range(path, values, self._classes, self._ignored)
        else:
            values = read_colours(path, self._palette)
            if self._ignored is not None:
                values = np.where(values == self._classes, np.uint16(self._ignored), values)
        return np.ascontiguousarray(values[:, :, None], self._labels.dtype)

    def _photo_at(self, index: int) -> ImageArray:
        return read_as(self._path(index, 1), self._photo_channels)

    def _path(self, index: int, side: int) -> Path:
        return self._folders[side] / self._files[index][side]


def _check_arguments(
    label_folder: str,
    photo_folder: str,
    classes: int,
    ignored: int | None,
    palette: list[tuple[int, int, int]] | None,
    names: list[str] | None,
) -> None:
    for option, folder in (("label_folder", label_folder), ("photo_folder", photo_folder)):
        if "{split}" not in folder:
            raise ValueError(f'"{option}" needs {{split}} in it: every split has its own folder')
    if names is not None and len(names) != classes:
        raise ValueError(f'"names" has {len(names)} entries for {classes} classes: it needs one for each')
    if palette is None:
        return
    allowed = {classes} if ignored is None else {classes, classes + 1}
    if len(palette) not in allowed:
        more = "" if ignored is None else ", and may have one more for pixels without a class"
        raise ValueError(f'"palette" has {len(palette)} colours for {classes} classes: it needs one for each{more}')
    colours = [tuple(colour) for colour in palette]
    if twice := next((colour for place, colour in enumerate(colours) if colour in colours[:place]), None):
        raise ValueError(f'"palette" has the colour {list(twice)} twice: which class it stands for is not clear')
