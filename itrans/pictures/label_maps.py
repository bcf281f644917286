"""Label maps from files: class indices, as they are stored, beside whatever colours or brightness show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from itrans.errors import DataError
from itrans.pictures.decoders import pillow_opened, stored_values, upright
from itrans.pictures.decoding import format_of, stored_greys
from itrans.pictures.images import content_of, load_array, read_image, with_channels
from itrans.pictures.png import read_png
from itrans.pictures.tiff import stored_indices

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from itrans.pictures.spec import ImageArray

_MOST = 65535
_BLURRED = {"JPEG": "a JPEG", "AVIF": "an AVIF"}


def read_label_map(path: str | os.PathLike[str], content: bytes | None = None) -> ImageArray:
    """Read a label map, `(H, W, C)`: the values that the file has, not what shows them.

    Of a picture with a palette these are the indices, not the colours; of grey of few bits, or of a few values in a
    PGM, they are the numbers themselves, not brightness. An `.npy` file may hold whole numbers of any type, and truth
    values, if they are from 0 to 65535; they become uint8 or uint16. Of any other file it is the picture itself; see
    `read_image`.

    Args:
        path: a file.
        content: what is in it, for one that lies in an archive; see `read_image`.

    Raises:
        DataError: it cannot be read, was compressed with losses, or has a value that is no class.
    """
    path = Path(path)
    content = content_of(path, content)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        array = load_array(path, content)
        if array.dtype.kind not in "bui":
            raise DataError(
                f"{path} has values of {array.dtype}; classes are whole numbers. Save them so: array.astype(np.uint8)."
            )
        return _indices(path, array)
    format_ = format_of(content, suffix)
    if what := _BLURRED.get(format_):
        raise DataError(f"{path} is {what}, which blurs the values of a label map. Save label maps as PNG.")
    values: NDArray[np.uint8] | None = None
    if format_ == "PNG":
        png = read_png(path, content)
        if png.has_few_bits:
            values = stored_values(path, pillow_opened(path, png.bare, format_), png.depth)
            values = cast("NDArray[np.uint8]", upright(values, png.orientation))
    elif format_ == "TIFF":
        values = stored_indices(path, content)
    elif format_ == "PPM":
        values = stored_greys(path, content)
    elif format_ in {"GIF", "BMP"}:
        image = pillow_opened(path, content, format_)
        if image.mode in {"P", "1"} and getattr(image, "n_frames", 1) == 1:
            values = stored_values(path, image, 1)
    if values is None:
        return read_image(path, content)
    return cast("ImageArray", np.ascontiguousarray(values)[:, :, None])


def _indices(path: Path, array: NDArray[np.generic]) -> ImageArray:
    """Return an array of whole numbers as uint8 or uint16, `(H, W, C)`."""
    values = cast("NDArray[np.int64]", with_channels(path, array))
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _MOST:
        raise DataError(
            f"{path} has the value {low if low < 0 else high}; classes are whole numbers from 0 to {_MOST}. "
            "Where there is no class, store a value such as 255, and let the data set ignore it."
        )
    dtype = array.dtype if array.dtype in (np.uint8, np.uint16) else np.dtype(np.uint8 if high < 256 else np.uint16)
    return cast("ImageArray", np.ascontiguousarray(values, dtype.newbyteorder("=")))
