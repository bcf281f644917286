"""Pictures as texts that a page can hold: small files, as data URIs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUALITY, _EFFORT = 85, 2
"""Of WebP. With more effort a picture takes twice the time and is a tenth smaller."""

_FEW_PIXELS = 96 * 96
"""Pictures of so many pixels or fewer are kept as they are: to squeeze them saves little and would be seen."""


def web_picture(image: NDArray[np.uint8], most_pixels: int) -> bytes:
    """Return a picture `(H, W, 3)` as a file for browsers, made smaller if it has more pixels."""
    from PIL import Image  # not needed before the first grid

    picture = Image.fromarray(np.ascontiguousarray(image))
    width, height = picture.size
    if width * height > most_pixels:
        scale = (most_pixels / (width * height)) ** 0.5
        picture = picture.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.BOX)
    buffer = io.BytesIO()
    if width * height <= _FEW_PIXELS:
        picture.save(buffer, "PNG", compress_level=6)
    else:
        picture.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    return buffer.getvalue()


def data_uri(content: bytes) -> str:
    """Return a file that `web_picture` has made as an address that holds all of it."""
    kind = "png" if content.startswith(b"\x89PNG") else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
