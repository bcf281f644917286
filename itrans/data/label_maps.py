"""Label maps from files: class indices, which a palette PNG holds beside the colours that show them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans.data.images import read_image
from itrans.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from itrans.protocols import ImageArray

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4sIIBBBBB")
"""The PNG chunk IHDR: its name, width, height, bit depth, colour type, compression, filter and interlace method."""

_GREY, _INDEXED = 0, 3
"""Colour types of PNG."""

_DEPTHS = (1, 2, 4, 8)
"""Bits of an index in a palette PNG."""

_LOSSY = (".jpg", ".jpeg")


def read_label_map(path: str | os.PathLike[str]) -> ImageArray:
    """Read a label map, `(H, W, C)`: of a palette PNG the indices, not the palette's colours, in one channel of uint8.

    Of any other file it is the picture itself; see `read_image`.

    Raises:
        DataError: it cannot be read, is a palette PNG without a palette, or was compressed with losses.
    """
    path = Path(path)
    if path.suffix.lower() in _LOSSY:
        raise DataError(f"{path} is a JPEG, which blurs the values of a label map. Save label maps as PNG.")
    indices = _palette_indices(path)
    return read_image(path) if indices is None else indices


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
