"""Reading and writing pictures of any channel count, in 8 bits, 16 bits or floats, as the file has them."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.errors import DataError, OutputError
from itrans.files import replacing
from itrans.protocols import ImageSpec, PixelType

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from itrans.protocols import ImageArray

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".npy"})
"""The formats that are read, by suffix in lower case."""

_UPRIGHT = {".jpg", ".jpeg", ".webp"}
"""Formats whose orientation tag cameras set; OpenCV heeds it unless it is asked for the file as it is."""

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
_CHANNELS = {".npy": None, ".tif": (1, 3, 4), ".tiff": (1, 3, 4), ".png": (1, 3, 4), ".webp": (3, 4)}
"""The channel counts that a format can hold: None for any, grey and RGB where nothing is said."""

_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def read_image(path: str | os.PathLike[str]) -> ImageArray:
    """Read a picture.

    Args:
        path: a file with one of `SUFFIXES`. An `.npy` file holds `(H, W)` or `(H, W, C)`.

    Returns:
        `(H, W, C)` of uint8, uint16, or float32 in [0, 1]. Colour is RGB or RGBA; grey has one channel.

    Raises:
        DataError: the file is missing, no picture, truncated, of several pages, or of another type; it is named.
    """
    path = Path(path)
    suffix = path.suffix.lower()
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
    image = _loaded(path, content) if suffix == ".npy" else _decoded(path, content, suffix)
    return _as_image(path, image)


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
    channels = _CHANNELS.get(suffix, (1, 3))
    if image.dtype.name not in _WRITABLE[suffix] or (channels is not None and image.shape[2] not in channels):
        raise OutputError(
            f"{path} cannot be written: {suffix} does not hold {image.shape[2]} channels of {image.dtype}; .npy does."
        )
    with replacing(path) as file:
        file.write(_encoded(path, image, suffix))


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures in a folder and the folders in it, relative to it and sorted; hidden ones are left out."""
    folder = Path(folder)
    relative = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    visible = (path for path in relative if not any(part.startswith(".") for part in path.parts))
    return sorted(path for path in visible if (folder / path).is_file())


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
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is not an array file of NumPy, or is truncated: {error}.") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path} is not one array.")
    return array


def _decoded(path: Path, content: bytes, suffix: str) -> NDArray[np.generic]:
    if _is_truncated(content):
        raise DataError(f"{path} is truncated: the end of the picture is missing.")
    data = np.frombuffer(content, np.uint8)
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH if suffix in _UPRIGHT else cv2.IMREAD_UNCHANGED
    with _quiet_opencv():
        if suffix in {".tif", ".tiff"}:
            _refuse_pages(path, data)
        try:
            image = cv2.imdecode(data, flags)
        except cv2.error:
            image = None
    if image is None:
        raise DataError(f"{path} cannot be read as a picture: it is damaged, or is something else.")
    if image.ndim == 3 and image.shape[2] in {3, 4}:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return cast("NDArray[np.generic]", image)


def _refuse_pages(path: Path, data: NDArray[np.uint8]) -> None:
    try:
        _, pages = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return
    if pages is not None and len(pages) > 1:
        raise DataError(f"{path} has {len(pages)} pages; only pictures of one page are read. Split it first.")


def _is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end; OpenCV would fill what is missing with grey."""
    if content.startswith(b"\xff\xd8"):
        scan, end = content.rfind(b"\xff\xda"), content.rfind(b"\xff\xd9")
        return scan < 0 or end < scan
    if content.startswith(b"\x89PNG"):
        return content.rfind(b"IEND") < 0
    return False


def _as_image(path: Path, array: NDArray[np.generic]) -> ImageArray:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(
            f"{path} has the shape {array.shape}; a picture is (height, width) or (height, width, channels)."
        )
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype.name not in {"uint8", "uint16", "float32"}:
        raise DataError(f"{path} has values of {array.dtype}; a picture has uint8, uint16, or floats from 0 to 1.")
    if array.dtype == np.float32:
        low, high = float(np.min(cast("NDArray[np.float32]", array))), float(np.max(cast("NDArray[np.float32]", array)))
        if not (low >= 0 and high <= 1):  # false for NaN too
            raise DataError(f"{path} has floats from {low:g} to {high:g}; they should be from 0 to 1.")
    return cast("ImageArray", np.ascontiguousarray(array))


def _encoded(path: Path, image: ImageArray, suffix: str) -> bytes:
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, image, allow_pickle=False)
        return buffer.getvalue()
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(image.shape[2])
    try:
        stored = image if order is None else cv2.cvtColor(image, order)
        done, encoded = cv2.imencode(suffix, stored, _FAST_PNG if suffix == ".png" else ())
    except cv2.error as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
    if not done:
        raise OutputError(f"{path} cannot be written as {suffix}.")
    return encoded.tobytes()


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from printing what becomes an error with the file's name."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
