"""Reading pictures of any channel count, in 8 bits, 16 bits or floats, as the file has them; and finding them."""

from __future__ import annotations

import io
import math
import stat
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from itrans.errors import DataError
from itrans.pictures.decoding import decode, format_of
from itrans.pictures.foreign import what_it_is
from itrans.pictures.names import Names
from itrans.pictures.room import amount
from itrans.pictures.spec import SUFFIXES, ImageSpec
from itrans.pictures.walking import files_in, suffix_of

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from itrans.pictures.spec import ImageArray, PixelType

_TEXTS = frozenset(
    {
        *(".csv", ".db", ".html", ".ini", ".json", ".jsonl", ".log", ".md", ".md5", ".py", ".sha256", ".toml", ".tsv"),
        *(".txt", ".xml", ".yaml", ".yml"),
    }
)
"""What lies beside pictures and is no picture that somebody may miss."""


def read_image(path: str | os.PathLike[str], content: bytes | None = None, *, any_floats: bool = False) -> ImageArray:
    """Read a picture.

    Args:
        path: a file with one of `SUFFIXES`; what it is, its content decides. An `.npy` file holds `(H, W)` or
            `(H, W, C)`.
        content: what is in the file, for one that lies in an archive: no file is opened then, and the path gives the
            suffix, and the name for messages.
        any_floats: take floats that are not in [0, 1], for pictures whose spec says another range.

    Returns:
        `(H, W, C)` of uint8, uint16, or float32 in [0, 1], or of any finite values with `any_floats`, as the file has
        it (other floats become float32), upright as the file's orientation says. Colour is RGB or RGBA, the colours not
        darkened by alpha; grey has one channel, and grey with alpha becomes RGBA.

    Raises:
        DataError: the file is missing, no picture, damaged, of several pages or frames, of a kind that is not read, or
            larger than there is memory for; it is named.
    """
    path = Path(path)
    content = content_of(path, content)
    try:
        array = load_array(path, content) if path.suffix.lower() == ".npy" else decode(path, content)
        return _as_image(path, array, any_floats=any_floats)
    except MemoryError as error:
        raise DataError(f"{path} is too large for the memory that is left.") from error


def content_of(path: Path, content: bytes | None = None) -> bytes:
    """Return what is in the file of a picture: the content, if that is given.

    Raises:
        DataError: it is missing, empty, no file, cannot be read, or its suffix is none of a picture's.
    """
    suffix = path.suffix.lower()
    if content is None:
        content = _read_content(path, suffix)
    elif suffix not in SUFFIXES:
        raise DataError(f"{path} {_no_suffix_of_pictures(path)}")
    if not content:
        raise DataError(f"{path} is an empty file.")
    return content


