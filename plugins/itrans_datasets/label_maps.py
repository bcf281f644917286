"""Reading label maps: class indices of the pixels, as an index map, by a palette PNG, or in colours."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from itrans.api import DataError, as_channels, counted, read_image, read_label_map

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import ImageArray

_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")
_MOST_LISTED = 16


class LabelMapReader:
    """Reads label maps as class indices, however the files say which class a pixel is of.

    Args:
        classes: how many there are.
        ignored: the value of pixels without a class.
        values: what files store for each class; None if that is its index.
        palette: the colour of each class, and perhaps one more of pixels without a class; None if files have values.

    Attributes:
        unlabelled: the value that stands for no class in what is returned; None if there is no `ignored`.
        dtype: of what is returned.
    """

    def __init__(
        self, classes: int, ignored: int | None, values: list[int] | None, palette: list[tuple[int, int, int]] | None
    ) -> None:
        self._classes, self._ignored = classes, ignored
        self._values = None if values is None else tuple(values)
        self._palette = None if palette is None else np.array(palette, np.uint8)
        self.unlabelled = ignored
        if ignored is not None and ignored < classes and values is not None:
            # A stored value may well be the index of a class that is stored as something else.
            self.unlabelled = 255 if classes <= 255 else 65535
        highest = max(classes - 1, self.unlabelled or 0)
        self.dtype: Literal["uint8", "uint16"] = "uint8" if highest < 256 else "uint16"

    def __call__(self, path: Path, content: bytes | None = None) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return the class of each pixel, `(H, W, 1)`, of a file, or of its content if that is given.

        Raises:
            DataError: the file cannot be read, or has a value or a colour that is no class.
        """
        if self._palette is not None:
            return self._as_indices(read_colours(path, self._palette, content), path)
        return self._as_indices(read_indices(path, content), path)

    def classes_of(self, image: ImageArray) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return the class of each pixel of what has been read already, `(H, W, 1)`.

        Raises:
            DataError: it has a value or a colour that is no class.
        """
        if self._palette is not None:
            return self._as_indices(colours_as_classes(image, self._palette))
        return self._as_indices(values_as_indices(image))

    def _as_indices(
        self, found: NDArray[np.uint8] | NDArray[np.uint16], path: Path | str = "The picture"
    ) -> NDArray[np.uint8] | NDArray[np.uint16]:
        if self._palette is not None:
            if self.unlabelled is not None:
                found = np.where(found == self._classes, np.uint16(self.unlabelled), found)
        else:
            if self._values is None:
                check_range(path, found, self._classes, self._ignored)
            else:
                found = classes_of(path, found, self._values, self._ignored, self.unlabelled)
        return np.ascontiguousarray(found[:, :, None], self.dtype)


def read_indices(path: Path, content: bytes | None = None) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the values of an index map, `(H, W)`: of a palette PNG its indices, not the palette's colours.

    Raises:
        DataError: it cannot be read, has colours or floats, or was compressed with losses.
    """
    return values_as_indices(read_label_map(path, content), path)


def values_as_indices(image: ImageArray, path: Path | str = "The picture") -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the values of an index map, `(H, W)`; see `read_indices`."""
    if image.shape[2] != 1 or image.dtype == np.float32:
        remedy = (
            "Set dataset.palette to the colours of the classes."
            if image.dtype == np.uint8 and image.shape[2] in (3, 4)
            else "Save it in one channel of 8 or 16 bits."
        )
        raise DataError(
            f"{path} has {counted(image.shape[2], 'channel')} of {image.dtype}; a label map has the class of each "
            f"pixel in one channel of whole numbers. {remedy}"
        )
    return cast("NDArray[np.uint8] | NDArray[np.uint16]", image[:, :, 0])


def read_colours(
    path: Path, palette: NDArray[np.uint8], content: bytes | None = None
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return each pixel's place in a palette, `(H, W)`.

    Args:
        path: a picture of 8 bits, in colours or grey, which is the colour of three equal values; transparency is not
            looked at.
        palette: different colours, `(classes, 3)`, RGB.
        content: what is in the file, if that has been read.

    Raises:
        DataError: it cannot be read, or has a colour that is not in the palette.
    """
    if path.suffix.lower() in _LOSSY:
        raise DataError(f"{path} is a JPEG, which blurs the colours of a label map. Save label maps as PNG.")
    return colours_as_classes(read_image(path, content), palette, path)


