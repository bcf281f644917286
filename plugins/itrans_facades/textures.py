"""Patterns of materials: fields of brightness around 1, in unit coordinates, so that sizes differ only in sharpness."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

_COARSE = 72
"""The cells along a side of what is made of several layers of noise, before it is enlarged."""


def cloudy(size: int, cells: int, rng: Generator) -> NDArray[np.float32]:
    """Return smooth noise from about -1 to 1, `(size, size)`.

    Args:
        size: height and width.
        cells: how many patches there are along a side.
        rng: what draws.
    """
    grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return upscale(grid, size)


def upscale(grid: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a coarse picture, `(h, w)` or `(h, w, C)`, in full size, smoothly."""
    return np.asarray(cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


@lru_cache(maxsize=512)
def ramp(length: int) -> NDArray[np.float32]:
    """Return 0 to 1 in equal steps downwards, `(length, 1, 1)`; not to be written to."""
    steps = np.linspace(0, 1, max(length, 1), dtype=np.float32)[:length, None, None]
    steps.flags.writeable = False
    return steps


def plaster(size: int, rng: Generator) -> NDArray[np.float32]:
    """Return the brightness of a rendered wall: fine grain and stains."""
    stains = 1 + 0.05 * cloudy(_COARSE, 5, rng) + 0.04 * cloudy(_COARSE, 18, rng)
    return upscale(stains + rng.uniform(-0.06, 0.06, (_COARSE, _COARSE)).astype(np.float32), size)


def courses(size: int, height: float, contrast: float, rng: Generator) -> NDArray[np.float32]:
    """Return the brightness of bricks or blocks, laid in courses that are shifted by half a brick.

    Args:
        size: height and width of the field.
        height: of a course, with its joint.
        contrast: between bricks, and half as much between bricks and joints.
        rng: what draws.
    """
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    row = np.floor(place / height).astype(np.int32)
    along = place[None, :] / (2.4 * height) + 0.5 * (row % 2)[:, None].astype(np.float32)
    column = np.floor(along).astype(np.int32)
    tones = rng.uniform(-1, 1, 251).astype(np.float32)
    field = 1 + contrast * tones[(row[:, None] * 37 + column * 11) % 251]
    # A joint takes a fifth of a course, and at least what a pixel can show.
    joint = max(0.2, 0.7 / (height * size))
    is_joint = (place / height - row < joint)[:, None] | (along - column < joint / 2.4)
    sign = 1 if rng.random() < 0.6 else -1
    field += np.where(is_joint, np.float32(sign * contrast), np.float32(0))
    return np.asarray(field, np.float32)


def ribs(size: int, period: float, contrast: float, rng: Generator) -> NDArray[np.float32]:
    """Return the brightness of rows of tiles: dark lower edges, and noise from tile to tile.

    Its transpose is sheet metal with upright seams.
    """
    place = (np.arange(size, dtype=np.float32) + 0.5) / size / period
    edge = (1 - contrast * (place - np.floor(place)) ** 2)[:, None]
    return np.asarray(edge * (1 + 0.5 * contrast * cloudy(size, 60, rng)), np.float32)
