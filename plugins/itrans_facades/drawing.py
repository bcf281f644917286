"""Drawing a house front: its label map and a picture that looks like a photo of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans_facades import textures
from itrans_facades.canvas import BALCONY, CORNICE, ROOF, SKY, WALL, Canvas
from itrans_facades.looks import draw_look
from itrans_facades.openings import paint_door, paint_shop, paint_window
from itrans_facades.plan import Box, draw_plan

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from itrans_facades.canvas import Paint
    from itrans_facades.looks import Look
    from itrans_facades.plan import Plan


_COARSE = 64
"""The cells along a side of what is smooth, before it is enlarged."""


def draw_facade(size: int, rng: Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the label map `(size, size, 1)` of a house front and its photo `(size, size, 3)`, RGB.

    What is drawn is chosen in unit coordinates, with as many random numbers for one size as for another: the same house
    comes out in every size. Only the grain of the camera depends on it.
    """
    plan, look = draw_plan(rng), draw_look(rng)
    canvas = Canvas(size, look.sun, look.shadow)
    _paint_sky(canvas, look, rng)
    grain = textures.plaster(size, rng)[:, :, None]
    for box in plan.neighbours:
        place = canvas.place(box)
        canvas.paint(box, look.neighbour * grain[place], WALL)
    _paint_roof(canvas, plan, look, rng)
    _paint_wall(canvas, plan, look, grain, rng)
    for box in plan.bands:
        canvas.cast_shadow(box, 0.02)
        place = canvas.place(box)
        canvas.paint(box, look.stone * grain[place], CORNICE)
        canvas.picture[place][:1] *= np.float32(1.12)
    for box in plan.windows:
        paint_window(canvas, box, look, plan.arch, rng)
    for box in plan.balconies:
        _paint_balcony(canvas, box, look)
    for box in plan.shops:
        paint_shop(canvas, box, look, rng)
    for box in plan.doors:
        paint_door(canvas, box, look, plan.arch, rng)
    return canvas.labels[:, :, None], _photograph(canvas, rng)


def _paint_sky(canvas: Canvas, look: Look, rng: Generator) -> None:
    down = (np.float32(1.8) * textures.ramp(_COARSE)).clip(0, 1)
    sky = look.zenith * (1 - down) + look.horizon * down
    clouds = textures.cloudy(_COARSE, int(rng.integers(3, 7)), rng) + 0.5 * textures.cloudy(_COARSE, 12, rng)
    cover = (clouds - np.float32(rng.uniform(-0.2, 0.8))).clip(0, 0.7)[:, :, None]
    canvas.labels[:] = SKY
    canvas.picture[:] = textures.upscale(sky * (1 - cover) + np.float32(0.93) * cover, canvas.size)


def _paint_roof(canvas: Canvas, plan: Plan, look: Look, rng: Generator) -> None:
    wall = plan.wall
    if plan.roof != "gable":
        _paint_chimneys(canvas, plan, look)
    if plan.roof == "flat":
        return
    period, contrast = float(rng.uniform(0.012, 0.022)), float(rng.uniform(0.15, 0.4))
    field = (
        textures.ribs(canvas.size, period, contrast, rng)
        if look.is_tiled
        else textures.ribs(canvas.size, 2.5 * period, contrast, rng).T
    )
    tiles = look.roof * field[:, :, None]
    left, right = wall.left - 0.012, wall.right + 0.012
    if plan.roof == "gable":
        _paint_chimneys(canvas, plan, look)
        middle = (wall.left + wall.right) / 2
        canvas.paint_polygon([(middle, plan.top), (right, wall.top), (left, wall.top)], tiles, ROOF)
        return
    inside = plan.slope * (wall.right - wall.left)
    corners = [(left + inside, plan.top), (right - inside, plan.top), (right, wall.top), (left, wall.top)]
    canvas.paint_polygon(corners, tiles, ROOF)
    for box in plan.dormers:
        _paint_dormer(canvas, box, look, tiles, rng)


