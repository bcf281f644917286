"""Label maps from files: class indices, as they are stored, beside whatever colours or brightness show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from itrans.errors import DataError
from itrans.pictures.decoders import load, pillow_opened, turned_upright
from itrans.pictures.decoding import format_of, stored_greys
from itrans.pictures.images import content_of, load_array, read_image, with_channels
from itrans.pictures.png import read_png
from itrans.pictures.tiff import stored_indices

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from itrans.pictures.spec import ImageArray

_MOST = 65535
_ARTICLES = {"JPEG": "a JPEG", "AVIF": "an AVIF"}


def read_label_map(path: str | os.PathLike[str]) -> ImageArray:
    """Read a label map, `(H, W, C)`: the values that the file has, not what shows them.

    Of a picture with a palette these are the indices, not the colours; of grey of few bits, or of a few values in a
    PGM, they are the numbers themselves, not brightness. An `.npy` file may hold whole numbers of any type, and truth
    values, if they are from 0 to 65535; they become uint8 or uint16. Of any other file it is the picture itself; see
    `read_image`.

    Raises:
        DataError: it cannot be read, was compressed with losses, or has a value that is no class.
    """
    path = Path(path)
    content = content_of(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        array = load_array(path, content)
        if array.dtype.kind not in "bui":
            raise DataError(
                f"{path} has values of {array.dtype}; classes are whole numbers. Save them as such, as "
                "array.astype(np.uint8) makes them."
            )
        return _indices(path, array)
    format_ = format_of(content, suffix)
    if format_ in {"JPEG", "AVIF"}:
        raise DataError(
            f"{path} is {_ARTICLES[format_]}, which blurs the values of a label map. Save label maps as PNG."
        )
    values: NDArray[np.uint8] | None = None
    if format_ == "PNG":
        png = read_png(path, content)
        if png.has_few_bits:
            values = _stored_values(path, pillow_opened(path, png.bare, format_), png.depth)
            values = cast("NDArray[np.uint8]", turned_upright(values, png.orientation))
    elif format_ == "TIFF":
        values = stored_indices(path, content)
    elif format_ == "PPM":
        values = stored_greys(path, content)
    elif format_ in {"GIF", "BMP"}:
        image = pillow_opened(path, content, format_)
        if image.mode in {"P", "1"} and getattr(image, "n_frames", 1) == 1:
            values = _stored_values(path, image, 1)
    if values is None:
        return read_image(path)
    return cast("ImageArray", np.ascontiguousarray(values)[:, :, None])


def _stored_values(path: Path, image: ImageFile, depth: int) -> NDArray[np.uint8]:
    """Return the values of a picture that Pillow has opened, `(H, W)`: indices, or grey of so many bits."""
    load(path, image)
    values = np.asarray(image, np.uint8)
    # Pillow stretches grey of 2 and 4 bits to the full range.
    return values // np.uint8(255 // (2**depth - 1)) if image.mode == "L" else values


def _indices(path: Path, array: NDArray[np.generic]) -> ImageArray:
    """Return an array of whole numbers as uint8 or uint16, `(H, W, C)`."""
    values = cast("NDArray[np.int64]", with_channels(path, array))
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _MOST:
        raise DataError(
            f"{path} has the value {low if low < 0 else high}; classes are whole numbers from 0 to {_MOST}. "
            "Where there is no class, store a value such as 255, which the data set can be told to ignore."
        )
    kept = array.dtype if array.dtype in (np.uint8, np.uint16) else np.dtype(np.uint8 if high < 256 else np.uint16)
    return cast("ImageArray", np.ascontiguousarray(values, kept.newbyteorder("=")))
