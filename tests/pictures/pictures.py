"""Pictures, and files of them that no library writes: with an orientation, of several pages, in rare layouts."""

from __future__ import annotations

import struct

import cv2
import numpy as np

EXIF_TURN_RIGHT = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""A TIFF header and one tag: orientation 6, to be turned by 90 degrees clockwise."""


def picture(channels: int, dtype: str = "uint8", height: int = 12, width: int = 20) -> np.ndarray:
    """Return a smooth picture whose channels differ, so that a wrong order or side shows."""
    rows, columns, channel = np.ogrid[0 : 1 : height * 1j, 0 : 1 : width * 1j, 1 : channels + 1]
    values = (0.2 + 0.5 * columns + 0.3 * rows) / channel
    if dtype == "float32":
        return values.astype(np.float32)
    return (values * np.iinfo(dtype).max).astype(dtype)


def jpeg(image: np.ndarray, exif: bytes = b"") -> bytes:
    content = cv2.imencode(".jpg", image[:, :, ::-1] if image.shape[2] == 3 else image)[1].tobytes()
    if not exif:
        return content
    body = b"Exif\0\0" + exif
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def webp(image: np.ndarray, exif: bytes) -> bytes:
    """Return a lossless WebP in the extended layout, which is the one that has room for EXIF."""
    order = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    content = cv2.imencode(".webp", cv2.cvtColor(image, order))[1].tobytes()
    pixels = content[content.index(b"VP8L") :]
    height, width, channels = image.shape
    flags = 0x08 | (0x10 if channels == 4 else 0)
    extended = struct.pack("<4sIB3x", b"VP8X", 10, flags)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + extended + pixels + struct.pack("<4sI", b"EXIF", len(exif)) + exif
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def tiff(array: np.ndarray, *, big: bool = False, following: int = 0, photometric: int = 2, planar: int = 1) -> bytes:
    """Return an uncompressed TIFF of one strip, written by hand, for OpenCV does not write them all.

    Args:
        array: the pixels.
        big: use offsets of 8 bytes.
        following: where a second page is said to be.
        photometric: 1 for grey (whatever the channels), 2 for RGB.
        planar: 1 for pixel after pixel, 2 for channel after channel.
    """
    height, width, channels = array.shape
    size_format, count_format = ("Q", "Q") if big else ("I", "H")
    start = 16 if big else 8
    samples = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    tags = [
        (256, width), (257, height), (258, array.itemsize * 8), (259, 1), (262, photometric),
        (273, 0), (277, channels), (278, height), (279, array.nbytes), (284, planar),
        (339, samples),
    ]  # fmt: skip
    length = struct.calcsize(f"<{count_format}") + len(tags) * (20 if big else 12) + (8 if big else 4)
    entry = f"<HH{size_format}{size_format}"
    directory = struct.pack(f"<{count_format}", len(tags))
    for tag, value in tags:
        # Bits and sample formats are the same for all channels: one value of type LONG stands for them.
        directory += struct.pack(entry, tag, 4, 1, start + length if tag == 273 else value)
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    return header + directory + struct.pack(f"<{size_format}", following) + array.tobytes()
