"""Label maps with the boundaries of instances -> photographs (arXiv 1711.11585, section 3.3)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le

from itrans.api import DataError, ImageSpec, MissingSplitError, Pair, Split, find_images, read_image, spec_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.api import ImageArray

_PLACEHOLDER = "{split}"
_MOST_NAMED = 5


class InstanceMaps:
    """Label maps as one plane for each class, and the boundaries of instances as one more -> photographs.

    The pictures of a pair have one name, without the suffix, in three folders; the defaults are those of the authors'
    code. A label map has one channel, whose values are classes. An instance map has one channel of 8 or 16 bits; a
    pixel is on a boundary if a neighbour above, below, left or right is of another instance. Source: Wang et al., arXiv
    1711.11585, section 3.3.

    Args:
        root: the data set's folder.
        labels: how many classes there are; 35 in Cityscapes.
        label_folder: the folder of the label maps in `root`, with `{split}` in it.
        instance_folder: the folder of the instance maps; empty if there are none, and no plane of boundaries then.
        photo_folder: the folder of the photographs.
        ignored: a value that stands for no class, such as 255.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or the folders do not match.
        MissingSplitError: there is no such split.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        labels: Annotated[int, Ge(2), Le(256)] = 35,
        label_folder: str = "{split}_label",
        instance_folder: str = "{split}_inst",
        photo_folder: str = "{split}_img",
        ignored: int | None = None,
        split: Split,
    ) -> None:
        names = [label_folder, photo_folder, *([instance_folder] if instance_folder else [])]
        for name in names:
            if _PLACEHOLDER not in name:
                raise ValueError(f'"{name}" needs {_PLACEHOLDER} in it: every split has its own folders')
        folders = _split_folders(Path(root), names, split)
        found = [{path.with_suffix("").as_posix(): folder / path for path in find_images(folder)} for folder in folders]
        _check_match(folders, found)
        self._names = sorted(found[0])
        self._files = found
        self._labels, self._ignored = labels, ignored
        self.source = ImageSpec(channels=labels + bool(instance_folder))
        self.target: ImageSpec = spec_of(read_image(found[1][self._names[0]]))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:
        """Return planes of 0 and 255, `(H, W, labels + 1)`, and the photograph; the key is their name.

        Raises:
            DataError: a file cannot be read, is of another size or kind, or has a value that is no class.
        """
        name = self._names[index]
        label_file, photo_file = self._files[0][name], self._files[1][name]
        classes, photo = _single(label_file), read_image(photo_file)
        _check_size(label_file, classes, photo_file, photo)
        planes = [self._one_hot(label_file, classes)]
        if len(self._files) == 3:
            instance_file = self._files[2][name]
            instances = _single(instance_file)
            _check_size(label_file, classes, instance_file, instances[:, :, None])
            planes.append(boundaries(instances)[:, :, None])
        return Pair(np.concatenate(planes, axis=2), photo, name)

    def _one_hot(self, file: Path, classes: NDArray[np.generic]) -> NDArray[np.uint8]:
        values = classes.astype(np.int64)
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


def _split_folders(root: Path, names: list[str], split: Split) -> list[Path]:
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise DataError(f"The data set's folder {root} {what}. Set dataset.root to where the pictures are.")
    for chosen in {"train": ("train",), "val": ("val", "test"), "test": ("test", "val")}[split]:
        folders = [root / name.replace(_PLACEHOLDER, chosen) for name in names]
        missing = [str(folder) for folder in folders if not folder.is_dir()]
        if not missing:
            return folders
        if len(missing) < len(folders):
            raise DataError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there.")
    raise MissingSplitError(f"{root} has no folder {names[0].replace(_PLACEHOLDER, split)}.")


def _check_match(folders: list[Path], found: list[dict[str, Path]]) -> None:
    if not any(found):
        raise DataError(f"{folders[0]} holds no pictures.")
    every = set().union(*found)
    lacking = []
    for folder, names in zip(folders, found, strict=True):
        if missing := sorted(every - names.keys()):
            shown = ", ".join(missing[:_MOST_NAMED]) + (", ..." if len(missing) > _MOST_NAMED else "")
            lacking.append(f"{len(missing)} missing in {folder}: {shown}")
    if lacking:
        raise DataError("\n".join(["The folders do not match (names are compared without suffix):", *lacking]))


def _single(file: Path) -> NDArray[np.generic]:
    image = read_image(file)
    if image.shape[2] != 1 or image.dtype == np.float32:
        raise DataError(
            f"{file} has {image.shape[2]} channels of {image.dtype}; a map has one channel of whole numbers. A "
            "coloured picture of a map is not the map."
        )
    return image[:, :, 0]


def _check_size(
    file: Path, classes: NDArray[np.generic], other_file: Path, other: ImageArray | NDArray[np.generic]
) -> None:
    (height, width), (other_height, other_width) = classes.shape[:2], other.shape[:2]
    if (height, width) != (other_height, other_width):
        raise DataError(
            f"{file} is {width}x{height}, but {other_file} is {other_width}x{other_height} (width x height)."
        )
