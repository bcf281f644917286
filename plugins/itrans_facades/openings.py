"""Painting what is set into a wall: windows, doors and shops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from itrans_facades.canvas import CORNICE, DOOR, SHOP, WINDOW
from itrans_facades.plan import Box
from itrans_facades.textures import ramp

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from itrans_facades.canvas import Canvas, Place
    from itrans_facades.looks import Colour, Look

_WARM = np.array((0.95, 0.80, 0.52), np.float32)
_DARK = np.array((0.07, 0.08, 0.10), np.float32)
_CURTAIN = np.array((0.86, 0.84, 0.79), np.float32)


def paint_window(canvas: Canvas, box: Box, look: Look, arch: float, rng: Generator) -> None:
    """Paint a window with its shutters, its lintel and its sill.

    Args:
        canvas: what to paint on.
        box: the window.
        look: colours and light.
        arch: see `Plan.arch`.
        rng: what draws what is behind the glass.
    """
    draws = rng.random(6)
    width, height = box.right - box.left, box.bottom - box.top
    if look.shutter is not None and draws[0] < 0.9:
        _paint_shutters(canvas, box, look.shutter, is_closed=draws[0] < 0.08)
        if draws[0] < 0.08:
            return
    if arch == 0:
        canvas.paint(
            Box(box.left - 0.06 * width, box.top - 0.07 * height, box.right + 0.06 * width, box.top),
            look.stone,
            CORNICE,
        )
    place = canvas.place(box)
    opening = _arch_mask(place, arch)
    glass = _glass(place, look, draws)
    _paint_frame(canvas, place, glass, look.frame, look.panes)
    _shade_recess(canvas, place, glass)
    canvas.paint_masked(place, opening, glass, WINDOW)
    sill = Box(box.left - 0.08 * width, box.bottom, box.right + 0.08 * width, box.bottom + 0.012)
    canvas.cast_shadow(sill, 0.012)
    canvas.paint(sill, look.stone, CORNICE)


def paint_door(canvas: Canvas, box: Box, look: Look, arch: float, rng: Generator) -> None:
    """Paint a door of one or two leaves, with panels, and glass above it or in it."""
    draws = rng.random(4)
    place = canvas.place(box)
    rows, columns = place[0].stop - place[0].start, place[1].stop - place[1].start
    leaf = np.empty((rows, columns, 3), np.float32)
    leaf[:] = look.door
    line = canvas.pixels(0.006)
    light = round((0.22 if draws[0] < 0.6 else 0.0) * rows)
    leaves = 2 if draws[1] < 0.5 and columns > 5 * line else 1
    for index in range(leaves):
        left, right = columns * index // leaves, columns * (index + 1) // leaves
        for top, bottom in ((0.05, 0.48), (0.55, 0.94)):
            panel = leaf[
                light + round(top * (rows - light)) : light + round(bottom * (rows - light)),
                left + 2 * line : right - 2 * line,
            ]
            panel *= np.float32(0.75)
            if top == 0.05 and draws[2] < 0.35:
                panel[:] = _DARK * 2 + look.zenith * np.float32(0.25)
            panel[:line] *= np.float32(0.7)
        leaf[light:, left : left + 1] *= np.float32(0.55)
    if light:
        leaf[:light] = _glass((slice(0, light), place[1]), look, rng.random(6))
        leaf[light - line : light] = look.door * np.float32(0.8)
        leaf[:line] = look.door
    _shade_recess(canvas, place, leaf)
    frame = Box(box.left - 0.012, box.top - 0.014, box.right + 0.012, box.bottom)
    if arch == 0 and draws[3] < 0.7:
        canvas.paint(frame._replace(bottom=box.top), look.stone, CORNICE)
    canvas.paint_masked(place, _arch_mask(place, arch), leaf, DOOR)


def paint_shop(canvas: Canvas, box: Box, look: Look, rng: Generator) -> None:
    """Paint the front of a shop: a sign with marks like letters, panes with goods behind them, perhaps an awning."""
    draws = rng.random(24)
    height, width = box.bottom - box.top, box.right - box.left
    canvas.paint(box, look.door * np.float32(0.8), SHOP)
    sign = box._replace(bottom=box.top + 0.2 * height)
    canvas.paint(sign, look.sign, SHOP)
    ink = look.stone if look.sign.mean() < 0.5 else _DARK
    letters, start = 4 + int(6 * draws[0]), sign.left + 0.5 * width - 0.015 * (4 + int(6 * draws[0])) / 2
    for index in range(letters):
        left = start + 0.015 * index
        if sign.left < left < sign.right - 0.012:
            top = sign.top + (0.3 if draws[12 + index] < 0.5 else 0.4) * (sign.bottom - sign.top)
            canvas.paint(Box(left, top, left + 0.009, sign.bottom - 0.06 * height), ink, SHOP)
    panes = max(1, round(width / (0.1 + 0.08 * draws[1])))
    for index in range(panes):
        left = box.left + width * (index + 0.06) / panes
        pane = Box(
            left, box.top + 0.27 * height, left + 0.88 * width / panes, box.bottom - (0.06 + 0.12 * draws[2]) * height
        )
        place = canvas.place(pane)
        canvas.paint(pane, _glass(place, look, rng.random(6)), SHOP)
        for goods in rng.random((3, 3)):
            low = pane.bottom - 0.05 * height
            x, tall = pane.left + float(goods[0]) * 0.8 * (pane.right - pane.left), float(goods[1]) * 0.3 * height
            canvas.paint(Box(x, low - tall, x + 0.015, low), (_WARM * np.float32(0.3 + 0.6 * goods[2])), SHOP)
    if look.awning is not None:
        _paint_awning(canvas, Box(box.left, sign.bottom, box.right, sign.bottom + 0.16 * height), look)


def _paint_awning(canvas: Canvas, box: Box, look: Look) -> None:
    assert look.awning is not None
    canvas.cast_shadow(box, 0.025)
    place = canvas.paint(box, look.awning, SHOP)
    stripe = canvas.pixels(0.018)
    is_light = (np.arange(place[1].stop - place[1].start) // stripe) % 2 == 0
    canvas.picture[place][:, is_light] = _CURTAIN
    canvas.shade(place, np.float32(1.05) - np.float32(0.25) * ramp(place[0].stop - place[0].start))


def _paint_shutters(canvas: Canvas, box: Box, colour: Colour, *, is_closed: bool) -> None:
    """Paint shutters on both sides of a window, or over it."""
    width = box.right - box.left
    half = width / 2
    sides = (box.left, box.left + half) if is_closed else (box.left - 0.9 * half * 0.55, box.right)
    for side in sides:
        reach = half if is_closed else 0.9 * half * 0.55
        place = canvas.paint(Box(side, box.top, side + reach, box.bottom), colour, WINDOW)
        slat = 2 * canvas.pixels(0.004)
        rows = np.arange(place[0].stop - place[0].start) % slat < slat // 2
        canvas.picture[place][rows] *= np.float32(0.78)
        canvas.picture[place][:, :1] *= np.float32(0.7)


def _glass(place: Place, look: Look, draws: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what is seen in a pane: the sky's reflection, a dark or lit room, curtains, a blind; `(h, w, 3)`."""
    rows, columns = place[0].stop - place[0].start, place[1].stop - place[1].start
    down = ramp(rows)
    room = _WARM * np.float32(0.75 + 0.25 * draws[2]) if draws[1] < 0.08 else _DARK
    mirrored = np.float32(0.15 + 0.65 * draws[3])
    glass = room + (look.horizon * (1 - down) + look.zenith * down * np.float32(0.45)) * mirrored * (1 - room)
    glass = np.repeat(glass, columns, axis=1)
    across = np.arange(columns, dtype=np.float32)[None, :] / max(columns, 1)
    if draws[4] < 0.35:  # curtains, drawn aside
        aside = np.abs(across - 0.5) > 0.5 - (0.12 + 0.3 * draws[5])
        folds = 0.72 + 0.12 * np.cos(across * 40)
        np.copyto(glass, _CURTAIN * folds[:, :, None], where=aside[:, :, None])
    elif draws[4] < 0.55:  # a blind, let down in part
        down_to = round(rows * (0.2 + 0.7 * draws[5]))
        glass[:down_to] = _CURTAIN * np.float32(0.55 + 0.4 * draws[2])
        glass[1:down_to:2] *= np.float32(0.9)
    else:  # a slanting reflection
        slant = (across + 0.5 * down[:, :, 0] - np.float32(0.2 + 0.8 * draws[5])) % 1.2 < 0.3
        glass[slant] = glass[slant] * np.float32(0.75) + look.horizon * np.float32(0.25)
    return np.asarray(glass.clip(0, 1), np.float32)


