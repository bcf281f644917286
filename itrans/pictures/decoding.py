"""The content of a file -> its pixels: which format it is, what is refused before decoding, and who decodes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.errors import DataError
from itrans.pictures.decoders import opencv_decoded, pillow_opened, pixels_of, several_frames, unreadable, upright
from itrans.pictures.foreign import what_it_is
from itrans.pictures.png import SIGNATURE, decode_png
from itrans.pictures.room import check_room
from itrans.pictures.tiff import decode_tiff
from itrans.pictures.tiff_tags import STARTS, orientation_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_UPRIGHT = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
"""Unlike IMREAD_UNCHANGED, heeds the orientation that cameras note in JPEG; but it drops transparency."""

_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""Where a JPEG segment starts; within coded pixels 0xFF is followed by 0 or by a restart marker (D0 to D7)."""

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers after which a picture's size follows."""

_LOSSLESS_JPEG = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
"""Those of them that medical scanners and raw photos have."""

_PORTABLE = re.compile(rb"P([1-6])" + rb"(?:\s|#[^\n]*\n)+(\d{1,9})" * 2 + rb"(?:(?:\s|#[^\n]*\n)+(\d{1,9}))?\s")
"""The header of a portable bitmap, greymap or pixmap: its kind, width, height, and brightest value."""


