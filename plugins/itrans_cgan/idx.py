"""Pictures and their labels in IDX files, as MNIST and Fashion-MNIST are published: a label -> a picture."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import cv2
import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from itrans.api import DataError, ImageSpec, MissingSplitError, Pair, Split, existing_root, part_of
from itrans_datasets import published

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILES: dict[Split, tuple[str, ...]] = {"train": ("train",), "val": ("train",), "test": ("t10k", "test")}
"""What the files of a split begin with; `val` is held out of the pictures to train with."""

_UNSIGNED_BYTES = 8


class IDX:
    """A label -> a picture, of IDX files: MNIST, Fashion-MNIST and others like them.

    There are four files, each with `.gz` or without: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, and the
    same with `t10k` or `test` for `test`. The source is the label as a plane for each class: that of the label is
    white, all others are black. The target is the picture, grey. Files are read whole: MNIST takes 47 MB.

    Args:
        root: the folder of the files.
        classes: how many labels there are, from 0 on.
        size: height and width that pictures are resized to; without it, they stay as they are (28 in MNIST).
        holdout: the fraction of the pictures to train with that is `val`, chosen by their places in the file.
        split: which part.

    Raises:
        DataError: a file is missing, damaged, or not what it should be.
        MissingSplitError: there is nothing of this split.
    """

    how_to_get = staticmethod(published.how_to_get)

    def __init__(
        self,
        *,
        root: str,
        classes: Annotated[int, Ge(2), Le(256)] = 10,
        size: Annotated[int, Ge(4), Le(512)] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = 0.1,
        split: Split,
    ) -> None:
        folder = existing_root(root)
        images_path, labels_path = (_file_of(folder, split, kind) for kind in ("images-idx3", "labels-idx1"))
        images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
        if len(images) != len(labels):
            raise DataError(
                f"{images_path} has {len(images)} pictures, but {labels_path} has {len(labels)} labels: they do not "
                "belong together."
            )
        if len(labels) and (largest := int(labels.max())) >= classes:
            raise DataError(
                f"{labels_path} has the label {largest}, but dataset.classes = {classes} has labels from 0 to "
                f"{classes - 1}. Set dataset.classes."
            )
        places = range(len(images)) if split == "test" else _places(len(images), holdout, split)
        if not places:
            raise MissingSplitError(f'No picture of {images_path} falls into the split "{split}": there are too few.')
        self._places = np.array(places)
        self._images, self._labels = images[self._places], labels[self._places]
        self._size = images.shape[1:] if size is None else (size, size)
        self._classes = classes
        self.source: ImageSpec = ImageSpec(channels=classes)
        self.target: ImageSpec = ImageSpec(channels=1)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._places)

    def __getitem__(self, index: int) -> Pair:
        """Return a label `(H, W, classes)` and its picture `(H, W, 1)`; the key has its place in the file."""
        label, target = int(self._labels[index]), self._images[index]
        source = np.zeros((*self._size, self._classes), np.uint8)
        source[..., label] = 255
        if target.shape != self._size:
            target = np.asarray(cv2.resize(target, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        return Pair(source, target[..., None].copy(), f"{self._places[index]:05d}-label{label}")


def read_idx(path: Path, dimensions: Literal[1, 3]) -> NDArray[np.uint8]:
    """Return what an IDX file of bytes holds: pictures `(N, H, W)`, or labels `(N,)`.

    Such a file begins with two zeros, the type of its numbers (8: unsigned bytes) and the number of dimensions; each
    dimension follows as four bytes, the highest first.

    Args:
        path: the file; with `.gz`, it is unpacked.
        dimensions: 3 for pictures, 1 for labels.

    Raises:
        DataError: it cannot be read, or is something else, truncated or too long; the file is named.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a gzip file, or is truncated or damaged: {error}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    what = "pictures" if dimensions == 3 else "labels"
    head = content[:4]
    if len(head) < 4 or head[:2] != b"\0\0":
        raise DataError(f"{path} is not an IDX file: it does not begin like one.")
    if head[2] != _UNSIGNED_BYTES:
        raise DataError(f"{path} has numbers of the IDX type 0x{head[2]:02X}, and only bytes, 0x08, are read.")
    if head[3] != dimensions:
        raise DataError(f"{path} has numbers of {head[3]} dimensions, but {what} have {dimensions}.")
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4))
    if len(content) != (wanted := start + math.prod(shape)) or len(content) < start:
        sizes = "x".join(map(str, shape))
        raise DataError(
            f"{path} is damaged: its header says {sizes}, which is {wanted} bytes, but it has {len(content)}."
        )
    if not all(shape):
        raise DataError(f"{path} has no {what}.")
    return cast("NDArray[np.uint8]", np.frombuffer(content, np.uint8, offset=start).reshape(shape))


def _file_of(folder: Path, split: Split, kind: str) -> Path:
    """Return the file of a split that has the pictures, or the labels; raise an error that says what is missing."""
    names = [f"{begin}-{kind}-ubyte{end}" for begin in _FILES[split] for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = sorted(path.name for path in folder.iterdir() if "-idx" in path.name)
    listing = f"It has: {', '.join(found)}." if found else "It has no IDX files."
    error = MissingSplitError if found else DataError
    raise error(f"{folder} has no {names[0]}, with .gz or without. {listing}")


def _places(count: int, holdout: float, split: Split) -> list[int]:
    """Return the places of the pictures of `train`, or of those that are held out of them."""
    return [place for place in range(count) if (part_of(f"{place:05d}", holdout) == "train") == (split == "train")]
