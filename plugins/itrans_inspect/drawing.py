"""A drawing of boxes, lines and texts, and how it becomes SVG: nothing but text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

Anchor: TypeAlias = Literal["start", "middle", "end"]
Point: TypeAlias = tuple[float, float]

ARROW = 8.0
"""How long an arrow's head is; it is as wide."""


@dataclass(frozen=True)
class Box:
    """A rectangle; colours are `#rrggbb`."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str


@dataclass(frozen=True)
class Line:
    """A line through some points, with a head at its end if it is an arrow."""

    points: Sequence[Point]
    colour: str
    dashed: bool = False
    arrow: bool = True
    width: float = 2.0

    def head(self) -> list[Point]:
        """Return the corners of the arrow's head, its tip first; the last two points differ in x or in y alone."""
        (x0, y0), (x, y) = self.points[-2], self.points[-1]
        length = max(abs(x - x0), abs(y - y0)) or 1.0
        dx, dy = (x - x0) / length * ARROW, (y - y0) / length * ARROW
        return [(x, y), (x - dx - dy / 2, y - dy + dx / 2), (x - dx + dy / 2, y - dy - dx / 2)]

    def shaft(self) -> list[Point]:
        """Return the line's points, the last one at the foot of the head."""
        if not self.arrow:
            return list(self.points)
        (_, (x1, y1), (x2, y2)) = self.head()
        return [*self.points[:-1], ((x1 + x2) / 2, (y1 + y2) / 2)]


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: float = 12.0
    anchor: Anchor = "middle"
    bold: bool = False
    colour: str = "#222222"

    @property
    def width(self) -> float:
        """About how wide it is, rather more than less."""
        return len(self.text) * self.size * (0.62 if self.bold else 0.58)

    @property
    def typeset(self) -> str:
        """The text with signs of multiplication between numbers."""
        return re.sub(r"(?<=\d)x(?=\d)", "\N{MULTIPLICATION SIGN}", self.text)


Shape: TypeAlias = Box | Line | Text


@dataclass(frozen=True)
class Drawing:
    """Shapes on a white ground, first ones below, in pixels from the upper left corner."""

    width: float
    height: float
    shapes: Sequence[Shape]
    title: str


def svg(drawing: Drawing) -> str:
    """Return a drawing as an SVG document."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawing.width:g} {drawing.height:g}" '
        f'width="{drawing.width:g}" height="{drawing.height:g}" role="img" '
        'font-family="Helvetica, Arial, DejaVu Sans, sans-serif">',
        f"<title>{escape(drawing.title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *map(_element, drawing.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(shape: Shape) -> str:
    if isinstance(shape, Box):
        return (
            f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}" '
            f'fill="{shape.fill}" stroke="{shape.stroke}"/>'
        )
    if isinstance(shape, Text):
        weight = ' font-weight="bold"' if shape.bold else ""
        return (
            f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" text-anchor="{shape.anchor}"'
            f'{weight} fill="{shape.colour}">{escape(shape.typeset)}</text>'
        )
    dashes = ' stroke-dasharray="6 4"' if shape.dashed else ""
    line = (
        f'<polyline points="{_coordinates(shape.shaft())}" fill="none" stroke="{shape.colour}" '
        f'stroke-width="{shape.width:g}"{dashes}/>'
    )
    return line + (f'<polygon points="{_coordinates(shape.head())}" fill="{shape.colour}"/>' if shape.arrow else "")


def _coordinates(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