def _paint_frame(
    canvas: Canvas, place: Place, glass: NDArray[np.float32], colour: Colour, panes: tuple[int, int]
) -> None:
    """Paint the frame and its bars into a pane."""
    rows, columns = glass.shape[:2]
    line = canvas.pixels(0.005)
    for index in range(panes[0] + 1):
        at = min(round(index * columns / panes[0]), columns - line)
        glass[:, max(at, 0) : at + line] = colour
    for index in range(panes[1] + 1):
        at = min(round(index * rows / panes[1]), rows - line)
        glass[max(at, 0) : at + line] = colour


def _shade_recess(canvas: Canvas, place: Place, painted: NDArray[np.float32]) -> None:
    """Darken the upper edge of what lies behind the wall, and the edge towards the light."""
    depth = canvas.pixels(0.009)
    painted[:depth] *= np.float32(0.5)
    side = slice(-depth, None) if canvas.sun > 0 else slice(0, depth)
    painted[depth:, side] *= np.float32(0.65)


def _arch_mask(place: Place, arch: float) -> NDArray[np.bool_]:
    """Return which pixels of a rectangle are below an arch that rises by `arch` half widths, `(h, w)`."""
    rows, columns = place[0].stop - place[0].start, place[1].stop - place[1].start
    if arch == 0:
        return np.ones((rows, columns), bool)
    half = columns / 2
    rise = min(arch * half, rows)
    across = ((np.arange(columns) + 0.5 - half) / half)[None, :]
    up = (rise - (np.arange(rows) + 0.5))[:, None] / rise
    return np.asarray(up.clip(0) ** 2 + across**2 <= 1)
