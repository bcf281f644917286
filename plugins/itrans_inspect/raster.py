"""A drawing as pixels."""

from __future__ import annotations

import tempfile
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import resvg_py
from PIL import Image, ImageFont

from itrans.api import PluginError
from itrans_inspect.drawing import Drawing, svg

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pixels(drawing: Drawing, scale: int = 2) -> NDArray[np.uint8]:
    """Return a drawing as an RGB picture `(H, W, 3)`.

    Args:
        drawing: what is drawn.
        scale: pixels for each of the drawing's: with two of them, texts are crisp on fine screens.
    """
    with tempfile.NamedTemporaryFile(suffix=".ttf") as file:
        # where the system has none of the fonts that a drawing names, that of Pillow takes their place
        font = ImageFont.load_default(12)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise PluginError("Pillow is installed without FreeType, which letters in a .png need; a .svg needs none.")
        file.write(font.font_bytes)
        file.flush()
        png = resvg_py.svg_to_bytes(
            svg_string=svg(drawing), zoom=scale, font_files=[file.name], sans_serif_family=font.getname()[0]
        )
    return np.asarray(Image.open(BytesIO(bytes(png))).convert("RGB"))


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the values of a colour `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
