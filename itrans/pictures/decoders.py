"""OpenCV and Pillow as decoders: quiet, in RGB, and with one way to say that something cannot be read."""

from __future__ import annotations

import io
import threading
import warnings
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from itrans.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

AS_RGB: int = getattr(cv2, "IMREAD_COLOR_RGB", cv2.IMREAD_UNCHANGED)
"""Flags for colours of 8 bits without alpha: RGB comes from the decoder, where OpenCV is new enough for that."""

_RGB_ALREADY = AS_RGB if AS_RGB != cv2.IMREAD_UNCHANGED else None

_NO_MEMORY = -4
"""OpenCV's code for it."""


def opencv_decoded(content: bytes, flags: int) -> NDArray[np.generic] | None:
    """Return what OpenCV makes of a file, grey `(H, W)` or RGB or RGBA `(H, W, C)`; None if it makes nothing of it.

    Raises:
        MemoryError: there is not enough for it.
    """
    with _QUIET:
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        except cv2.error as error:
            if error.code == _NO_MEMORY:
                raise MemoryError from error
            return None
    if image is not None and image.ndim == 3 and image.shape[2] in {3, 4} and flags != _RGB_ALREADY:
        if image.dtype == np.float64:  # which OpenCV does not convert
            return image[:, :, [2, 1, 0, 3][: image.shape[2]]]
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return cast("NDArray[np.generic] | None", image)


def pillow_opened(path: Path, content: bytes, format_: str) -> ImageFile:
    """Return a picture as Pillow has opened it: its header is read, its pixels are not.

    Raises:
        DataError: it is damaged, or this build of Pillow does not have the format.
    """
    from PIL import Image

    Image.preinit()  # five common formats; all of them take three times as long
    if format_ not in Image.OPEN:
        Image.init()
    if format_ not in Image.OPEN:
        raise DataError(f"{path} is {format_}, which this build of Pillow does not read. Save it as PNG.")
    factory: Any = Image.OPEN[format_][0]
    try:  # not `Image.open`, which has a limit of its own: see `check_room`
        with _QUIET:
            return cast("ImageFile", factory(io.BytesIO(content), str(path)))
    except Exception as error:  # a damaged file can raise nearly anything
        raise unreadable(path, "damaged") from error


def pixels_of(path: Path, image: ImageFile) -> NDArray[np.generic]:
    """Return the pixels of a picture that Pillow has opened, `(H, W)` or `(H, W, C)`: colours of a palette, 0 and 255.

    Raises:
        DataError: it is damaged or truncated, or has values of a kind that is not read.
    """
    wanted = {"1": "L", "L": "L", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "La": "RGBA", "RGBa": "RGBA"}
    wanted |= {"I;16": "I;16", "I;16B": "I;16", "P": "RGBA" if "transparency" in image.info else "RGB", "PA": "RGBA"}
    wanted |= {"CMYK": "RGB", "YCbCr": "RGB"}
    if image.mode not in wanted:
        raise DataError(f'{path} has values that are not read (Pillow calls them "{image.mode}"). Save it as PNG.')
    load(path, image)
    return np.asarray(image if image.mode == wanted[image.mode] else image.convert(wanted[image.mode]))


def load(path: Path, image: ImageFile) -> None:
    """Decode the pixels of a picture that Pillow has opened.

    Raises:
        DataError: it is damaged or truncated.
    """
    try:
        with _QUIET:
            image.load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise unreadable(path, "damaged or truncated") from error


def stored_values(path: Path, image: ImageFile, depth: int) -> NDArray[np.uint8]:
    """Return the values of a picture that Pillow has opened, `(H, W)`: indices, or grey of so many bits.

    Raises:
        DataError: it is damaged or truncated.
    """
    load(path, image)
    values = np.asarray(image, np.uint8)
    # Pillow stretches grey of 2 and 4 bits to the full range.
    return values // np.uint8(255 // (2**depth - 1)) if image.mode == "L" else values


def unreadable(path: Path, what: str) -> DataError:
    """Return the error of a file that is no picture, such as "damaged"."""
    return DataError(f"{path} cannot be read as a picture: it is {what}.")


def several_frames(path: Path, frames: int) -> DataError:
    """Return the error of an animation."""
    return DataError(f"{path} has {frames} frames; only pictures of one are read. Split it first.")


def upright(image: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Return a picture, `(H, W)` or `(H, W, C)`, as it stands upright.

    The orientation is that of TIFF and EXIF, from 1 to 8. What makes no sense counts as 1, which is upright.
    """
    if orientation in {5, 6, 7, 8}:
        image = image.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        image = image[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    return image


class _Quiet:
    """Keeps OpenCV and Pillow from printing what becomes an error with the file's name, or means nothing.

    OpenCV's log level and Python's filters of warnings belong to the process: the first thread to enter silences them,
    the last to leave restores them.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._level = threading.Lock(), 0, 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                cv2.utils.logging.setLogLevel(self._level)
                self._filters.__exit__(None, None, None)


_QUIET = _Quiet()
