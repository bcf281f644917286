"""A discriminator's patches, drawn on a picture: the square that one logit judges, and where all logits look."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans.api import as_channels, kind_of
from itrans_inspect.drawing import Drawing, Text
from itrans_inspect.raster import pixels, rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.api import Dataset
    from itrans_inspect.fields import Field

_COLOURS = ("#e6194b", "#1565c0", "#2e7d32", "#ef6c00", "#6a1b9a", "#00838f")
_DOT, _RIM = "#222222", "#ffffff"
"""A rim lets dots be seen on whatever the picture shows."""

_SHOWN = 768
"""About how wide the drawing is, whatever the picture's size."""

_APART = 16
"""How many pixels of the drawing are between two dots at least."""


def sample_picture(dataset: Dataset | None, size: int) -> NDArray[np.uint8]:
    """Return a target of a data set, or a drawn test card where there is none, as RGB `(size, size, 3)`."""
    if dataset is None:
        return _test_card(size)
    pair = dataset[len(dataset) // 2]
    shown = kind_of(dataset.target).shown([pair.target], dataset.target, [pair.source])[0]
    if shown.dtype != np.uint8:
        white = 65535.0 if shown.dtype == np.uint16 else 1.0
        shown = np.rint(shown.astype(np.float32) * (255 / white)).astype(np.uint8)
    if shown.shape[2] not in {1, 3, 4}:
        shown = shown[..., :1]
    coloured = as_channels(shown, 3)
    return np.asarray(cv2.resize(coloured, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _test_card(size: int) -> NDArray[np.uint8]:
    """Return circles and stripes on a gradient: edges of all directions."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    ground = np.stack([200 - 60 * rows, 205 - 50 * columns, 190 + 40 * rows], axis=2)
    rings = np.sin(np.hypot(rows - 0.5, columns - 0.5) * 60) > 0.3
    stripes = (np.abs(rows - 0.5) > 0.36) & (np.sin(columns * 80) > 0)
    ground[rings & (np.hypot(rows - 0.5, columns - 0.5) < 0.32)] = (90, 120, 160)
    ground[stripes] = (110, 100, 95)
    return ground.clip(0, 255).astype(np.uint8)


def patch_picture(picture: NDArray[np.uint8], fields: Sequence[Field], caption: str = "") -> NDArray[np.uint8]:
    """Return a picture with the patch of a central logit outlined, and dots at the centres of all patches.

    Args:
        picture: RGB `(size, size, 3)`.
        fields: of the discriminator's maps of logits; each has a colour of its own, the dots are the first one's.
        caption: written below, for example where the picture is from.
    """
    size = len(picture)
    factor = max(1, round(_SHOWN / size))
    large = np.asarray(cv2.resize(picture, (size * factor, size * factor), interpolation=cv2.INTER_CUBIC), np.uint8)
    canvas = np.asarray(large // 2 + 127, np.uint8)  # paler, so that the lines stand out
    centre = fields[0].logits // 2
    low, high = _patch(fields[0], centre, size)
    inside = slice(round(max(low, 0) * factor), round(min(high, size) * factor))
    canvas[inside, inside] = large[inside, inside]
    step = _every(fields[0], factor)
    places = range(centre % step, fields[0].logits, step)
    middles = [round(sum(_patch(fields[0], place, size)) / 2 * factor) for place in places]
    for y in middles:
        for x in middles:
            for radius, colour in ((max(3, factor + 1), _RIM), (max(2, factor - 1), _DOT)):
                cv2.circle(canvas, (x, y), radius, rgb(colour), -1, cv2.LINE_AA)
    lines: list[tuple[str, str]] = []
    for number, field in enumerate(fields):
        colour = _COLOURS[number % len(_COLOURS)]
        low, high = _patch(field, field.logits // 2, size)
        start, end = round(low * factor), round(high * factor) - 1
        cv2.rectangle(canvas, (start, start), (end, end), rgb(colour), 2 + factor // 2, cv2.LINE_AA)
        lines.append((colour, _caption(field)))
    if step > 1:
        lines[0] = (lines[0][0], f"{lines[0][1]}; of their centres, {len(middles)}x{len(middles)} are shown")
    return _with_texts(canvas, lines, caption)


def _patch(field: Field, place: int, size: int) -> tuple[float, float]:
    """Return where the patch of a logit begins and ends, in pixels."""
    if field.width is None:
        return 0.0, float(size)
    low = field.origin + place * field.spacing
    return low, low + field.width


def _every(field: Field, factor: int) -> int:
    """Return how many logits further the next dot is, so that dots do not touch."""
    return max(1, -int(-_APART // (field.spacing * factor)))


def _caption(field: Field) -> str:
    patch = "the whole picture" if field.width is None else f"{field.width}x{field.width} pixels"
    return f"one of {field.logits}x{field.logits} logits sees {patch}"


def _with_texts(canvas: NDArray[np.uint8], lines: Sequence[tuple[str, str]], caption: str) -> NDArray[np.uint8]:
    """Return the picture with coloured lines and a caption below."""
    width = canvas.shape[1]
    texts = [Text(8, 0, words, 18, "start", bold=True, colour=colour) for colour, words in lines]
    words = caption.split()
    while words:
        line = words.pop(0)
        while words and Text(8, 0, f"{line} {words[0]}", 13, "start").width < width - 16:
            line += f" {words.pop(0)}"
        texts.append(Text(8, 0, line, 13, "start", colour="#555555"))
    y, placed = 4.0, []
    for text in texts:
        y += round(text.size) + 8
        placed.append(replace(text, y=y - 6))
    return np.concatenate([canvas, pixels(Drawing(width, y + 4, placed, ""), scale=1)])
