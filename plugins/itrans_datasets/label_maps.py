"""Reading label maps: class indices of the pixels, as an index map, by a palette PNG, or in colours."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

import numpy as np

from itrans.api import DataError, as_channels, counted, read_image, read_label_map

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")


def read_indices(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the values of an index map, `(H, W)`: of a palette PNG its indices, not the palette's colours.

    Raises:
        DataError: it cannot be read, has colours or floats, or was compressed with losses.
    """
    image = read_label_map(path)
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


def read_colours(path: Path, palette: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return each pixel's place in a palette, `(H, W)`.

    Args:
        path: a picture with colours of 8 bits; transparency is not looked at.
        palette: different colours, `(classes, 3)`, RGB.

    Raises:
        DataError: it cannot be read, or has a colour that is not in the palette.
    """
    if path.suffix.lower() in _LOSSY:
        raise DataError(f"{path} is a JPEG, which blurs the colours of a label map. Save label maps as PNG.")
    image = read_image(path)
    if image.dtype != np.uint8 or image.shape[2] not in (3, 4):
        raise DataError(
            f"{path} has {counted(image.shape[2], 'channel')} of {image.dtype}, but dataset.palette says that label "
            "maps are in colours of 8 bits. Leave it out if the values are classes."
        )
    places = np.take(_places(palette.tobytes()), _codes(cast("NDArray[np.uint8]", image)))
    if not places.all():
        row, column = np.argwhere(places == 0)[0]
        colour = ", ".join(str(value) for value in image[row, column, :3])
        raise DataError(
            f"{path} has the colour [{colour}] at x = {column}, y = {row}, which is not in dataset.palette. Add it, or "
            "save the label map without smoothing."
        )
    return np.subtract(places, 1, out=places)


def check_range(path: Path, values: NDArray[np.generic], classes: int, ignored: int | None) -> None:
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
            f"allows 0 to {classes - 1}. Raise dataset.classes, or set dataset.ignored to a value that stands for no "
            "class."
        )


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
