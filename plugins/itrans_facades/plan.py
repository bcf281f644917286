"""Where the parts of a house front are: a plan in unit coordinates, drawn at random, the same for every size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from numpy.random import Generator

RoofKind = Literal["flat", "mansard", "gable"]


class Box(NamedTuple):
    """A rectangle: x from left to right, y from top to bottom, each from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass
class Plan:
    """The geometry of a house front.

    Attributes:
        wall: the front without its gable; it stands on the picture's lower edge.
        roof: the kind of roof.
        top: the roof's upper edge, or a gable's tip.
        slope: how far a mansard's upper edge is shorter than the lower one, on each side.
        neighbours: houses that stand behind, left and right.
        chimneys: on the roof.
        dormers: windows of the roof, with their own little walls and gables.
        windows: in the wall; not those of dormers and shops.
        balconies: from the railing's upper edge to the slab's lower one.
        doors: in the wall or in a shop.
        bands: cornices, from side to side.
        shops: fronts of shops, from the sign's upper edge to the ground.
        arch: how much of a window's half width its arched top rises: 0 is straight, 1 a half circle.
        has_rustic_base: whether the ground floor is of large stones.
        ground: the ground floor's upper edge.
    """

    wall: Box
    roof: RoofKind
    top: float
    slope: float
    arch: float
    has_rustic_base: bool
    ground: float = 0.0
    neighbours: list[Box] = field(default_factory=list)
    chimneys: list[Box] = field(default_factory=list)
    dormers: list[Box] = field(default_factory=list)
    windows: list[Box] = field(default_factory=list)
    balconies: list[Box] = field(default_factory=list)
    doors: list[Box] = field(default_factory=list)
    bands: list[Box] = field(default_factory=list)
    shops: list[Box] = field(default_factory=list)


def draw_plan(rng: Generator) -> Plan:
    """Return the plan of a house front."""
    columns = int(rng.integers(2, 8))
    roofs: tuple[RoofKind, ...] = ("flat", "mansard", "gable") if columns < 5 else ("flat", "mansard", "mansard")
    roof = roofs[rng.integers(3)]
    sides = rng.uniform(0.03, 0.13, 2) * (rng.random(2) < 0.4)
    low, high = {"flat": (0.04, 0.2), "mansard": (0.18, 0.34), "gable": (0.26, 0.42)}[roof]
    eaves = float(rng.uniform(low, high))
    wall = Box(float(sides[0]), eaves, 1 - float(sides[1]), 1.0)
    plan = Plan(
        wall=wall,
        roof=roof,
        top=eaves if roof == "flat" else float(rng.uniform(0.02, 0.1)),
        slope=float(rng.uniform(0.0, 0.12)),
        arch=float(rng.choice([0.0, 0.0, 0.0, 0.35, 1.0])),
        has_rustic_base=bool(rng.random() < 0.3),
    )
    _add_floors(plan, columns, rng)
    _add_roof(plan, columns, rng)
    for side, width in enumerate(sides):
        if width and rng.random() < 0.6:
            top = float(rng.uniform(0.05, 0.6))
            plan.neighbours.append(Box(0.0, top, wall.left, 1.0) if side == 0 else Box(wall.right, top, 1.0, 1.0))
    return plan


def _add_floors(plan: Plan, columns: int, rng: Generator) -> None:
    """Divide the wall into floors and columns, and give each floor its windows, doors, shops and balconies."""
    wall = plan.wall
    floors = int(rng.integers(2, 7 if columns > 2 else 5))
    weights = [1.0] * (floors - 1) + [float(rng.uniform(1.05, 1.5))]
    weights[0] *= float(rng.uniform(0.75, 1.0))
    unit = (wall.bottom - wall.top) / sum(weights)
    edges = [wall.top]
    for weight in weights:
        edges.append(edges[-1] + weight * unit)
    plan.ground = edges[-2]
    width, height = float(rng.uniform(0.38, 0.66)), float(rng.uniform(0.48, 0.66))
    is_blind = rng.random(columns) < 0.05
    band, band_chance = float(rng.uniform(0.008, 0.018)), float(rng.choice([0.0, 0.5, 1.0]))
    balconies = _balconies(floors, columns, rng)
    for floor in range(floors - 1):
        top, bottom = edges[floor], edges[floor + 1]
        for column in range(columns):
            if is_blind[column]:
                continue
            window = _opening(plan, column, columns, width, top, bottom, height)
            if balconies[floor][column]:
                window = window._replace(bottom=bottom - 0.06 * (bottom - top))
                plan.balconies.append(_balcony(window, (wall.right - wall.left) / columns, bottom - top))
            plan.windows.append(window)
        if rng.random() < band_chance or floor == floors - 2:
            plan.bands.append(Box(wall.left, bottom - band / 2, wall.right, bottom + band / 2))
    _add_ground_floor(plan, columns, width, height, rng)


