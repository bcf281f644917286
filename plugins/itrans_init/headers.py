"""What the headers of files say of pictures, without their pixels."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray

_CHANNELS = {"1": 1, "L": 1, "I": 1, "I;16": 1, "LA": 4, "P": 3, "RGB": 3, "RGBA": 4, "CMYK": 3, "YCbCr": 3}
"""How many channels a picture has, by what Pillow calls its mode."""

_SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".bmp", ".webp"}
_EIGHT_BITS = {"JPEG", "BMP", "WEBP"}
"""Formats whose values have 8 bits."""

_ORIENTATION, _FIRST_TURNED = 0x0112, 5
"""The EXIF tag, and the first of its values with which a picture lies on its side."""

_DEPTH_AT = 24
"""Where a PNG says how many bits a value has."""


class Stored(NamedTuple):
    """How a picture is stored.

    Attributes:
        width: in pixels, once it is upright.
        height: likewise.
        channels: how many.
        dtype: the type of its values: "uint8", "uint16" or "float32".
    """

    width: int
    height: int
    channels: int
    dtype: str

    @property
    def size_text(self) -> str:
        """Width and height, as people say them."""
        return f"{self.width}x{self.height}"


def stored_as(image: ImageArray) -> Stored:
    """Return how a picture that has been read was stored."""
    height, width, channels = image.shape
    return Stored(width, height, channels, image.dtype.name)


def header_of(path: Path) -> Stored | None:
    """Return how the file of a picture stores it; None for a format whose header does not tell for sure.

    Raises:
        OSError: the file cannot be read, or is damaged at its beginning.
    """
    from PIL import Image

    if path.suffix.lower() not in _SUFFIXES:
        return None
    with warnings.catch_warnings(action="ignore"), path.open("rb") as file:
        start = file.read(_DEPTH_AT + 1)
        file.seek(0)
        try:
            image = Image.open(file)
        except (ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
            return None
        if image.mode not in _CHANNELS or image.format not in {"PNG", *_EIGHT_BITS}:
            return None
        channels = 4 if "transparency" in image.info else _CHANNELS[image.mode]
        # Without the condition, Pillow would decode the whole of a PNG to look for it.
        is_turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
        width, height = image.size[::-1] if is_turned else image.size
        has_16_bits = image.format == "PNG" and start[_DEPTH_AT] == 16
        return Stored(width, height, channels, "uint16" if has_16_bits else "uint8")
