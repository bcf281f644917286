"""Label maps with the boundaries of instances -> photographs (arXiv 1711.11585, section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from itrans.api import (
    DataError,
    ImageSpec,
    Pair,
    Split,
    check_same_size,
    counted,
    first_readable,
    match_names,
    measured_split,
    read_image,
    read_label_map,
    spec_of,
    split_folders,
    take_split,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import ImageArray


class InstanceMaps:
    """Label maps (a plane for each class) and the boundaries of instances (one more plane) -> photographs.

    The pictures of a pair have the same name, without suffix and ending, in three folders; the defaults are those of
    the authors' code. A label map has one channel, whose values are classes. An instance map has one channel of 8 or 16
    bits; a pixel is on a boundary if a neighbour above, below, left or right is of another instance. Source: Wang et
    al., arXiv 1711.11585, section 3.3.

    Args:
        root: the data set's folder.
        labels: how many classes there are; 35 in Cityscapes.
        label_folder: the folder of the label maps in `root`; with `{split}` in it, or the same for all splits.
        instance_folder: the folder of the instance maps; if empty, there is no plane of boundaries.
        photo_folder: the folder of the photographs.
        label_ending: what the names of label maps end in, such as `_gtFine_labelIds`; with it, other files in the
            folder are left out.
        instance_ending: the same for instance maps, such as `_gtFine_instanceIds`.
        photo_ending: the same for photographs, such as `_leftImg8bit`.
        ignored: a value that stands for no class, such as 255.
        holdout: the fraction to hold out if there are no folders for splits, chosen by a hash of the names.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or the folders do not match.
        MissingSplitError: there is no such split.
        ValueError: some of the folders have `{split}` and others have not, or one is there twice without endings that
            tell its pictures apart.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        labels: Annotated[int, Ge(2), Le(65535)] = 35,
        label_folder: str = "{split}_label",
        instance_folder: str = "{split}_inst",
        photo_folder: str = "{split}_img",
        label_ending: str | None = None,
        instance_ending: str | None = None,
        photo_ending: str | None = None,
        ignored: int | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = 0.1,
        split: Split,
    ) -> None:
        folders = {"label_folder": label_folder, "photo_folder": photo_folder}
        endings = {"label_ending": label_ending, "photo_ending": photo_ending}
        if instance_folder:
            folders["instance_folder"], endings["instance_ending"] = instance_folder, instance_ending
        self._folders = split_folders(root, folders, split)
        self.measured_split: Split = measured_split(root, folders, split)
        found = match_names(self._folders, endings)
        if "{split}" not in label_folder:
            found = take_split(found, holdout, split, root, "pair")
        self._names, self._files = found.names, found.files
        self._labels, self._ignored = labels, ignored
        self.source = ImageSpec(channels=labels + bool(instance_folder))
        self.target: ImageSpec = spec_of(first_readable(self._photo, len(self._names))[1])

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:
        """Return planes of 0 and 255, `(H, W, labels + 1)`, and the photograph; the key is their name.

        Raises:
            DataError: a file cannot be read, is of another size or kind, or has a value that is no class.
        """
        label_file, photo_file, *instance_files = self._paths(index)
        classes, photo = _map_of(label_file), self._photo(index)
        check_same_size(label_file, classes, photo_file, photo)
        planes = [self._one_hot(label_file, classes)]
        for file in instance_files:
            instances = _map_of(file)
            check_same_size(label_file, classes, file, instances)
            planes.append(boundaries(instances[:, :, 0])[:, :, None])
        return Pair(np.concatenate(planes, axis=2), photo, self._names[index])

    def _paths(self, index: int) -> list[Path]:
        return [folder / files[index] for folder, files in zip(self._folders, self._files, strict=True)]

    def _photo(self, index: int) -> ImageArray:
        return read_image(self._paths(index)[1])

    def _one_hot(self, file: Path, classes: ImageArray) -> NDArray[np.uint8]:
        values = classes[:, :, 0].astype(np.int64)
        known = values < self._labels
        if self._ignored is not None:
            known |= values == self._ignored
        if not known.all():
            worst = int(values[~known].max())
            raise DataError(
                f"{file} has the value {worst}, and dataset.labels = {self._labels} allows 0 to {self._labels - 1}. "
                "Raise it, or set dataset.ignored to a value that stands for no class."
            )
        planes = values[:, :, None] == np.arange(self._labels)
        return np.where(planes, np.uint8(255), np.uint8(0))


def boundaries(instances: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return 255 where a neighbour above, below, left or right is of another instance, and 0 elsewhere.

    Args:
        instances: `(H, W)`, a number for each instance.
    """
    edge = np.zeros(instances.shape, bool)
    rows, columns = instances[1:] != instances[:-1], instances[:, 1:] != instances[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    return np.where(edge, np.uint8(255), np.uint8(0))


def _map_of(file: Path) -> ImageArray:
    image = read_label_map(file)
    if image.shape[2] != 1 or image.dtype == np.float32:
        raise DataError(
            f"{file} has {counted(image.shape[2], 'channel')} of {image.dtype}; a map has one channel of whole "
            "numbers. A coloured picture of a map is not the map."
        )
    return image