def _opening(plan: Plan, column: int, columns: int, width: float, top: float, bottom: float, height: float) -> Box:
    """Return a window in the middle of its column; the width and height are fractions of the cell's."""
    cell = (plan.wall.right - plan.wall.left) / columns
    middle = plan.wall.left + (column + 0.5) * cell
    tall = height * (bottom - top)
    # Few columns would make windows lie like letter boxes, and wide arches are not built.
    half = min(width * cell, tall * (0.95 if plan.arch else 1.5)) / 2
    start = top + 0.55 * (bottom - top - tall)
    return Box(middle - half, start, middle + half, start + tall)


def _balconies(floors: int, columns: int, rng: Generator) -> list[list[bool]]:
    """Return, for each floor above the ground and each column, whether there is a balcony."""
    style = rng.choice(["none", "floor", "columns", "some"], p=[0.35, 0.2, 0.25, 0.2])
    chosen_floors, chosen_columns = rng.random(floors - 1) < 0.45, rng.random(columns) < 0.45
    some = rng.random((floors - 1, columns)) < 0.25
    if style == "floor":
        return [[bool(is_chosen)] * columns for is_chosen in chosen_floors]
    if style == "columns":
        return [[bool(is_chosen) for is_chosen in chosen_columns]] * (floors - 1)
    return [[bool(is_chosen) and style == "some" for is_chosen in row] for row in some]


def _balcony(window: Box, cell: float, floor: float) -> Box:
    beside = min(0.28 * (window.right - window.left), 0.5 * (cell - (window.right - window.left)))
    return Box(window.left - beside, window.bottom - 0.36 * floor, window.right + beside, window.bottom + 0.03 * floor)


def _add_ground_floor(plan: Plan, columns: int, width: float, height: float, rng: Generator) -> None:
    """Put shops, a door and windows between the ground floor's upper edge and the ground."""
    wall, top = plan.wall, plan.ground + 0.01
    cell, deep = (wall.right - wall.left) / columns, wall.bottom - top
    door = int(rng.integers(columns))
    is_shop = rng.random(columns) < 1 if rng.random() < 0.25 else rng.random(columns) < float(rng.choice([0.0, 0.5]))
    is_shop[door] &= bool(rng.random() < 0.5)
    door_width, door_height = float(rng.uniform(0.34, 0.6)), float(rng.uniform(0.66, 0.84))
    for column in range(columns):
        left = wall.left + column * cell
        if is_shop[column]:
            if column and is_shop[column - 1]:
                plan.shops[-1] = plan.shops[-1]._replace(right=left + 0.97 * cell)
            else:
                plan.shops.append(Box(left + 0.03 * cell, top + 0.04 * deep, left + 0.97 * cell, wall.bottom))
        elif column != door:
            plan.windows.append(_opening(plan, column, columns, width, top, wall.bottom, height * 0.92))
    middle = wall.left + (door + 0.5) * cell
    half = min(door_width * cell, 0.16) / 2
    plan.doors.append(Box(middle - half, wall.bottom - door_height * deep, middle + half, wall.bottom))


def _add_roof(plan: Plan, columns: int, rng: Generator) -> None:
    """Put the eaves' cornice, chimneys, dormers, and a window into a gable."""
    wall = plan.wall
    thick, out = float(rng.uniform(0.015, 0.04)), float(rng.uniform(0.0, 0.015))
    draws = rng.random(8)
    if plan.roof != "gable":
        plan.bands.append(Box(wall.left - out, wall.top - thick / 2, wall.right + out, wall.top + thick / 2))
    rise, span = wall.top - plan.top, wall.right - wall.left
    if plan.roof == "gable":
        half, tall = 0.07 * span, 0.3 * rise
        middle = (wall.left + wall.right) / 2
        if draws[0] < 0.8:
            plan.windows.append(Box(middle - half, wall.top - 1.2 * tall, middle + half, wall.top - 0.2 * tall))
    elif plan.roof == "mansard" and draws[0] < 0.7 and rise > 0.1:
        step = 2 if draws[1] < 0.4 and columns > 3 else 1
        width = 0.4 * span / columns
        for column in range(0, columns, step):
            middle = wall.left + (column + 0.5) * span / columns
            inside = plan.slope * span + width / 2
            if wall.left + inside < middle < wall.right - inside:
                plan.dormers.append(Box(middle - width / 2, wall.top - 0.66 * rise, middle + width / 2, wall.top))
    if plan.roof != "flat" or draws[2] < 0.3:
        for place in draws[3:5][: 1 + int(draws[5] * 2)]:
            left = wall.left + (0.15 + 0.62 * float(place)) * span
            top = max(0.0, plan.top - float(0.02 + 0.05 * draws[6]))
            plan.chimneys.append(Box(left, top, left + 0.03 + 0.04 * float(draws[7]), wall.top))
