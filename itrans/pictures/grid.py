"""A grid of samples: source, output and target side by side, one pair a row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.pictures.spec import ImageArray

_MARGIN, _LINE = 4, 18
_SCALES, _SMALLEST = (0.42, 0.38, 0.35), 0.3
"""Of letters; the smallest are for words that would be wider than a column all the same, and may be cut off."""


_LEAST = 96
"""The longer side that a picture is shown in has so many pixels or more; pixels of smaller ones become squares."""


class Row(NamedTuple):
    """A translated pair, as arrays `(H, W, C)` of any kind, and what stands above them."""

    source: ImageArray
    output: ImageArray
    target: ImageArray
    headings: tuple[str, str, str] = ("source", "output", "target")


def grid(rows: Sequence[Row], caption: str = "") -> NDArray[np.uint8]:
    """Return a picture `(H, W, 3)` of some rows under the first one's headings."""
    sides = zip(*((row.source, row.output, row.target) for row in rows), strict=True)
    return table(list(zip(rows[0].headings, sides, strict=True)), None, caption)


def _shown_size(image: ImageArray) -> tuple[int, int]:
    """Return the height and width to show a picture in: its own, or a multiple of it if it is small."""
    height, width = image.shape[:2]
    factor = -(-_LEAST // max(height, width))
    return factor * height, factor * width


def table(
    columns: Sequence[tuple[str, Sequence[ImageArray]]], size: tuple[int, ...] | None = None, caption: str = ""
) -> NDArray[np.uint8]:
    """Return a picture `(H, W, 3)` of columns of pictures under their headings.

    Args:
        columns: at least one; each with its heading and its pictures, from the top, as many as the others have.
        caption: written below.
        size: height and width that every picture is shown in; left out, that of the last column's first, times a whole
            number where a person would see too little.
    """
    height, width = size or _shown_size(columns[-1][1][0])
    headings, scale = _headings([name for name, _ in columns], width)
    top = _LINE * max(map(len, headings))
    full = len(columns) * (width + _MARGIN) + _MARGIN
    caption = caption.encode("utf-8", "replace").decode()  # the name of a folder may be no text
    below = _lines(caption, full - 2 * _MARGIN)
    under = top + len(columns[0][1]) * (height + _MARGIN) + _MARGIN
    canvas = np.full((under + _LINE * len(below), full, 3), 255, np.uint8)
    for column, (lines, (_, images)) in enumerate(zip(headings, columns, strict=True)):
        left = _MARGIN + column * (width + _MARGIN)
        _write(canvas[:, left : left + width], lines, top - _LINE * len(lines), scale)
        for index, image in enumerate(images):
            y = top + index * (height + _MARGIN) + _MARGIN
            canvas[y : y + height, left : left + width] = _thumbnail(image, width, height)
    _write(canvas[:, _MARGIN:], below, under, _SCALES[0])
    return canvas


def colours(image: ImageArray) -> NDArray[np.uint8]:
    """Return any array as `(H, W, 3)` of uint8: grey repeated, of many channels the first three."""
    scale = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}[str(image.dtype)]
    values = np.clip(np.rint(image.astype(np.float32) * scale), 0, 255).astype(np.uint8)
    return values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)


def _thumbnail(image: ImageArray, width: int, height: int) -> NDArray[np.uint8]:
    """Return any array as `(height, width, 3)` of uint8."""
    values: NDArray[Any] = colours(image)
    if height % values.shape[0] == 0 and width % values.shape[1] == 0:
        values = values.repeat(height // values.shape[0], axis=0).repeat(width // values.shape[1], axis=1)
    else:
        values = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
    return np.asarray(values, np.uint8)


def _write(canvas: NDArray[np.uint8], lines: Sequence[str], top: int, scale: float) -> None:
    for number, line in enumerate(lines, start=1):
        where = 0, top + _LINE * number - 5
        cv2.putText(canvas, line, where, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)


def _headings(names: Sequence[str], width: int) -> tuple[list[list[str]], float]:
    """Return headings as lines no wider than some pixels, and the scale of their letters.

    Letters become smaller before a heading is broken.
    """
    for scale in _SCALES:
        if all(_width(name, scale) <= width for name in names):
            return [[name] for name in names], scale
    broken = [_lines(name, width) for name in names]
    scales = (scale for scale in _SCALES if all(_width(line, scale) <= width for lines in broken for line in lines))
    return broken, next(scales, _SMALLEST)


def _width(text: str, scale: float) -> int:
    (drawn, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    return int(drawn)


def _lines(text: str, width: int) -> list[str]:
    """Return a text in lines no wider than some pixels, as far as its words are not; `_` and `-` may end a line."""
    lines: list[str] = []
    for word in re.findall(r"[_-]*[^\s_-]+[_-]*\s*|[_-]+\s*", text):
        longer = f"{lines[-1]}{word}" if lines else word
        if lines and _width(longer.rstrip(), _SCALES[0]) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line.rstrip() for line in lines]