def format_of(content: bytes, suffix: str) -> str:
    """Return Pillow's name of the format that a file has; an empty text for one that is not read.

    The content decides, not the suffix: pictures often have the wrong one. TGA alone has no mark of its own.
    """
    for start, name in ((SIGNATURE, "PNG"), (b"\xff\xd8", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP")):
        if content.startswith(start):
            return name
    if content.startswith(STARTS):
        return "TIFF"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "JPEG2000"
    if content[4:8] == b"ftyp" and re.search(rb"avi[fs]", content[8:40]):
        return "AVIF"
    if _PORTABLE.match(content):
        return "PPM"
    return "TGA" if suffix == ".tga" and what_it_is(content) is None else ""


def decode(path: Path, content: bytes) -> NDArray[np.generic]:
    """Return the pixels of a picture, `(H, W)` or `(H, W, C)`, upright; colour is RGB or RGBA.

    Raises:
        DataError: it is no picture, damaged, truncated, of several frames or pages, or larger than there is room for.
        MemoryError: there is not enough for it.
    """
    format_ = format_of(content, path.suffix.lower())
    if format_ == "PNG":
        return decode_png(path, content)
    if format_ == "TIFF":
        return decode_tiff(path, content)
    if format_ == "JPEG":
        _check_jpeg(path, content)
        image = opencv_decoded(content, _UPRIGHT)
    elif format_ == "WEBP":
        orientation = _check_webp(path, content)
        image = opencv_decoded(content, cv2.IMREAD_UNCHANGED)
        image = image if image is None else upright(image, orientation)
    elif format_ == "PPM":
        image = _portable(path, content)
    elif format_ == "BMP" and content[28:30] == b"\x18\0":  # 24 bits; OpenCV drops the alpha of others
        check_room(path, *_bmp_size(content), 3, len(content))
        image = opencv_decoded(content, cv2.IMREAD_UNCHANGED)
    elif format_:
        return _by_pillow(path, content, format_)
    else:
        what = what_it_is(content)
        raise DataError(f"{path} {what}") if what else unreadable(path, "something else")
    if image is None:
        raise unreadable(path, f"a damaged or truncated {format_}")
    return image


def _by_pillow(path: Path, content: bytes, format_: str) -> NDArray[np.generic]:
    image = pillow_opened(path, content, format_)
    check_room(path, image.width, image.height, max(len(image.getbands()), 4), len(content))
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise several_frames(path, frames)
    if format_ == "JPEG2000":  # Pillow has no colours of 16 bits
        decoded = opencv_decoded(content, cv2.IMREAD_UNCHANGED)
        if decoded is None:
            raise unreadable(path, "a damaged or truncated JPEG 2000, or not grey, RGB or RGBA")
        return decoded
    return upright(pixels_of(path, image), orientation_of(image.info.get("exif", b"")))


def _check_jpeg(path: Path, content: bytes) -> None:
    """Refuse a JPEG of which the end is missing, for OpenCV would fill it with grey, and one that is too large.

    An end-of-image marker in an embedded preview or after the end does not count.
    """
    place = 2
    while marker := _JPEG_MARKER.search(content, place):
        place = marker.end()
        kind = marker[1][0]
        if kind == 0xD9:
            return
        if kind in _JPEG_FRAMES:
            bits, lossless = content[place + 2 : place + 3] or b"\x08", "lossless " * (kind in _LOSSLESS_JPEG)
            if bits != b"\x08" or lossless:
                raise DataError(f"{path} is a {lossless}JPEG of {bits[0]} bits, which is not read. Save it as PNG.")
            height, width = (int.from_bytes(content[place + at : place + at + 2], "big") for at in (3, 5))
            check_room(path, width, height, max([3, *content[place + 7 : place + 8]]), len(content))
        place += int.from_bytes(content[place : place + 2], "big")
    raise DataError(f"{path} is truncated: the end of the picture is missing.")


def _check_webp(path: Path, content: bytes) -> int:
    """Return the orientation of a WebP, and refuse one of several frames, or too large."""
    place, frames, orientation = 12, 0, 1
    while place + 8 <= len(content):
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        data = place + 8
        if kind == b"VP8X":
            width, height = (int.from_bytes(content[data + at : data + at + 3], "little") + 1 for at in (4, 7))
            check_room(path, width, height, 4, len(content))
        elif kind == b"EXIF":
            orientation = orientation_of(content[data : data + length])
        frames += kind == b"ANMF"
        place = data + length + length % 2
    if frames > 1:
        raise several_frames(path, frames)
    return orientation


def stored_greys(path: Path, content: bytes) -> NDArray[np.uint8] | None:
    """Return what a bitmap, or a greymap of few values, has stored, `(H, W)`; None for any other portable picture.

    Raises:
        DataError: see `decode`.
    """
    header = _PORTABLE.match(content)
    assert header is not None
    kind, brightest = int(header[1]), int(header[4] or 0)
    if kind not in {1, 4} and not (kind == 5 and brightest < 255):
        return None
    image = cast("NDArray[np.uint8]", decode(path, content))
    return np.asarray(image == 0 if kind in {1, 4} else np.rint(image / 255.0 * brightest), np.uint8)


def _portable(path: Path, content: bytes) -> NDArray[np.generic] | None:
    """Return the pixels of a portable bitmap, greymap or pixmap, with white as the brightest value of their type."""
    header = _PORTABLE.match(content)
    assert header is not None
    kind, width, height = (int(header[at]) for at in (1, 2, 3))
    is_bitmap = kind in {1, 4}
    brightest = 255 if is_bitmap else int(header[4] or 0)
    channels = 3 if kind in {3, 6} else 1
    check_room(path, width, height, channels * (1 if brightest < 256 else 2), len(content))
    if brightest in {255, 65535}:
        return opencv_decoded(content, cv2.IMREAD_UNCHANGED)
    if kind not in {5, 6} or not 0 < brightest < 65535:
        raise DataError(f"{path} has {brightest} as its brightest value, which is not read. Save it as PNG.")
    image = opencv_decoded(content, cv2.IMREAD_UNCHANGED)  # OpenCV leaves the values as they are
    if image is None:
        return None
    white = 255 if brightest < 256 else 65535
    values = np.rint(np.minimum(image.astype(np.float64) / brightest, 1) * white)
    return np.asarray(values, np.uint8 if white == 255 else np.uint16)


def _bmp_size(content: bytes) -> tuple[int, int]:
    return tuple(abs(int.from_bytes(content[at : at + 4], "little", signed=True)) for at in (18, 22))  # type: ignore[return-value]
