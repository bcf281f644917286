"""Label maps and photos in two folders, matched by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt

from itrans.api import (
    DataError,
    ImageSpec,
    Pair,
    Preparation,
    Split,
    check_same_size,
    first_readable,
    match_names,
    measured_split,
    spec_of,
    split_folders,
    take_split,
)
from itrans_datasets.aligned import read_as, unlike
from itrans_datasets.label_maps import LabelMapReader
from itrans_datasets.splits import HELD_OUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from itrans.api import ImageArray

LabelDirection: TypeAlias = Literal["labels_to_photo", "photo_to_labels"]
Byte: TypeAlias = Annotated[int, Ge(0), Le(255)]
Value: TypeAlias = Annotated[int, Ge(0), Le(65535)]


class Labels:
    """Label maps <-> photos in two folders, matched by their names without suffix and ending.

    A label map holds the class of each pixel: as values in one channel of 8 or 16 bits (PNG, TIFF, `.npy`), as the
    indices of a palette PNG, with `values` as any other values, or, with `palette`, as colours. If one of `val` and
    `test` has neither folder, the other stands in for it. Without `{split}` in the folders' names, a fraction `holdout`
    is held out, as in `paired`.

    Args:
        root: the data set's folder.
        classes: how many classes there are: values are from 0 to one less.
        label_folder: the folder of the label maps in `root`; with `{split}` in it, or the same for all splits.
        photo_folder: the folder of the photos, likewise; it can be the same one if both endings are given.
        label_ending: what the names of label maps end in, such as `_gtFine_labelIds`; with it, other files in the
            folder are left out.
        photo_ending: the same for photos, such as `_leftImg8bit`.
        ignored: a value that stands for no class, such as 255.
        values: what label maps store for each class, such as `[0, 255]`, where it is not 0, 1, 2 and so on.
        palette: the colour `[r, g, b]` of each class, for label maps in colours or in grey; if there is an `ignored`,
            one more may follow, for pixels without a class.
        names: what the classes are called, for logs and legends.
        photo_channels: convert every photo to so many; without it, all must have as many as the first.
        direction: which side is the source.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, the two do not match, or the first photo cannot be read.
        MissingSplitError: there is no such split.
        ValueError: `{split}` is in only one of the two folders' names, the numbers of values, colours or names and of
            classes differ, or endings do not tell label maps and photos in one folder apart.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        classes: Annotated[int, Ge(2), Le(65535)],
        label_folder: str = "{split}/labels",
        photo_folder: str = "{split}/photos",
        label_ending: str | None = None,
        photo_ending: str | None = None,
        ignored: Value | None = None,
        values: list[Value] | None = None,
        palette: list[tuple[Byte, Byte, Byte]] | None = None,
        names: list[str] | None = None,
        photo_channels: Literal[1, 3, 4] | None = None,
        direction: LabelDirection = "labels_to_photo",
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        check_class_arguments(classes, ignored, values, palette, names)
        folders = {"label_folder": label_folder, "photo_folder": photo_folder}
        self._folders = split_folders(root, folders, split)
        self.measured_split: Split = measured_split(root, folders, split)
        found = match_names(self._folders, {"label_ending": label_ending, "photo_ending": photo_ending})
        if "{split}" not in label_folder:
            found = take_split(found, holdout, split, root, "pair")
        self._names, self._files = found.names, found.files
        self._read = LabelMapReader(classes, ignored, values, palette)
        self._photo_channels = photo_channels
        self._first, photo = first_readable(self._photo_at, len(self._names))
        self._photo: ImageSpec = spec_of(photo)
        self._labels = ImageSpec(
            channels=1,
            kind="labels",
            labels=classes,
            dtype=self._read.dtype,
            ignored=self._read.unlabelled,
            names=tuple(names or ()),
        )
        self._is_source = direction == "labels_to_photo"
        self.source, self.target = (self._labels, self._photo) if self._is_source else (self._photo, self._labels)

    @staticmethod
    def preparation(
        *,
        classes: int,
        ignored: int | None = None,
        values: list[int] | None = None,
        palette: list[tuple[int, int, int]] | None = None,
        direction: LabelDirection = "labels_to_photo",
    ) -> Preparation | None:
        """Return how the classes of a new label map are found, unless it has them; the arguments are the data set's."""
        if direction != "labels_to_photo" or (values is None and palette is None):
            return None
        what = "values" if palette is None else "palette"
        reader = LabelMapReader(classes, ignored, values, palette)
        return Preparation(
            f"the classes of label maps are found by the {what} of the data set",
            lambda image, _: reader.classes_of(image),
            label_maps=palette is None,
        )

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:
        """Return a label map `(H, W, 1)` and its photo, or the other way round; the key is their name.

        Raises:
            DataError: a file cannot be read, has a value or a colour that is no class, or has another size than the
                other one; or the photo is unlike the first.
        """
        labels, photo = self._labels_at(index), self._photo_at(index)
        if spec_of(photo) != self._photo:
            path, first = self._path(index, 1), self._files[1][self._first]
            raise DataError(unlike(path, spec_of(photo), first, self._photo, "photo_channels"))
        check_same_size(self._path(index, 0), labels, self._path(index, 1), photo)
        source, target = (labels, photo) if self._is_source else (photo, labels)
        return Pair(source, target, self._names[index])

    def _labels_at(self, index: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        return self._read(self._path(index, 0))

    def _photo_at(self, index: int) -> ImageArray:
        return read_as(self._path(index, 1), self._photo_channels)

    def _path(self, index: int, side: int) -> Path:
        return self._folders[side] / self._files[side][index]


def check_class_arguments(
    classes: int,
    ignored: int | None,
    values: list[int] | None,
    palette: list[tuple[int, int, int]] | None,
    names: list[str] | None,
) -> None:
    """Raise `ValueError` if the arguments of `Labels` that say what label maps store do not fit one another."""
    if names is not None and len(names) != classes:
        raise ValueError(f'"names" has {len(names)} entries for {classes} classes: it needs one for each')
    if values is not None and palette is not None:
        raise ValueError('"values" and "palette" both say what label maps store for each class: leave one out')
    if values is not None:
        if len(values) != classes:
            raise ValueError(f'"values" has {len(values)} entries for {classes} classes: it needs one for each')
        if ignored in values:
            raise ValueError(f'"ignored" is {ignored}, which "values" says is a class: leave it out of one of them')
        _refuse_twice("values", "value", values)
    if palette is not None:
        if len(palette) not in ({classes} if ignored is None else {classes, classes + 1}):
            more = "" if ignored is None else ", and may have one more for pixels without a class"
            raise ValueError(f'"palette" has {len(palette)} colours for {classes} classes: it needs one for each{more}')
        _refuse_twice("palette", "colour", [list(colour) for colour in palette])


def _refuse_twice(option: str, noun: str, entries: Sequence[object]) -> None:
    for place, entry in enumerate(entries):
        if entry in entries[:place]:
            raise ValueError(f'"{option}" has the {noun} {entry} twice, so its class is not clear')
