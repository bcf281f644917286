"""Reading label maps: class indices of the pixels, as an index map, by a palette PNG, or in colours."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.api import DataError, as_channels, read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import ImageArray

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4sIIBBBBB")
"""The PNG chunk IHDR: its name, width, height, bit depth, colour type, compression, filter and interlace method."""

_GREY, _INDEXED = 0, 3
"""Colour types of PNG."""

_DEPTHS = (1, 2, 4, 8)
"""Bits of an index in a palette PNG."""

_LOSSY = (".jpg", ".jpeg")


def read_indices(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the values of an index map, `(H, W)`: of a palette PNG its indices, not the palette's colours.

    Raises:
        DataError: it cannot be read, has colours or floats, or was compressed with losses.
    """
    _refuse_lossy(path)
    image = _palette_indices(path)
    if image is None:
        image = read_image(path)
    if image.shape[2] != 1 or image.dtype == np.float32:
        remedy = (
            "Set dataset.palette to the colours of the classes."
            if image.dtype == np.uint8 and image.shape[2] in (3, 4)
            else "Save it in one channel of 8 or 16 bits."
        )
        raise DataError(
            f"{path} has {image.shape[2]} channels of {image.dtype}; a label map has the class of each pixel in one "
            f"channel of whole numbers. {remedy}"
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
    _refuse_lossy(path)
    image = read_image(path)
    if image.dtype != np.uint8 or image.shape[2] not in (3, 4):
        raise DataError(
            f"{path} has {image.shape[2]} channels of {image.dtype}, but dataset.palette says that label maps are in "
            "colours of 8 bits. Leave it out if the values are classes."
        )
    codes = _codes(as_channels(image, 3))
    known = _codes(palette[None])[0]
    order = np.argsort(known)
    places = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
    if (wrong := known[order][places] != codes).any():
        row, column = np.argwhere(wrong)[0]
        colour = ", ".join(str(value) for value in image[row, column, :3])
        raise DataError(
            f"{path} has the colour [{colour}] at x = {column}, y = {row}, which is not in dataset.palette. Add it, or "
            "save the label map without smoothing."
        )
    return np.asarray(order[places], np.uint16)


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


def _codes(colours: ImageArray) -> NDArray[np.uint32]:
    """Return RGB colours of 8 bits, `(h, w, 3)`, as one number each, `(h, w)`."""
    return as_channels(colours, 4).view(np.uint32)[:, :, 0]


def _refuse_lossy(path: Path) -> None:
    if path.suffix.lower() in _LOSSY:
        raise DataError(f"{path} is a JPEG, which blurs the values of a label map. Save label maps as PNG.")


def _palette_indices(path: Path) -> ImageArray | None:
    """Return the indices of a palette PNG, `(H, W, 1)`, or None for any other file.

    OpenCV gives colours, from which indices cannot be told where two have one colour. But to a PNG file indices are
    brightnesses that are looked up: with another colour type in its header, and no palette, it is a grey picture.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_PNG) + 4 + _HEADER.size)
            if not start.startswith(_PNG) or len(start) < len(_PNG) + 4 + _HEADER.size or start[25] != _INDEXED:
                return None
            content = start + file.read()
    except OSError:
        return None  # `read_image` says what is wrong
    name, width, height, depth, _, *methods = _HEADER.unpack_from(content, len(_PNG) + 4)
    chunks = list(_chunks(content))
    kinds = [kind for kind, _ in chunks]
    if b"PLTE" not in kinds:
        raise DataError(f"{path} is a palette PNG without a palette: it is damaged.")
    if depth not in _DEPTHS:
        raise DataError(f"{path} cannot be read as a picture: it is damaged.")
    if b"IEND" not in kinds:
        raise DataError(f"{path} is truncated: the end of the picture is missing.")
    header = _HEADER.pack(name, width, height, depth, _GREY, *methods)
    grey = _PNG + struct.pack(">I", _HEADER.size - 4) + header + struct.pack(">I", zlib.crc32(header))
    grey += b"".join(chunk for kind, chunk in chunks if kind in (b"IDAT", b"IEND"))
    try:
        image = cv2.imdecode(np.frombuffer(grey, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{path} cannot be read as a picture: it is damaged.")
    # A decoder stretches grey of fewer bits to the full range.
    return np.asarray(image // (255 // (2**depth - 1)), np.uint8)[:, :, None]


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG file: the name of each, and its bytes."""
    place = len(_PNG)
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        if end > len(content):
            return
        yield content[place + 4 : place + 8], content[place:end]
        place = end
