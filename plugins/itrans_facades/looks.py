"""What the parts of a house front look like: its colours, materials and light, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Colour: TypeAlias = NDArray[np.float32]
    """RGB, from 0 to 1."""

Wall = Literal["brick", "block", "plaster"]
Railing = Literal["bars", "panel", "glass"]

# Walls, roofs, doors and stonework share colours on purpose: what a part is has to be told from where it is.
_WALLS = (
    (0.55, 0.29, 0.22),
    (0.47, 0.34, 0.26),
    (0.78, 0.62, 0.40),
    (0.86, 0.79, 0.65),
    (0.60, 0.59, 0.57),
    (0.88, 0.86, 0.82),
    (0.79, 0.58, 0.52),
    (0.60, 0.67, 0.56),
    (0.57, 0.65, 0.72),
    (0.36, 0.37, 0.40),
)
_ROOFS = ((0.56, 0.28, 0.21), (0.42, 0.29, 0.23), (0.35, 0.36, 0.40), (0.52, 0.51, 0.50), (0.41, 0.55, 0.48))
_WOODS = (
    (0.36, 0.21, 0.13),
    (0.20, 0.32, 0.25),
    (0.20, 0.27, 0.42),
    (0.50, 0.16, 0.14),
    (0.86, 0.85, 0.81),
    (0.16, 0.16, 0.17),
    (0.60, 0.46, 0.31),
)
_STONES = ((0.88, 0.86, 0.80), (0.75, 0.68, 0.56), (0.62, 0.61, 0.60))
_SIGNS = ((0.60, 0.12, 0.12), (0.12, 0.30, 0.24), (0.13, 0.20, 0.42), (0.10, 0.10, 0.11), (0.88, 0.86, 0.80))
_SKIES = (
    ((0.36, 0.56, 0.84), (0.74, 0.85, 0.94)),
    ((0.72, 0.75, 0.79), (0.86, 0.87, 0.88)),
    ((0.56, 0.6, 0.72), (0.93, 0.8, 0.66)),
)


@dataclass(frozen=True)
class Look:
    """Colours (RGB from 0 to 1), materials and light.

    Attributes:
        sun: -1 if the light comes from the left, 1 from the right.
        shadow: what is left of the light in a shadow.
        panes: columns and rows of a window's panes.
    """

    wall: Colour
    wall_kind: Wall
    roof: Colour
    is_tiled: bool
    stone: Colour
    frame: Colour
    door: Colour
    railing: Colour
    railing_kind: Railing
    shutter: Colour | None
    sign: Colour
    awning: Colour | None
    zenith: Colour
    horizon: Colour
    neighbour: Colour
    sun: int
    shadow: float
    panes: tuple[int, int]


def draw_look(rng: Generator) -> Look:
    """Return what a house front looks like."""
    zenith, horizon = _SKIES[rng.choice(3, p=[0.5, 0.35, 0.15])]
    wall = _one_of(_WALLS, rng)
    brightness = float(rng.uniform(0.85, 1.05))
    # Stonework is often of the wall's own material.
    stone = _one_of(_STONES, rng) if rng.random() < 0.55 else wall * np.float32(rng.uniform(0.8, 1.2))
    kinds: tuple[Wall, ...] = ("brick", "block", "plaster", "plaster")
    railings: tuple[Railing, ...] = ("bars", "bars", "panel", "glass")
    return Look(
        wall=wall,
        wall_kind=kinds[rng.integers(4)],
        roof=_one_of(_ROOFS, rng),
        is_tiled=bool(rng.random() < 0.7),
        stone=stone.clip(0, 0.95),
        frame=_one_of(_WOODS, rng) if rng.random() < 0.6 else _jitter((0.88, 0.87, 0.84), rng),
        door=_one_of(_WOODS, rng),
        railing=_one_of(_WOODS, rng) if rng.random() < 0.4 else _jitter((0.15, 0.15, 0.17), rng),
        railing_kind=railings[rng.integers(4)],
        shutter=_one_of(_WOODS, rng) if rng.random() < 0.25 else None,
        sign=_one_of(_SIGNS, rng),
        awning=_one_of(_SIGNS, rng) if rng.random() < 0.5 else None,
        zenith=np.array(zenith, np.float32) * np.float32(brightness),
        horizon=np.array(horizon, np.float32) * np.float32(brightness),
        neighbour=_one_of(_WALLS, rng) * np.float32(0.85),
        sun=int(rng.choice([-1, 1])),
        shadow=float(rng.uniform(0.45, 0.8)),
        panes=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
    )


def _one_of(colours: tuple[tuple[float, float, float], ...], rng: Generator) -> Colour:
    return _jitter(colours[rng.integers(len(colours))], rng)


def _jitter(colour: tuple[float, float, float], rng: Generator) -> Colour:
    """Return a colour that is a little brighter or darker, and of a slightly other hue."""
    varied = np.array(colour) * rng.uniform(0.82, 1.15) + rng.uniform(-0.035, 0.035, 3)
    return varied.clip(0.03, 0.95).astype(np.float32)
