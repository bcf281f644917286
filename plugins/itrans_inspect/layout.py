"""Where a figure of a generator has its blocks, arrows and labels: the U of Ronneberger et al. (arXiv 1505.04597).

Stages go from left to right, and each size has a row of its own, so that an encoder-decoder is a U. Skip connections
lie within their rows. A structure without sizes is one row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from itrans_inspect.drawing import Box, Drawing, Line, Shape, Text
from itrans_inspect.stages import Skip, Stage, Structure

_MARGIN, _TITLE, _GAP, _LINE = 24.0, 30.0, 26.0, 15.0
_ENDS, _ENCODER, _BOTTLENECK, _DECODER = "#d9d9d9", "#a9cbea", "#c9b3dd", "#f7cb94"
_OUTLINE, _GREY = "#444444", "#666666"
_DOWN, _UP, _LEVEL, _SKIP = "#c0392b", "#2e8b57", "#444444", "#2a66a8"


@dataclass(frozen=True)
class _Block:
    """A stage and its place."""

    stage: Stage
    x: float
    y: float
    width: float
    height: float
    row: int
    labels: tuple[Text, ...]

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> float:
        return self.x + self.width / 2

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def layout(structure: Structure, title: str) -> Drawing:
    """Return the drawing of a structure: a pure function, the same for every format."""
    blocks = _places(structure.stages)
    heading = Text(_MARGIN, _MARGIN + 6, title, 15, "start", bold=True)
    shapes: list[Shape] = [heading]
    shapes += _skip_lines(structure.skips, blocks)
    steps = [_step(before, after) for before, after in pairwise(blocks)]
    shapes += steps
    for block, fill in zip(blocks, _fills(structure.stages), strict=True):
        shapes += [*_boxes(block, fill), *block.labels]
    width = max(block.right for block in blocks) + _MARGIN + 24
    note = Text(_MARGIN, 0, _scale_note(structure), 11, "start", colour=_GREY)
    width = max(width, heading.width + 2 * _MARGIN, note.width + 2 * _MARGIN)
    bottom = max(block.bottom for block in blocks) + _MARGIN + 10
    legend, bottom = _legend(structure, steps, bottom, width)
    note = replace(note, y=bottom + 28)
    return Drawing(math.ceil(width), math.ceil(note.y + _MARGIN / 2), [*shapes, *legend, note], title)


def _places(stages: Sequence[Stage]) -> list[_Block]:
    sizes = sorted({stage.size or (1, 1) for stage in stages}, key=lambda size: (-size[0] * size[1], size))
    heights = [max(_height(stage) for stage in stages if (stage.size or (1, 1)) == size) for size in sizes]
    lines = [max(len(_labels(stage)) for stage in stages if (stage.size or (1, 1)) == size) for size in sizes]
    tops, y = [], _MARGIN + _TITLE
    for height, count in zip(heights, lines, strict=True):
        y += count * _LINE + 14
        tops.append(y)
        y += height
    blocks: list[_Block] = []
    for stage in stages:
        row = sizes.index(stage.size or (1, 1))
        width, height, texts = _width(stage), _height(stage), _labels(stage)
        half = max(Text(0, 0, text, 11).width for text in texts) / 2
        x = _MARGIN + max(0.0, half - width / 2)
        if blocks:
            last = blocks[-1]
            last_half = max(text.width for text in last.labels) / 2
            # The arrow between two blocks goes up or down at the centre of one of them, past the other one's labels.
            apart = max(half, last_half) + 12 if row != last.row else half + last_half + 16
            x = max(last.right + _GAP, last.centre + apart - width / 2)
        y = tops[row] + (heights[row] - height) / 2
        labels = tuple(
            Text(x + width / 2, y - 6 - _LINE * place, text, 12 if place == 0 else 11, bold=place == 0,
                 colour="#222222" if place == 0 else _GREY)
            for place, text in enumerate(texts)
        )  # fmt: skip
        blocks.append(_Block(stage, x, y, width, height, row, labels))
    return blocks


def _width(stage: Stage) -> float:
    return 8 + 6 * math.log2(stage.channels + 1)


def _height(stage: Stage) -> float:
    if stage.size is None:
        return 20 + 10 * math.log2(stage.channels + 1)
    return 14 + 10 * math.log2(stage.size[0] * stage.size[1]) / 2


def _labels(stage: Stage) -> list[str]:
    """Return what stands above a block, the lowest line first."""
    lines = [str(stage.channels)]
    if stage.size is not None:
        lines.append(f"{stage.size[0]}x{stage.size[1]}")
    if stage.convolutions > 1:
        lines.append(f"{stage.convolutions} convs")
    return lines


def _fills(stages: Sequence[Stage]) -> list[str]:
    """Return the blocks' colours: what comes before the smallest stage is the encoder, what comes after the decoder."""
    area = [stage.size[0] * stage.size[1] if stage.size else 1 for stage in stages]
    if min(area) == max(area):
        return [_ENCODER] * len(stages)
    low = area.index(min(area))
    found = [_ENCODER if i < low else _BOTTLENECK if i == low else _DECODER for i in range(len(stages))]
    if not stages[0].operation:
        found[0] = _ENDS
    found[-1] = _ENDS if low < len(stages) - 1 else found[-1]
    return found