def _read_content(path: Path, suffix: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError(f"{path} is a folder, not a picture.")
        if suffix not in SUFFIXES:
            raise DataError(f"{path} {_what_else(path, mode)}")
        if not stat.S_ISREG(mode):
            raise DataError(f"{path} is a pipe or a device, not a picture.")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except MemoryError as error:
        raise DataError(f"{path} is too large for the memory that is left.") from error


def _what_else(path: Path, mode: int) -> str:
    """Return what a file is that has no picture's suffix, and what to do, as the end of a sentence."""
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            start = file.read(1024)
        if format_of(start, ""):
            return f'is a picture, but its suffix "{path.suffix}" does not say so: rename it to {path.stem}.png.'
        if start and (what := what_it_is(start)):
            return what
    return _no_suffix_of_pictures(path)


def _no_suffix_of_pictures(path: Path) -> str:
    return f'is not a picture: "{path.suffix}" is none of {", ".join(sorted(SUFFIXES))}.'


def load_array(path: Path, content: bytes) -> NDArray[np.generic]:
    """Return the array that an `.npy` file holds.

    Raises:
        DataError: it is none, damaged, or shorter than it says.
    """
    if not content.startswith(b"\x93NUMPY"):
        what = what_it_is(content) or "is no picture either."
        raise DataError(f"{path} is not an array file of NumPy: it {what}")
    try:
        file = io.BytesIO(content)
        first = np.lib.format.read_magic(file) == (1, 0)
        read_header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(file)
        count, there = math.prod(shape), len(content) - file.tell()
        if dtype.hasobject:
            raise ValueError("its values are Python objects")
        if count * dtype.itemsize > there:
            raise ValueError(
                f"{shape} of {dtype} takes {amount(count * dtype.itemsize)}, and there are {amount(there)}"
            )
        values = np.frombuffer(content, dtype, count, file.tell())
        array = values.reshape(shape[::-1]).T if is_fortran else values.reshape(shape)
    except Exception as error:  # a damaged header can raise nearly anything
        raise DataError(f"{path} is damaged or truncated, or holds no numbers: {error}.") from error
    return array.copy()


def with_channels(path: Path, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return an array `(H, W)` or `(H, W, C)` as the latter.

    Raises:
        DataError: it is neither.
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(f"{path} has the shape {array.shape}, not (height, width) or (height, width, channels).")
    return array


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures in a folder and the folders in it, relative to it; hidden files and folders are left out.

    They are sorted by their paths written with `/`, so the order is the same on every system. Of many thousands,
    `image_names` takes less time and memory.

    Raises:
        DataError: the folder, or one in it, is missing or cannot be read.
    """
    return [Path(name) for name in image_names(folder)]


def image_names(folder: str | os.PathLike[str]) -> Names:
    """Return what `find_images` returns, as texts written with `/`.

    Raises:
        DataError: see `find_images`.
    """
    return Names(name for name in files_in(folder) if suffix_of(name) in SUFFIXES)


def unread_suffixes(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Return how many files of each suffix `find_images` leaves out, the most frequent first.

    Suffixes are in lower case, and `""` stands for names without one. Hidden files, and texts that lie beside pictures
    (`.txt`, `.json`, `.csv` and the like), are not counted.

    Raises:
        DataError: see `find_images`.
    """
    counts = Counter(suffix_of(name) for name in files_in(folder))
    return {suffix: count for suffix, count in counts.most_common() if suffix not in SUFFIXES | _TEXTS}


def spec_of(image: ImageArray) -> ImageSpec:
    """Return what an array is."""
    return ImageSpec(channels=image.shape[2], dtype=cast("PixelType", image.dtype.name))


def floats_fault(array: NDArray[np.generic], *, any_floats: bool = False) -> str | None:
    """Return what is wrong with the values of a picture of floats, as the end of a sentence, or None.

    With `any_floats`, they need not be from 0 to 1, but finite.
    """
    if array.dtype != np.float32:
        return None
    values = cast("NDArray[np.float32]", array)
    low, high = float(values.min()), float(values.max())
    if any_floats:
        if math.isfinite(low) and math.isfinite(high):
            return None
        return f"has {'NaN' if np.isnan(low) else 'infinite values'} among its floats"
    if low >= 0 and high <= 1:  # false for NaN too
        return None
    found = "NaN among its floats" if np.isnan(low) else f"floats from {low:g} to {high:g}"
    return f"has {found}; they should be from 0 to 1"


def _as_image(path: Path, array: NDArray[np.generic], *, any_floats: bool) -> ImageArray:
    array = with_channels(path, array)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    if array.dtype.kind == "f" and array.dtype != np.float32:
        with np.errstate(over="ignore"):  # becomes infinite, and is refused below
            array = array.astype(np.float32)
    if array.dtype.name not in {"uint8", "uint16", "float32"}:
        raise DataError(f"{path} has values of {array.dtype}; a picture has uint8, uint16, or floats from 0 to 1.")
    if fault := floats_fault(array, any_floats=any_floats):
        raise DataError(f"{path} {fault}.")
    return cast("ImageArray", array)
