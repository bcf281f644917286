"""TIFF: which library reads which kind correctly, and which kinds are refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.errors import DataError, counted
from itrans.pictures.decoders import opencv_decoded, pillow_opened, pixels_of, stored_values, unreadable, upright
from itrans.pictures.room import check_room
from itrans.pictures.tiff_tags import ORIENTATION, Directory, directories, first_page

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR = 256, 257, 258, 259, 262, 277, 284
_TILE_WIDTH, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 322, 338, 339
_STORED_SIZES = (279, 325)
"""Bytes of each strip and of each tile."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_PHOTOMETRICS = {
    4: "a transparency mask",
    5: "CMYK",
    8: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "values of a raw camera sensor",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw values",
}
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4
_ASSOCIATED, _UNASSOCIATED = 1, 2
_JPEG = 7
_COMPRESSIONS = {
    1: "none", 2: "CCITT", 3: "CCITT fax 3", 4: "CCITT fax 4", 5: "LZW", 6: "old-style JPEG", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC",
    34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_BY_OPENCV = {1, 5, 8, 32773, 32946}
"""Compressions that every build of OpenCV has; of some others it gives noise without a word."""


def decode_tiff(path: Path, content: bytes) -> NDArray[np.generic]:
    """Return the picture of a TIFF, `(H, W)` or `(H, W, C)`, upright, in RGB, with colours that alpha has not darkened.

    Smaller copies of the picture and masks are no pages. Black is 0. Grey with alpha becomes RGB with alpha.

    Raises:
        DataError: it is damaged, has several pages, or is of a kind that is not read, which is named.
    """
    try:
        found = directories(content)
        pages = [directory for directory in found if directory.is_page] or found[:1]
        if not pages:
            raise ValueError("it has no directory")
        if len(pages) > 1:
            raise DataError(f"{path} has {len(pages)} pages; only pictures of one page are read. Split it first.")
        return _decode_page(path, pages[0])
    except (ValueError, struct.error, OverflowError) as error:
        raise unreadable(path, "a damaged or truncated TIFF") from error


def stored_indices(path: Path, content: bytes) -> NDArray[np.uint8] | None:
    """Return the values of a palette or of few bits as the file has them, `(H, W)`; None for any other TIFF.

    Raises:
        DataError: see `decode_tiff`.
    """
    try:
        page = first_page(content)
        if page is None or page.number(_SAMPLES, 1) != 1:
            return None
        bits, photometric = page.number(_BITS, 1), page.number(_PHOTOMETRIC, _BLACK_IS_ZERO)
        if photometric not in ({_PALETTE} if bits == 8 else {_BLACK_IS_ZERO, _PALETTE}) or bits not in {1, 2, 4, 8}:
            return None
        decode_tiff(path, content)  # refuses what is not read
        grey = page.alone({_PHOTOMETRIC: _BLACK_IS_ZERO, ORIENTATION: 1})
        values = stored_values(path, pillow_opened(path, grey, "TIFF"), bits)
    except (ValueError, struct.error):
        return None
    return cast("NDArray[np.uint8]", upright(values, page.number(ORIENTATION, 1)))


def _decode_page(path: Path, page: Directory) -> NDArray[np.generic]:
    width, height, samples = page.number(_WIDTH, 0), page.number(_HEIGHT, 0), page.number(_SAMPLES, 1)
    if min(width, height, samples) < 1:
        raise ValueError("it has no size")
    bits, sample_format = _kind_of_values(path, page)
    photometric, compression = page.number(_PHOTOMETRIC, _BLACK_IS_ZERO), page.number(_COMPRESSION, 1)
    is_float = sample_format == _FLOAT
    if photometric in _PHOTOMETRICS:
        raise _refusal(path, f"its values are {_PHOTOMETRICS[photometric]}", "grey or RGB")
    if photometric not in {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR}:
        raise _refusal(path, f"its photometric interpretation is {photometric}", "grey or RGB")
    if photometric == _WHITE_IS_ZERO and (is_float or samples > 1):
        raise _refusal(path, "white is 0 among floats, or in several channels", "black as 0")
    if photometric == _YCBCR and (compression != _JPEG or page.number(_PLANAR, 1) == 2):
        raise _refusal(path, "its values are YCbCr, and not those of a JPEG", "RGB")
    check_room(path, width, height, samples * max(bits, 8) // 8, len(page.content))
    if photometric == _PALETTE or bits < 8:
        if samples != 1 or bits > 8:
            what = f"{counted(samples, 'channel')} of {counted(bits, 'bit')}"
            palette = " and a palette" if photometric == _PALETTE else ""
            raise _refusal(path, f"it has {what}{palette}", "grey or RGB of 8 bits")
        if _is_beyond_pillow(page):
            raise _refusal(path, "it is a big-endian BigTIFF with a palette or of few bits", "8 or 16 bits")
        image = pixels_of(path, pillow_opened(path, page.alone({ORIENTATION: 1}), "TIFF"))
    else:
        image = _planes(path, page, samples, bits, is_float, photometric, compression)
    if image.shape[:2] != (height, width):
        raise ValueError("its size is not what it says")
    image = _straight(image, _alpha(page, samples, photometric))
    return upright(image, page.number(ORIENTATION, 1))


def _kind_of_values(path: Path, page: Directory) -> tuple[int, int]:
    """Return the bits of a sample, and how they are to be understood."""
    bits, formats = set(page.values(_BITS)) or {1}, set(page.values(_SAMPLE_FORMAT)) or {_UNSIGNED}
    if len(bits) > 1 or len(formats) > 1:
        raise _refusal(path, "its channels have different types", "one type for all")
    (depth,), (kind,) = (int(value) for value in bits), (int(value) for value in formats)
    kind = _UNSIGNED if kind == _UNDEFINED else kind
    if (kind == _FLOAT and depth in {16, 32, 64}) or (kind == _UNSIGNED and depth in {1, 2, 4, 8, 16}):
        return depth, kind
    names = {_UNSIGNED: "unsigned", _SIGNED: "signed", _FLOAT: "floating-point"}
    said = f"{names.get(kind, 'complex')} {depth}-bit samples"
    raise _refusal(path, f"it has {said}", "unsigned 8 or 16 bits, or floats from 0 to 1")


def _planes(
    path: Path, page: Directory, samples: int, bits: int, is_float: bool, photometric: int, compression: int
) -> NDArray[np.generic]:
    """Return the samples of a picture without a palette as they are stored, in RGB, or in grey with black as 0."""
    kept = samples == 1 if photometric < _RGB else samples in {3, 4}
    in_planes = page.number(_PLANAR, 1) == 2 and samples > 1
    by_opencv = compression in _BY_OPENCV or (compression == _JPEG and bits == 8 and samples < 4)
    # Parts of no bytes, as GDAL leaves out what has no data, are read by tifffile alone.
    is_sparse = any(0 in page.values(tag) for tag in _STORED_SIZES)
    if kept and by_opencv and not (in_planes and bits > 8) and not is_sparse and not (is_float and bits == 16):
        # OpenCV inverts grey of 8 bits alone, and darkens colours of 8 bits by an alpha that says what it is.
        changes = {ORIENTATION: 1, _EXTRA_SAMPLES: 0}
        if photometric == _WHITE_IS_ZERO:
            changes[_PHOTOMETRIC] = _BLACK_IS_ZERO
        content = page.alone(changes)
        image = opencv_decoded(content, cv2.IMREAD_UNCHANGED)
        # OpenCV does not read tiles of few rows or columns from memory, for which libtiff expects another size.
        if image is None and bits == 8 and compression == 1 and _TILE_WIDTH in page.entries:
            if _is_beyond_pillow(page):
                image = _by_tifffile(path, page, compression, in_planes)
            else:
                image = pixels_of(path, pillow_opened(path, content, "TIFF"))
        if image is None or (image.shape[2] if image.ndim == 3 else 1) != samples:
            raise ValueError("OpenCV does not read it")
    else:
        image = _by_tifffile(path, page, compression, in_planes)
    if photometric == _WHITE_IS_ZERO:
        image = np.invert(cast("NDArray[np.uint8]", image))
    return image


def _is_beyond_pillow(page: Directory) -> bool:
    """Whether this is one of the sound files that Pillow takes for damaged."""
    return page.is_big and page.order == ">"


def _by_tifffile(path: Path, page: Directory, compression: int, in_planes: bool) -> NDArray[np.generic]:
    try:
        import tifffile
    except ImportError:
        raise DataError(
            f"{path} is a TIFF that OpenCV does not read: {_layout(page, compression)}. tifffile does: "
            "pip install 'itrans[tiff]'."
        ) from None
    import io
    import logging

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong is raised, too
    try:
        with tifffile.TiffFile(io.BytesIO(page.alone({}))) as file:
            values = np.asarray(file.pages[0].asarray())
    except Exception as error:  # a damaged file can raise nearly anything
        if "imagecodecs" in str(error) or isinstance(error, ImportError):
            raise DataError(
                f"{path} is a TIFF that OpenCV does not read: {_layout(page, compression)}. tifffile does with "
                "imagecodecs: pip install 'itrans[tiff]'."
            ) from error
        raise ValueError(str(error)) from error
    return np.moveaxis(values, 0, 2) if in_planes else values


def _layout(page: Directory, compression: int) -> str:
    samples, bits = page.number(_SAMPLES, 1), page.number(_BITS, 1)
    name = _COMPRESSIONS.get(compression, f"number {compression}")
    planes = ", channel after channel" if page.number(_PLANAR, 1) == 2 else ""
    return f"{samples} channel{'s' if samples > 1 else ''} of {bits} bits, compression {name}{planes}"


def _alpha(page: Directory, samples: int, photometric: int) -> int:
    """Return what kind of alpha the last channel is; 0 for none, or for one that does not say so."""
    colours = 3 if photometric in {_RGB, _YCBCR} else 1
    kinds = page.values(_EXTRA_SAMPLES)
    return int(kinds[0]) if len(kinds) == 1 and samples == colours + 1 else 0


def _straight(image: NDArray[np.generic], alpha: int) -> NDArray[np.generic]:
    """Return a picture with alpha as RGB and alpha, and with the colours that alpha has not darkened."""
    if alpha not in {_ASSOCIATED, _UNASSOCIATED} or image.ndim != 3:
        return image
    colours, opacity = image[:, :, :-1], image[:, :, -1:]
    if alpha == _ASSOCIATED:
        white = 1.0 if image.dtype.kind == "f" else float(np.iinfo(cast("np.dtype[np.uint8]", image.dtype)).max)
        share = np.maximum(opacity.astype(np.float64), np.finfo(np.float32).tiny) / white
        undone = np.minimum(colours.astype(np.float64) / share, white) * (opacity > np.zeros((), image.dtype))
        colours = (undone if image.dtype.kind == "f" else np.rint(undone)).astype(image.dtype)
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    return np.concatenate([colours, opacity], axis=2)


def _refusal(path: Path, what: str, wanted: str) -> DataError:
    return DataError(f"{path} is a TIFF that is not read: {what}. Save it with {wanted}.")
