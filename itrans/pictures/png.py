"""PNG: its chunks, checked before libpng sees them, and its pixels, upright and with their transparency."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple, cast

import cv2
import numpy as np

from itrans.errors import DataError
from itrans.pictures.decoders import AS_RGB, opencv_decoded, several_frames, unreadable, upright
from itrans.pictures.room import check_room
from itrans.pictures.tiff_tags import orientation_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _INDEXED, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _INDEXED: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
_CHANNELS = {_GREY: 1, _RGB: 3, _INDEXED: 4, _GREY_ALPHA: 4, _RGBA: 4}
"""Of the decoded picture, at most."""

_TRANSPARENT = {b"\0": (2,), b"\2": (6,), b"\3": range(1, 257)}
"""How long the chunk tRNS may be, by the header's byte that says what the colours are."""

PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
"""The chunks without which there is no picture; what others hold is looked at here, or not at all."""


class Png(NamedTuple):
    """What a PNG file says before its pixels.

    Attributes:
        width: in pixels.
        height: in pixels.
        depth: bits of a sample.
        colour: grey, RGB, or what else PNG has.
        transparent: the chunk tRNS.
        orientation: of EXIF.
        bare: the file, of which nothing but the pixels and their transparency is left, so that libpng has nothing to
            print lines about.
    """

    width: int
    height: int
    depth: int
    colour: int
    transparent: bytes
    orientation: int
    bare: bytes

    @property
    def has_few_bits(self) -> bool:
        """Whether the values are indices of a palette, or grey of less than 8 bits, which decoders stretch."""
        return self.colour == _INDEXED or self.depth < 8


def decode_png(path: Path, content: bytes) -> NDArray[np.generic]:
    """Return the picture of a PNG, `(H, W)` or `(H, W, C)`, upright, in RGB or RGBA; grey with alpha becomes RGBA.

    Raises:
        DataError: it is damaged or truncated, has several frames, or there is no room for it.
    """
    png = read_png(path, content)
    is_plain = png.colour == _RGB and png.depth == 8 and not png.transparent
    image = opencv_decoded(png.bare, AS_RGB if is_plain else cv2.IMREAD_UNCHANGED)
    if image is None:
        raise unreadable(path, "a damaged PNG")
    if png.colour == _GREY and len(png.transparent) == 2 and image.ndim == 2:
        image = _with_transparent_grey(image, int.from_bytes(png.transparent, "big"), png.depth)
    return upright(image, png.orientation)


def read_png(path: Path, content: bytes) -> Png:
    """Return what a PNG file says before its pixels, and check what can be checked without decoding them.

    Raises:
        DataError: see `decode_png`.
    """
    header, transparent, orientation = b"", b"", 1
    kinds: set[bytes] = set()
    bare: list[bytes | memoryview] = [SIGNATURE]
    view = memoryview(content)
    kind = b""
    for kind, place, end in _places(content):
        kinds.add(kind)
        if kind in PIXELS:
            if zlib.crc32(view[place:end]).to_bytes(4, "big") != content[end : end + 4]:
                raise DataError(f"{path} is a damaged PNG: the checksum of its part {kind.decode()} is wrong.")
            bare.append(view[place - 4 : end + 4])
            header = header or content[place + 4 : end]
        elif kind == b"tRNS" and header[9:10] in _TRANSPARENT and end - place - 4 in _TRANSPARENT[header[9:10]]:
            transparent = content[place + 4 : end]
            bare.append(chunk(kind, transparent))
        elif kind == b"eXIf":
            orientation = orientation_of(content[place + 4 : end])
        elif kind == b"acTL" and (frames := int.from_bytes(content[place + 4 : place + 8], "big")) > 1:
            raise several_frames(path, frames)
        elif not kind.isalpha():
            raise unreadable(path, "a damaged PNG")
        elif kind[:1].isupper():
            raise DataError(f'{path} is a PNG of a kind that is not read: it needs "{kind.decode()}". Save it again.')
    if kind != b"IEND":
        raise DataError(f"{path} is truncated: the end of the picture is missing.")
    if len(header) != 13:
        raise unreadable(path, "a damaged PNG")
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    if depth not in _DEPTHS.get(colour, ()) or not width or not height:
        raise unreadable(path, "a damaged PNG")
    if colour == _INDEXED and b"PLTE" not in kinds:
        raise DataError(f"{path} is a palette PNG without a palette: it is damaged.")
    check_room(path, width, height, _CHANNELS[colour] * max(1, depth // 8), len(content))
    return Png(width, height, depth, colour, transparent, orientation, content if kinds <= PIXELS else b"".join(bare))


def chunk_names(content: bytes) -> set[bytes]:
    """Return which chunks a PNG file has, as far as it is whole."""
    return {kind for kind, _, _ in _places(content)}


def _with_transparent_grey(image: NDArray[np.generic], value: int, depth: int) -> NDArray[np.generic]:
    """Return grey as RGBA, with the one value that is transparent, which OpenCV ignores."""
    values = cast("NDArray[np.uint16]", image)
    white = np.iinfo(values.dtype).max
    stored = value * (255 // (2**depth - 1)) if depth < 8 else value
    alpha = np.where(values == stored, 0, white).astype(values.dtype)
    return np.stack([values, values, values, alpha], axis=2)


def _places(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks of a PNG file: the name of each, where it begins with that, and where its data end."""
    place = len(SIGNATURE) + 4
    while place + 8 <= len(content):
        end = place + 4 + int.from_bytes(content[place - 4 : place], "big")
        if end + 4 > len(content):
            return
        yield content[place : place + 4], place, end
        if content[place : place + 4] == b"IEND":
            return
        place = end + 8


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file, with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
