"""What a house front is painted on: a label map and a picture side by side, addressed in unit coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from itrans_facades.plan import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Paint: TypeAlias = NDArray[np.float32]
    """A colour `(3,)`, or colours that broadcast to the place that they are painted on, `(h, w, 3)`."""

NAMES = ("sky", "wall", "roof", "window", "door", "balcony", "cornice", "shop")
"""The classes, by their indices in a label map."""

SKY, WALL, ROOF, WINDOW, DOOR, BALCONY, CORNICE, SHOP = range(len(NAMES))

Place: TypeAlias = tuple[slice, slice]
"""The rows and the columns of a rectangle of pixels."""

_FRACTION = 8
"""Fractional bits of the corners of polygons."""


class Canvas:
    """A label map and a picture of the same scene.

    Args:
        size: height and width in pixels.
        sun: -1 if the light comes from the left, 1 from the right.
        shadow: what is left of the light in a shadow.

    Attributes:
        labels: `(size, size)`, classes.
        picture: `(size, size, 3)`, RGB from 0 to 1.
    """

    def __init__(self, size: int, sun: int, shadow: float) -> None:
        self.size, self.sun, self._shadow = size, sun, shadow
        self.labels: NDArray[np.uint8] = np.zeros((size, size), np.uint8)
        self.picture: NDArray[np.float32] = np.zeros((size, size, 3), np.float32)

    def place(self, box: Box) -> Place:
        """Return the pixels of a rectangle: those that its rounded edges enclose, and at least one if it is inside."""
        rows, columns = self._span(box.top, box.bottom), self._span(box.left, box.right)
        return slice(*rows), slice(*columns)

    def pixels(self, length: float) -> int:
        """Return a length in whole pixels, at least 1."""
        return max(1, round(length * self.size))

    def paint(self, box: Box, paint: Paint, label: int | None = None) -> Place:
        """Paint a rectangle; without a label the label map stays as it is."""
        place = self.place(box)
        self.picture[place] = paint
        if label is not None:
            self.labels[place] = label
        return place

    def paint_masked(self, place: Place, mask: NDArray[np.bool_], paint: Paint, label: int) -> None:
        """Paint the pixels of a rectangle that a mask `(h, w)` has."""
        np.copyto(self.picture[place], paint, where=mask[:, :, None])
        self.labels[place][mask] = label

    def paint_polygon(self, points: Sequence[tuple[float, float]], paint: Paint, label: int) -> None:
        """Paint a polygon of points (x, y) with colours for the whole picture, or one for all."""
        mask = np.zeros(self.labels.shape, np.uint8)
        corners = np.rint((np.array(points) * self.size - 0.5) * 2**_FRACTION).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1, lineType=cv2.LINE_8, shift=_FRACTION)
        self.paint_masked((slice(None), slice(None)), mask.astype(bool), paint, label)

    def cast_shadow(self, box: Box, depth: float) -> None:
        """Darken what is below a part that stands out from the wall; paint the part itself afterwards.

        Args:
            box: the part.
            depth: how far it stands out.
        """
        aside = -self.sun * depth * 0.6
        self.picture[self.place(Box(box.left + aside, box.top, box.right + aside, box.bottom + depth))] *= self._shadow

    def shade(self, place: Place, light: NDArray[np.float32] | float) -> None:
        """Multiply a rectangle's brightness by a number, or by an array that broadcasts to `(h, w, 1)`."""
        self.picture[place] *= np.float32(light) if isinstance(light, float) else light

    def _span(self, low: float, high: float) -> tuple[int, int]:
        first = min(max(round(low * self.size), 0), self.size)
        last = min(max(round(high * self.size), 0), self.size)
        return (first, last) if last > first or first == self.size else (first, first + 1)