def _paint_chimneys(canvas: Canvas, plan: Plan, look: Look) -> None:
    for box in plan.chimneys:
        place = canvas.paint(box, look.wall * np.float32(0.85), WALL)
        side = (
            slice(0, (place[1].stop - place[1].start) // 2)
            if canvas.sun > 0
            else slice(-((place[1].stop - place[1].start) // 2), None)
        )
        canvas.picture[place][:, side] *= np.float32(0.75)
        canvas.paint(Box(box.left - 0.006, box.top, box.right + 0.006, box.top + 0.012), look.stone, CORNICE)


def _paint_dormer(canvas: Canvas, box: Box, look: Look, tiles: Paint, rng: Generator) -> None:
    """Paint a small wall with a window and a small gable on the roof."""
    canvas.cast_shadow(box, 0.03)
    canvas.paint(box, look.wall * np.float32(0.95), WALL)
    width, height = box.right - box.left, box.bottom - box.top
    window = Box(box.left + 0.16 * width, box.top + 0.22 * height, box.right - 0.16 * width, box.bottom - 0.18 * height)
    paint_window(canvas, window, look, 0.0, rng)
    tip = ((box.left + box.right) / 2, box.top - 0.25 * height)
    eaves = [(box.right + 0.14 * width, box.top + 0.1 * height), (box.left - 0.14 * width, box.top + 0.1 * height)]
    canvas.paint_polygon([tip, *eaves], tiles * np.float32(0.88), ROOF)


def _paint_wall(canvas: Canvas, plan: Plan, look: Look, grain: Paint, rng: Generator) -> None:
    height, contrast = float(rng.uniform(0.014, 0.024)), float(rng.uniform(0.06, 0.16))
    block_height = float(rng.uniform(0.04, 0.06))
    surface = look.wall * grain
    if look.wall_kind == "brick":
        surface *= textures.courses(canvas.size, height, contrast, rng)[:, :, None]
    if look.wall_kind == "block" or plan.has_rustic_base:
        blocks = textures.courses(canvas.size, block_height, 0.6 * contrast, rng)[:, :, None]
    if look.wall_kind == "block":
        surface *= blocks
    wall = plan.wall
    canvas.paint(wall, surface[canvas.place(wall)], WALL)
    if plan.roof == "gable":
        # The verge, the roof's edge, stays visible on both sides.
        middle, verge = (wall.left + wall.right) / 2, 0.03
        slant = (wall.right - wall.left) / 2 * verge / max(wall.top - plan.top, 0.1)
        tip = (middle, plan.top + verge)
        canvas.paint_polygon([tip, (wall.right - slant, wall.top), (wall.left + slant, wall.top)], surface, WALL)
    if plan.has_rustic_base:
        base = Box(wall.left, plan.ground, wall.right, wall.bottom)
        place = canvas.place(base)
        canvas.paint(base, look.stone * np.float32(0.92) * grain[place] * blocks[place], WALL)
    # Walls darken towards the ground, where they are wet.
    place = canvas.place(wall)
    canvas.shade(
        place, (np.float32(1.35) - np.float32(0.6) * textures.ramp(place[0].stop - place[0].start)).clip(0.85, 1.05)
    )


def _paint_balcony(canvas: Canvas, box: Box, look: Look) -> None:
    slab = box._replace(top=box.bottom - max(0.014, 0.12 * (box.bottom - box.top)))
    canvas.cast_shadow(slab, 0.045)
    railing = box._replace(bottom=slab.top)
    place = canvas.place(railing)
    canvas.labels[place] = BALCONY
    line = canvas.pixels(0.005)
    behind = canvas.picture[place]
    if look.railing_kind == "panel":
        behind[:] = look.railing
        behind[:, :: max(4 * line, 2)] *= np.float32(0.8)
    elif look.railing_kind == "glass":
        behind *= np.float32(0.6)
        behind += look.horizon * np.float32(0.3)
    else:
        behind *= np.float32(0.85)
        is_bar = np.arange(behind.shape[1]) % (3 * line) < line
        behind[:, is_bar] = look.railing
    behind[: canvas.pixels(0.007)] = look.railing
    behind[-line:] = look.railing
    canvas.paint(slab, look.stone, BALCONY)


def _photograph(canvas: Canvas, rng: Generator) -> NDArray[np.uint8]:
    """Return what a camera makes of the scene: uneven light, blur, exposure, tint, noise and a tone curve; uint8."""
    size, picture = canvas.size, canvas.picture
    light = 1 + 0.12 * textures.cloudy(_COARSE, 3, rng)
    draws = rng.random(6)
    if draws[0] < 0.25:  # the shadow of a tree, or of the house opposite
        leaves = textures.cloudy(_COARSE, 4, rng) + 0.5 * textures.cloudy(_COARSE, 14, rng)
        light *= 1 - np.float32(0.35) * (leaves * 6 - np.float32(1 + 3 * draws[1])).clip(0, 1)
    tint = np.float32(0.85 + 0.3 * draws[2]) * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    picture *= textures.upscale(light[:, :, None] * tint, size)
    sigma = (0.0018 + 0.0024 * draws[4]) * size
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigmaX=sigma), np.float32)
    strength = np.float32(0.008 + 0.018 * draws[5])
    coarse = strength * rng.standard_normal((size // 2, size // 2, 3), dtype=np.float32)
    picture += textures.upscale(coarse, size)
    picture += strength * rng.standard_normal((size, size, 1), dtype=np.float32)
    curve = 255 * (np.arange(256) / 255) ** (0.8 + 0.3 * draws[3])
    return np.asarray(cv2.LUT(cv2.convertScaleAbs(picture, alpha=255), np.rint(curve).astype(np.uint8)), np.uint8)