def _boxes(block: _Block, fill: str) -> list[Shape]:
    if not block.stage.copied:
        return [Box(block.x, block.y, block.width, block.height, fill, _OUTLINE)]
    copied = block.width * block.stage.copied / block.stage.channels
    return [
        Box(block.x, block.y, copied, block.height, _ENCODER, _OUTLINE),
        Box(block.x + copied, block.y, block.width - copied, block.height, fill, _OUTLINE),
    ]


def _step(before: _Block, after: _Block) -> Line:
    """Return the arrow from a stage to the next one: down and then in, or out and then up."""
    if after.row > before.row:
        points = [(before.centre, before.bottom), (before.centre, after.middle), (after.x, after.middle)]
        return Line(points, _DOWN)
    if after.row < before.row:
        points = [(before.right, before.middle), (after.centre, before.middle), (after.centre, after.bottom)]
        return Line(points, _UP)
    return Line([(before.right, before.middle), (after.x, after.middle)], _LEVEL)


def _skip_lines(skips: Sequence[Skip], blocks: Sequence[_Block]) -> list[Line]:
    lines: list[Line] = []
    for skip in skips:
        start, end = blocks[skip.start], blocks[skip.end]
        dashed = skip.convolutions > 0
        between = [block for block in blocks[skip.start + 1 : skip.end] if block.row == start.row]
        # Several may share a block: each has a height of its own at either end.
        out = sum(other.start == skip.start and other.end > skip.end for other in skips)
        into = sum(other.end == skip.end for other in skips[: skips.index(skip)])
        y0 = start.middle + min(12.0 * out, start.height / 2 - 4)
        y1 = end.middle + min(12.0 * into, end.height / 2 - 4)
        if end.row == start.row and not between:
            y = start.middle + min(12.0 * max(out, into), start.height / 2 - 4)
            points = [(start.right, y), (end.x, y)]
        elif end.row == start.row:
            low = max(block.bottom for block in (start, end, *between)) + 8 + 5 * out
            x0, x1 = start.right - start.width / 4, end.x + end.width / 4
            points = [(x0, start.bottom), (x0, low), (x1, low), (x1, end.bottom)]
        else:
            turn = end.x - 14 - 6 * into
            points = [(start.right, y0), (turn, y0), (turn, y1), (end.x, y1)]
        lines.append(Line(points, _SKIP, dashed))
    return lines


def _legend(structure: Structure, steps: Sequence[Line], top: float, width: float) -> tuple[list[Shape], float]:
    """Return the legend's shapes and where it ends: a sample of every kind of arrow, from left to right."""
    entries: dict[tuple[str, str, bool], None] = {}
    for stage, step in zip(structure.stages[1:], steps, strict=True):
        entries[step.colour, stage.operation, False] = None
    kinds = {"concatenation": "concatenation", "sum": "addition"}
    for skip in structure.skips:
        through = f"through {skip.convolutions} conv{'s' * (skip.convolutions > 1)}, " if skip.convolutions else ""
        entries[_SKIP, f"skip connection: {through}{kinds[skip.kind]}", skip.convolutions > 0] = None
    shapes: list[Shape] = []
    x, y = _MARGIN, top
    for colour, words, dashed in entries:
        text = Text(x + 38, y + 4, words, 12, "start")
        if x > _MARGIN and x + 38 + text.width > width - _MARGIN:
            x, y = _MARGIN, y + 22
            text = Text(x + 38, y + 4, words, 12, "start")
        shapes += [Line([(x, y), (x + 30, y)], colour, dashed), text]
        x += 38 + text.width + 24
    return shapes, y


def _scale_note(structure: Structure) -> str:
    if structure.stages[0].size is None:
        return "Above each block: how many values it puts out; blocks grow with their logarithm."
    return "Above each block: channels, height by width. Blocks grow with the logarithms of both."
