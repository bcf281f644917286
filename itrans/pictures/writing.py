"""Writing pictures in the format of a suffix, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans.errors import OutputError, counted
from itrans.files import replacing
from itrans.pictures.metadata import with_metadata

if TYPE_CHECKING:
    import os

    from itrans.pictures.metadata import Metadata
    from itrans.pictures.spec import ImageArray

WRITABLE = {
    ".png": ("uint8", "uint16"),
    ".jpg": ("uint8",),
    ".jpeg": ("uint8",),
    ".bmp": ("uint8",),
    ".webp": ("uint8",),
    ".tif": ("uint8", "uint16", "float32"),
    ".tiff": ("uint8", "uint16", "float32"),
    ".npy": ("uint8", "uint16", "float32"),
}
"""The types of pixels that a format holds, by its suffix in lower case."""

_CHANNELS = {".npy": None, ".tif": (1, 3, 4), ".tiff": (1, 3, 4), ".png": (1, 3, 4), ".webp": (3, 4)}
"""The channel counts that a format can hold: None for any, grey and RGB where nothing is said."""


def write_image(path: str | os.PathLike[str], image: ImageArray, metadata: Metadata | None = None) -> set[str]:
    """Write a picture in the format of its suffix, whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        image: `(H, W, C)`, RGB or RGBA or grey. Formats differ in what they hold: uint16 needs PNG, TIFF or `.npy`,
            float32 needs TIFF or `.npy`, other channel counts than 1, 3 and 4 need `.npy`.
        metadata: what travels with it.

    Returns:
        The names of the metadata for which the format has no room.

    Raises:
        OutputError: the file cannot be written, or its format cannot hold the picture.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise OutputError(f'{path} cannot be written: "{path.suffix}" is none of {", ".join(sorted(WRITABLE))}.')
    if image.ndim != 3:
        raise OutputError(f"{path} cannot be written: {image.shape} is not (height, width, channels).")
    if not holds(suffix, image.shape[2], image.dtype.name):
        raise OutputError(
            f"{path} cannot be written: {suffix} does not hold {counted(image.shape[2], 'channel')} of "
            f"{image.dtype}; .npy does."
        )
    content, lost = encode_image(image, suffix, str(path)), set[str]()
    if metadata is not None:
        content, lost = with_metadata(content, suffix, metadata.for_channels(image.shape[2]))
    with replacing(path) as file:
        file.write(content)
    return lost


def holds(suffix: str, channels: int, dtype: str | None = None) -> bool:
    """Return whether a format holds so many channels of a type; of any type, if nothing is said."""
    held = _CHANNELS.get(suffix, (1, 3))
    return (dtype is None or dtype in WRITABLE[suffix]) and (held is None or channels in held)


def encode_image(image: ImageArray, suffix: str = ".png", name: str = "The picture") -> bytes:
    """Return a picture as the bytes of a file; it is one that the format holds. `name` is for messages.

    Raises:
        OutputError: it cannot be encoded.
    """
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, image, allow_pickle=False)
        return buffer.getvalue()
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(image.shape[2])
    try:
        stored = image if order is None else cv2.cvtColor(image, order)
        done, encoded = cv2.imencode(suffix, stored)
    except cv2.error as error:
        raise OutputError(f"{name} cannot be written: {error}") from error
    if not done:
        raise OutputError(f"{name} cannot be written as {suffix}.")
    return encoded.tobytes()
