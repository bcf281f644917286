"""A drawing as pixels, by OpenCV."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from itrans_inspect.drawing import Box, Drawing, Line, Point, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SCALE = 2
"""Pixels for each of the drawing's, so that texts are crisp on fine screens."""

_FINER = 2
"""By how much it is drawn larger still, and scaled down, for smooth edges."""

_DASH, _GAP = 6.0, 4.0


def pixels(drawing: Drawing) -> NDArray[np.uint8]:
    """Return a drawing as an RGB picture `(H, W, 3)`, with two pixels for each of its own."""
    factor = _SCALE * _FINER
    canvas = np.full((round(drawing.height * factor), round(drawing.width * factor), 3), 255, np.uint8)
    for shape in drawing.shapes:
        if isinstance(shape, Box):
            corners = _scaled([(shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)], factor)
            start, end = (tuple(corner) for corner in corners.tolist())
            cv2.rectangle(canvas, start, end, rgb(shape.fill), -1)
            cv2.rectangle(canvas, start, end, rgb(shape.stroke), factor)
        elif isinstance(shape, Line):
            thickness = round(shape.width * factor)
            for part in _dashes(shape.shaft()) if shape.dashed else [shape.shaft()]:
                cv2.polylines(canvas, [_scaled(part, factor)], False, rgb(shape.colour), thickness)
            if shape.arrow:
                cv2.fillPoly(canvas, [_scaled(shape.head(), factor)], rgb(shape.colour))
    size = round(drawing.width * _SCALE), round(drawing.height * _SCALE)
    shrunk = np.ascontiguousarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    for shape in drawing.shapes:
        if isinstance(shape, Text):
            write(shrunk, shape, _SCALE)
    return shrunk


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the values of a colour `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def write(canvas: NDArray[np.uint8], text: Text, factor: float = 1.0) -> None:
    """Write a text into an RGB picture that has `factor` pixels for each of the drawing's."""
    face: Any = getattr(cv2, "FontFace", None)  # OpenCV 5 brings outline fonts; before, there are strokes alone
    module: Any = cv2
    if face is not None:
        words, sans = text.typeset, face("sans")
        size, weight = round(text.size * factor), 700 if text.bold else 400
        _, _, width, _ = module.getTextSize((0, 0), words, (0, 0), sans, size, weight)
        module.putText(canvas, words, _origin(text, width, factor), rgb(text.colour), sans, size, weight)
        return
    scale, thickness = text.size * factor / 30, round(factor) + text.bold
    (width, _), _ = cv2.getTextSize(text.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    place = _origin(text, width, factor)
    cv2.putText(canvas, text.text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, rgb(text.colour), thickness, cv2.LINE_AA)


def _origin(text: Text, width: int, factor: float) -> tuple[int, int]:
    """Return where a text of some width begins, on its baseline."""
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    return round(text.x * factor - share * width), round(text.y * factor)


def _scaled(points: Sequence[Point], factor: int) -> NDArray[np.int32]:
    return np.asarray(np.rint(np.asarray(points) * factor), np.int32)


def _dashes(points: Sequence[Point]) -> list[list[Point]]:
    found: list[list[Point]] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = max(abs(x1 - x0), abs(y1 - y0), 1e-6)
        for start in np.arange(0.0, length, _DASH + _GAP):
            near, far = start / length, min(start + _DASH, length) / length
            found.append([(x0 + (x1 - x0) * near, y0 + (y1 - y0) * near), (x0 + (x1 - x0) * far, y0 + (y1 - y0) * far)])
    return found
