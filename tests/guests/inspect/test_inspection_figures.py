from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest

from itrans_inspect.drawing import Box, Drawing, Line, Text, svg
from itrans_inspect.fields import Field
from itrans_inspect.layout import layout
from itrans_inspect.patches import patch_picture
from itrans_inspect.raster import pixels, rgb
from itrans_inspect.stages import Skip, Stage, Structure


def u_net(depth: int) -> Structure:
    """A U-Net's structure: the source, `depth` stages down, and as many up."""
    sizes = [2 ** (depth - level) for level in range(depth + 1)]
    widths = [3, *(min(64 * 2**level, 512) for level in range(depth))]
    down = [Stage((s, s), c, "conv" if s < sizes[0] else "") for s, c in zip(sizes, widths, strict=True)]
    up = [Stage((s, s), 2 * c, "up", copied=c) for s, c in zip(sizes[-2:0:-1], widths[-2:0:-1], strict=True)]
    skips = [Skip(level, 2 * depth - level, "concatenation") for level in range(1, depth)]
    return Structure([*down, *up, Stage((sizes[0], sizes[0]), 3, "up")], skips)


CHAIN = Structure([Stage(None, 5, "Linear"), Stage(None, 7, "Linear"), Stage(None, 48, "Linear")], [])
ACROSS = Structure(
    [Stage((64, 64), 3), Stage((32, 32), 8, "a"), Stage((64, 64), 8, "b"), Stage((64, 64), 3, "c")],
    [Skip(0, 2, "sum", 2), Skip(0, 3, "concatenation"), Skip(1, 3, "concatenation")],
)
STRUCTURES = [u_net(2), u_net(7), u_net(8), u_net(12), CHAIN, ACROSS]


def extent(shape: Box | Text) -> tuple[float, float, float, float]:
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    left = shape.x - shape.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
    return left, shape.y - 0.75 * shape.size, left + shape.width, shape.y + 0.2 * shape.size


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return min(one[2], other[2]) - max(one[0], other[0]) > 0.01 and min(one[3], other[3]) - max(one[1], other[1]) > 0.01


@pytest.mark.parametrize("structure", STRUCTURES, ids=["2", "7", "8", "12", "chain", "across"])
def test_nothing_is_written_over_anything_and_all_is_on_the_sheet(structure):
    drawing = layout(structure, "generator (Net): 1 parameters")
    shapes = [shape for shape in drawing.shapes if not isinstance(shape, Line)]
    for one, other in combinations(shapes, 2):
        assert not meet(extent(one), extent(other)), (one, other)
    for shape in shapes:
        left, top, right, bottom = extent(shape)
        assert left >= 0, shape
        assert top >= 0, shape
        assert right <= drawing.width, shape
        assert bottom <= drawing.height, shape


@pytest.mark.parametrize("structure", STRUCTURES[:4], ids=["2", "7", "8", "12"])
def test_no_arrow_of_a_u_crosses_a_label_or_a_block(structure):
    drawing = layout(structure, "generator")
    shapes = [shape for shape in drawing.shapes if not isinstance(shape, Line)]
    for line in (shape for shape in drawing.shapes if isinstance(shape, Line)):
        for (x0, y0), (x1, y1) in zip(line.points, line.points[1:], strict=False):
            span = (min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1) + 1, max(y0, y1) + 1)
            inner = tuple(v + d for v, d in zip(span, (2, 2, -2, -2), strict=True))
            for shape in shapes:
                assert not meet(span if isinstance(shape, Text) else inner, extent(shape)), (line, shape)


def test_blocks_grow_with_size_and_channels_and_stand_in_rows():
    drawing = layout(u_net(5), "generator")
    boxes = [shape for shape in drawing.shapes if isinstance(shape, Box)]
    encoder, rest = boxes[:6], boxes[6:]
    heights = [box.height for box in encoder]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 6
    assert encoder[0].width < encoder[1].width < encoder[4].width
    assert [box.y for box in encoder] == sorted(box.y for box in encoder)
    # each decoder stage is two boxes of equal width: what was copied, and what came from below
    assert rest[0].width == pytest.approx(rest[1].width)
    assert (rest[0].y, rest[0].height) == (encoder[4].y, encoder[4].height)
    assert rest[0].fill == encoder[4].fill


def test_the_legend_names_every_operation_once():
    texts = [shape.text for shape in layout(ACROSS, "generator").shapes if isinstance(shape, Text)]
    legend = {"a", "b", "c", "skip connection: through 2 convs, addition", "skip connection: concatenation"}
    assert {text: texts.count(text) for text in legend} == dict.fromkeys(legend, 1)


def test_svg_is_xml_with_its_texts_escaped():
    drawing = Drawing(40, 30, [Text(1, 2, 'a < "b" & c'), Text(1, 9, "4x4, x")], "<title>")
    root = ET.fromstring(svg(drawing))
    name = "{http://www.w3.org/2000/svg}"
    assert root.get("viewBox") == "0 0 40 30"
    assert root.find(f"{name}title").text == "<title>"
    assert [text.text for text in root.findall(f"{name}text")] == [
        'a < "b" & c',
        "4\N{MULTIPLICATION SIGN}4, x",
    ]


def test_pixels_are_where_the_shapes_are():
    box = Box(10, 5, 20, 10, "#ff0000", "#0000ff")
    line = Line([(2, 25), (38, 25)], "#00aa00", arrow=False)
    picture = pixels(Drawing(40, 30, [box, line], ""))
    assert picture.shape == (60, 80, 3)
    assert tuple(picture[20, 40]) == rgb("#ff0000")
    assert tuple(picture[50, 40]) == rgb("#00aa00")
    assert tuple(picture[2, 2]) == (255, 255, 255)


def test_letters_are_drawn_where_the_system_has_no_fonts(monkeypatch):
    import resvg_py

    draw = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **options: draw(**options, skip_system_fonts=True))
    dark = (pixels(Drawing(120, 30, [Text(60, 20, "128x128", bold=True)], "")) < 128).any(axis=2)
    columns = np.flatnonzero(dark.any(axis=0))
    assert columns.min() + columns.max() == pytest.approx(2 * 120, abs=6)  # in the middle of 240 pixels


def test_the_patch_of_a_central_logit_keeps_its_colours_and_has_an_outline():
    picture = np.zeros((64, 64, 3), np.uint8)
    shown = patch_picture(picture, [Field(16, 16, 4, -6, False)])
    factor = shown.shape[1] // 64
    # the patch of logit 8 begins at 8 * 4 - 6 = 26 and ends at 42; outside, the picture is paler
    assert shown[28 * factor, 28 * factor].tolist() == [0, 0, 0]
    assert shown[22 * factor + 2, 24 * factor].tolist() == [127, 127, 127]
    for edge in (26 * factor, 42 * factor - 1):
        assert shown[30 * factor + 2, edge].tolist() == list(rgb("#e6194b"))
