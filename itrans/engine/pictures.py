"""A grid of samples: source, output and target side by side, one pair a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from itrans.data.colour import with_ab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.protocols import ImageArray, ImageSpec

_MARGIN, _LINE, _SCALE = 4, 18, 0.42


class Row(NamedTuple):
    """A translated pair, as arrays `(H, W, C)` of any kind, and what stands above them."""

    source: ImageArray
    output: ImageArray
    target: ImageArray
    headings: tuple[str, str, str] = ("source", "output", "target")


def shown_as(images: Sequence[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray]) -> Sequence[ImageArray]:
    """Return pictures as people look at them: label maps in colours, the a and b of Lab on their sources' lightness.

    Args:
        images: `(H, W, C)` as stored.
        spec: what they are.
        sources: what they were made from.
    """
    if spec.kind == "labels":
        colours = class_colours(spec.planes)
        return [colours[np.minimum(image[..., 0], spec.planes)] for image in images]
    if spec.kind == "ab" and sources[0].shape[2] == 1:
        return [with_ab(source, image) for source, image in zip(sources, images, strict=True)]
    return images


def class_colours(classes: int) -> NDArray[np.uint8]:
    """Return an RGB colour for each class, `(classes + 1, 3)`: hues far from one another; black, the last, is none."""
    hues = np.arange(classes) * 0.618034 % 1.0  # steps of the golden ratio never come back near an earlier hue
    hsv = np.stack([hues * 179, 110 + 90 * (np.arange(classes) % 2), 235 - 60 * (np.arange(classes) % 3 == 2)], axis=1)
    rgb = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    return np.concatenate([rgb, np.zeros((1, 3), np.uint8)])


def grid(rows: Sequence[Row], caption: str = "") -> NDArray[np.uint8]:
    """Return a picture `(H, W, 3)` of some rows under the first one's headings.

    Args:
        rows: at least one; larger pictures are scaled down to the first row's size.
        caption: written below, for example what the pictures stand in for.
    """
    height, width = rows[0].target.shape[:2]
    lines = _wrapped(caption, 3 * (width + _MARGIN) + _MARGIN)
    total_height = _LINE + len(rows) * (height + _MARGIN) + _MARGIN + _LINE * len(lines)
    canvas = np.full((total_height, 3 * (width + _MARGIN) + _MARGIN, 3), 255, np.uint8)
    for column, heading in enumerate(rows[0].headings):
        left = _MARGIN + column * (width + _MARGIN)
        _write(canvas, heading, left, _LINE - 5)
        for index, row in enumerate(rows):
            top = _LINE + index * (height + _MARGIN) + _MARGIN
            canvas[top : top + height, left : left + width] = _shown(row[:3][column], width, height)
    for number, line in enumerate(lines):
        _write(canvas, line, _MARGIN, total_height - _LINE * (len(lines) - number) + _LINE - 6)
    return canvas


def _shown(image: ImageArray, width: int, height: int) -> NDArray[np.uint8]:
    """Return any array as `(height, width, 3)` of uint8: grey repeated, of many channels the first three."""
    scale = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}[str(image.dtype)]
    values = np.clip(np.rint(image.astype(np.float32) * scale), 0, 255).astype(np.uint8)
    values = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    if values.shape[:2] != (height, width):
        values = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
    return np.asarray(values, np.uint8)


def _write(canvas: NDArray[np.uint8], text: str, left: int, baseline: int) -> None:
    cv2.putText(canvas, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, _SCALE, (0, 0, 0), 1, cv2.LINE_AA)


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        (drawn, _), _ = cv2.getTextSize(longer, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, 1)
        if lines and drawn <= width - 2 * _MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
