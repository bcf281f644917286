"""Reading and writing pictures of any channel count, in 8 bits, 16 bits or floats, as the file has them."""

from __future__ import annotations

import io
import os
import re
import struct
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.errors import DataError, OutputError, counted
from itrans.files import replacing
from itrans.protocols import ImageSpec, PixelType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cv2.typing import MatLike
    from numpy.typing import NDArray

    from itrans.protocols import ImageArray

_UPRIGHT = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
"""Unlike IMREAD_UNCHANGED, heeds the orientation that cameras note in JPEG and WebP; but it drops transparency."""

_WRITABLE = {
    ".png": ("uint8", "uint16"),
    ".jpg": ("uint8",),
    ".jpeg": ("uint8",),
    ".bmp": ("uint8",),
    ".webp": ("uint8",),
    ".tif": ("uint8", "uint16", "float32"),
    ".tiff": ("uint8", "uint16", "float32"),
    ".npy": ("uint8", "uint16", "float32"),
}
SUFFIXES = frozenset(_WRITABLE)
"""The formats that are read and written, by suffix in lower case."""

_TEXTS = frozenset(
    {
        *(".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".log", ".md", ".md5", ".py", ".sha256", ".toml", ".tsv"),
        *(".txt", ".xml", ".yaml", ".yml"),
    }
)
"""What lies beside pictures and is no picture that somebody may miss."""

_CHANNELS = {".npy": None, ".tif": (1, 3, 4), ".tiff": (1, 3, 4), ".png": (1, 3, 4), ".webp": (3, 4)}
"""The channel counts that a format can hold: None for any, grey and RGB where nothing is said."""

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # either byte order, with offsets of 4 and of 8 bytes
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""Where a JPEG segment starts; within coded pixels 0xFF is followed by 0 or by a restart marker (D0 to D7)."""


def read_image(path: str | os.PathLike[str]) -> ImageArray:
    """Read a picture.

    Args:
        path: a file with one of `SUFFIXES`. An `.npy` file holds `(H, W)` or `(H, W, C)`. JPEG and WebP pictures are
            turned as their orientation tag says.

    Returns:
        `(H, W, C)` of uint8, uint16, or float32 in [0, 1], as the file has it (float64 becomes float32). Colour is RGB
        or RGBA; grey has one channel.

    Raises:
        DataError: the file is missing, no picture, truncated, of several pages, or of another type; it is named.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a picture.")
    if suffix not in SUFFIXES:
        raise DataError(f'{path} is no picture: "{path.suffix}" is none of {", ".join(sorted(SUFFIXES))}.')
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if not content:
        raise DataError(f"{path} is an empty file.")
    return _as_image(path, _loaded(path, content) if suffix == ".npy" else _decoded(path, content))


def write_image(path: str | os.PathLike[str], image: ImageArray) -> None:
    """Write a picture in the format of its suffix, whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        image: `(H, W, C)`, RGB or RGBA or grey. Formats differ in what they hold: uint16 needs PNG, TIFF or `.npy`,
            float32 needs TIFF or `.npy`, other channel counts than 1, 3 and 4 need `.npy`.

    Raises:
        OutputError: the file cannot be written, or its format cannot hold the picture.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITABLE:
        raise OutputError(f'{path} cannot be written: "{path.suffix}" is none of {", ".join(sorted(_WRITABLE))}.')
    if image.ndim != 3:
        raise OutputError(f"{path} cannot be written: {image.shape} is not (height, width, channels).")
    channels = _CHANNELS.get(suffix, (1, 3))
    if image.dtype.name not in _WRITABLE[suffix] or (channels is not None and image.shape[2] not in channels):
        raise OutputError(
            f"{path} cannot be written: {suffix} does not hold {counted(image.shape[2], 'channel')} of "
            f"{image.dtype}; .npy does."
        )
    with replacing(path) as file:
        file.write(_encoded(path, image, suffix))


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures in a folder and the folders in it, relative to it; hidden files and folders are left out.

    They are sorted by their paths written with `/`, so the order is the same on every system.

    Raises:
        DataError: the folder, or one in it, is missing or cannot be read.
    """
    return [Path(name) for name in sorted(name for name in _files(folder) if _suffix(name) in SUFFIXES)]


def unread_suffixes(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Return how many files of each suffix `find_images` leaves out, the most frequent first.

    Suffixes are in lower case, and `""` stands for names without one. Hidden files, and texts that lie beside pictures
    (`.txt`, `.json`, `.csv` and the like), are not counted.

    Raises:
        DataError: see `find_images`.
    """
    counts = Counter(_suffix(name) for name in _files(folder))
    return {suffix: count for suffix, count in counts.most_common() if suffix not in SUFFIXES | _TEXTS}


def _files(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the files in a folder and the folders in it, relative to it and written with `/`, without hidden ones."""

    def refuse(error: OSError) -> None:
        raise DataError(f"The folder {error.filename} cannot be read: {error.strerror}.") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(place).relative_to(folder).as_posix()
        prefix = "" if inner == "." else f"{inner}/"
        yield from (prefix + name for name in files if not name.startswith("."))


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122  # 50,000 times


def spec_of(image: ImageArray) -> ImageSpec:
    """Return what an array is."""
    return ImageSpec(channels=image.shape[2], dtype=cast("PixelType", image.dtype.name))


def as_channels(image: ImageArray, channels: int) -> ImageArray:
    """Return a picture with 1, 3 or 4 channels: colour becomes grey by its luminance, grey is repeated, alpha dropped.

    Args:
        image: `(H, W, C)` with 1, 3 or 4 channels.
        channels: how many are wanted.

    Raises:
        ValueError: there is no such conversion.
    """
    have = image.shape[2]
    if have == channels:
        return image
    conversions = {
        (1, 3): cv2.COLOR_GRAY2RGB,
        (1, 4): cv2.COLOR_GRAY2RGBA,
        (3, 1): cv2.COLOR_RGB2GRAY,
        (3, 4): cv2.COLOR_RGB2RGBA,
        (4, 1): cv2.COLOR_RGBA2GRAY,
        (4, 3): cv2.COLOR_RGBA2RGB,
    }
    if (have, channels) not in conversions:
        raise ValueError(f"{have} channels cannot be made into {channels}")
    converted = cv2.cvtColor(image, conversions[have, channels])
    return cast("ImageArray", converted.reshape(*image.shape[:2], channels))


def _loaded(path: Path, content: bytes) -> NDArray[np.generic]:
    if not content.startswith(b"\x93NUMPY"):
        raise DataError(f"{path} is not an array file of NumPy.")
    try:
        return cast("NDArray[np.generic]", np.load(io.BytesIO(content), allow_pickle=False))
    except Exception as error:  # a damaged header can raise nearly anything, MemoryError too
        raise DataError(f"{path} is damaged or truncated, or holds no numbers: {error}.") from error


def _decoded(path: Path, content: bytes) -> NDArray[np.generic]:
    # The content decides, not the suffix: pictures often have the wrong one.
    is_jpeg, is_webp = content.startswith(b"\xff\xd8"), content[8:12] == b"WEBP"
    # OpenCV would fill what is missing with grey.
    if (is_jpeg and not _is_whole_jpeg(content)) or (content.startswith(b"\x89PNG") and content.rfind(b"IEND") < 0):
        raise DataError(f"{path} is truncated: the end of the picture is missing.")
    data = np.frombuffer(content, np.uint8)
    image = _opencv_decoded(data, _UPRIGHT if is_jpeg else cv2.IMREAD_UNCHANGED)
    if is_webp and image is not None and b"EXIF" in content:
        upright = _opencv_decoded(data, _UPRIGHT)
        if image.shape[2] == 3:
            image = upright
        elif upright is None or not np.array_equal(image[:, :, :3], upright):
            raise DataError(f"{path} is transparent and to be turned, which cannot be read. Save it upright.")
    if content.startswith(_TIFF_STARTS):
        _check_tiff(path, content, image)
    if image is None:
        raise DataError(f"{path} cannot be read as a picture: it is damaged, or is something else.")
    if image.ndim == 3 and image.shape[2] in {3, 4}:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return cast("NDArray[np.generic]", image)


def _opencv_decoded(data: NDArray[np.uint8], flags: int) -> MatLike | None:
    with _QUIET:
        try:
            return cv2.imdecode(data, flags)
        except cv2.error:
            return None


def _is_whole_jpeg(content: bytes) -> bool:
    """Whether a JPEG ends with its end-of-image marker; one in an embedded preview or after the end does not count."""
    place = 2
    while marker := _JPEG_MARKER.search(content, place):
        if marker[1] == b"\xd9":
            return True
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return False


def _check_tiff(path: Path, content: bytes, image: MatLike | None) -> None:
    """Refuse what OpenCV reads in part or wrongly without saying so: further pages, channels, and planes."""
    order, is_big = "<" if content[:1] == b"I" else ">", b"+" in content[:4]
    offset, count, value = ("Q", "Q", "Q") if is_big else ("I", "H", "I")
    try:
        (place,) = struct.unpack_from(order + offset, content, 8 if is_big else 4)
        (entries,) = struct.unpack_from(order + count, content, place)
        place += struct.calcsize(order + count)
        tags = {}
        for _ in range(entries):
            tag, kind = struct.unpack_from(order + "HH", content, place)
            place += struct.calcsize(order + "HH" + value)
            (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else value), content, place)
            place += struct.calcsize(order + value)
        (following,) = struct.unpack_from(order + offset, content, place)
    except struct.error:
        return  # truncated or damaged, as OpenCV has found
    if following:
        raise DataError(f"{path} has several pages; only pictures of one page are read. Split it first.")
    samples, in_planes = tags.get(277, 1), tags.get(284) == 2
    most = 4 if image is None else 1 if image.ndim == 2 else image.shape[2]
    is_scrambled = in_planes and samples > 1 and image is not None and image.dtype != np.uint8
    if samples > most or is_scrambled:
        raise DataError(f"{path} has {samples} channels in a layout that OpenCV does not read. Save it as .npy.")


def _as_image(path: Path, array: NDArray[np.generic]) -> ImageArray:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(f"{path} has the shape {array.shape}, not (height, width) or (height, width, channels).")
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    if array.dtype == np.float64:
        with np.errstate(over="ignore"):  # becomes infinite, and is refused below
            array = array.astype(np.float32)
    if array.dtype.name not in {"uint8", "uint16", "float32"}:
        raise DataError(f"{path} has values of {array.dtype}; a picture has uint8, uint16, or floats from 0 to 1.")
    if array.dtype == np.float32:
        low, high = float(np.min(cast("NDArray[np.float32]", array))), float(np.max(cast("NDArray[np.float32]", array)))
        if not (low >= 0 and high <= 1):  # false for NaN too
            found = "NaN among its floats" if np.isnan(low) else f"floats from {low:g} to {high:g}"
            raise DataError(f"{path} has {found}; they should be from 0 to 1.")
    return cast("ImageArray", array)


def _encoded(path: Path, image: ImageArray, suffix: str) -> bytes:
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, image, allow_pickle=False)
        return buffer.getvalue()
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(image.shape[2])
    try:
        stored = image if order is None else cv2.cvtColor(image, order)
        done, encoded = cv2.imencode(suffix, stored)
    except cv2.error as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
    if not done:
        raise OutputError(f"{path} cannot be written as {suffix}.")
    return encoded.tobytes()


class _Quiet:
    """Keeps OpenCV from printing what becomes an error with the file's name.

    Its log level belongs to the process: the first thread to enter silences it, the last to leave restores it.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._level = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                cv2.utils.logging.setLogLevel(self._level)


_QUIET = _Quiet()