def colours_as_classes(
    image: ImageArray, palette: NDArray[np.uint8], path: Path | str = "The picture"
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return each pixel's place in a palette, `(H, W)`; see `read_colours`."""
    if image.dtype != np.uint8 or image.shape[2] not in (1, 3, 4):
        raise DataError(
            f"{path} has {counted(image.shape[2], 'channel')} of {image.dtype}, but dataset.palette says that label "
            "maps are in colours of 8 bits. Leave it out if the values are classes."
        )
    places = np.take(_places(palette.tobytes()), _codes(cast("NDArray[np.uint8]", image)))
    if not places.all():
        row, column = np.argwhere(places == 0)[0]
        colour = ", ".join(str(value) for value in as_channels(image[row : row + 1, column : column + 1], 3).flat)
        remedy = "save the label map without smoothing."
        if image.shape[2] == 1:
            remedy = "leave dataset.palette out if the values are classes."
        raise DataError(
            f"{path} has the colour [{colour}] at x = {column}, y = {row}, which is not in dataset.palette. Add it, or "
            f"{remedy}"
        )
    return np.subtract(places, 1, out=places)


def classes_of(
    path: Path | str, values: NDArray[np.generic], stored: tuple[int, ...], ignored: int | None, unlabelled: int | None
) -> NDArray[np.uint16]:
    """Return the class of each pixel of an index map, `(H, W)`, where the file has another value for each class.

    Args:
        path: the file, for messages.
        values: what it holds, `(H, W)`.
        stored: the value of each class, all different.
        ignored: the value of pixels without a class; None if all have one.
        unlabelled: what such pixels get.

    Raises:
        DataError: it has another value.
    """
    table = _classes(stored, ignored, unlabelled)
    classes = np.take(table, values.astype(np.uint16))
    if (wrong := classes < 0).any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{path} has the value {values[row, column]} at x = {column}, y = {row}, which is not in dataset.values = "
            f"{list(stored)}. {_values_there(values, ignored)}Add it and raise dataset.classes, or set dataset.ignored "
            "to a value that stands for no class."
        )
    return classes.astype(np.uint16)


def check_range(path: Path | str, values: NDArray[np.generic], classes: int, ignored: int | None) -> None:
    """Look for values that are no classes.

    Raises:
        DataError: there is one.
    """
    if int(np.max(cast("NDArray[np.uint16]", values))) < classes:
        return
    wrong = np.greater_equal(values, classes)
    if ignored is not None:
        wrong &= np.not_equal(values, ignored)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{path} has the value {values[row, column]} at x = {column}, y = {row}, and dataset.classes = {classes} "
            f"allows 0 to {classes - 1}. {_values_there(values, ignored)}{_remedy(values, classes, ignored)}"
        )


def _remedy(values: NDArray[np.generic], classes: int, ignored: int | None) -> str:
    found = _distinct(values, ignored)
    as_values = f"set dataset.values = {found}"
    if len(found) > _MOST_LISTED:
        as_values = "set dataset.values to the stored value of each class"
    if len(found) == classes and (classes == 2 or found[:-1] != list(range(classes - 1))):
        # Such as a mask of 0 and 255: neither 256 classes nor a foreground without a class is what is meant.
        return f"If each stands for a class, {as_values} and dataset.classes = {len(found)}."
    return (
        "Raise dataset.classes, or set dataset.ignored to a value that stands for no class; or, if classes are not "
        f"stored as 0, 1, 2 and so on, {as_values} and dataset.classes to how many there are."
    )


def _values_there(values: NDArray[np.generic], ignored: int | None) -> str:
    found = _distinct(values, ignored)
    if not 1 < len(found) <= _MOST_LISTED:
        return ""
    return f"Its values are {', '.join(map(str, found[:-1]))} and {found[-1]}. "


def _distinct(values: NDArray[np.generic], ignored: int | None) -> list[int]:
    return [value for value in np.unique(values).tolist() if value != ignored]


@functools.lru_cache(maxsize=4)
def _classes(stored: tuple[int, ...], ignored: int | None, unlabelled: int | None) -> NDArray[np.int32]:
    """Return, by the value that a file may have, the class that it stands for; -1 for none."""
    table = np.full(1 << 16, -1, np.int32)
    if ignored is not None and unlabelled is not None:
        table[ignored] = unlabelled
    table[list(stored)] = np.arange(len(stored))
    return table


@functools.lru_cache(maxsize=4)
def _places(palette: bytes) -> NDArray[np.uint16]:
    """Return, by the code of a colour, its place in a palette, counted from 1; 0 for a colour that is not in it.

    Of its 32 MiB, the system hands out only the pages in which colours are.
    """
    colours = np.frombuffer(palette, np.uint8).reshape(1, -1, 3)
    table = np.zeros(1 << 24, np.uint16)
    table[_codes(colours)[0]] = np.arange(1, colours.shape[1] + 1)
    return table


def _codes(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return RGB colours of 8 bits, `(h, w, 3)`, as one number of 24 bits each, `(h, w)`; alpha is not looked at."""
    codes: NDArray[np.uint32] = as_channels(colours, 4).view("<u4")[:, :, 0]
    return codes & np.uint32(0xFFFFFF)
