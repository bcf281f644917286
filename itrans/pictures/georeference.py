"""What travels with a picture that becomes larger or smaller: its pixels cover less, or more, of paper and earth."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from itrans.pictures.metadata import Metadata

Tag: TypeAlias = "tuple[int, int, bytes]"
"""The type of a tag's values, how many there are, and their bytes in little endian."""

_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _KEYS = 33550, 33922, 34264, 34735
_RASTER_TYPE, _IS_POINT = 1025, 2
"""A key of GeoTIFF (OGC 19-008r4, 7.5.1), and its value for places that are those of pixels' centres, not corners."""


def with_scale(metadata: Metadata, scale: Fraction) -> Metadata:
    """Return the metadata of a picture that has become so many times as high and wide.

    It covers the same paper, with more pixels per inch, and the same part of the earth: the size of pixels, tie points
    and transformation are adapted.
    """
    if scale == 1:
        return metadata
    times = float(scale)
    resolution = metadata.resolution and (metadata.resolution[0] * times, metadata.resolution[1] * times)
    shift = 0.5 if _places_are_centres(metadata.place.get(_KEYS)) else 0.0
    place = dict(metadata.place)
    if _PIXEL_SCALE in place:
        place[_PIXEL_SCALE] = _changed(place[_PIXEL_SCALE], lambda at, value: value / times if at < 2 else value)
    if _TIE_POINTS in place:  # column, row and depth in the picture, then x, y and z on the earth
        place[_TIE_POINTS] = _changed(
            place[_TIE_POINTS], lambda at, value: (value + shift) * times - shift if at % 6 < 2 else value
        )
    if _TRANSFORMATION in place:
        place[_TRANSFORMATION] = _transformation(place[_TRANSFORMATION], times, shift)
    return replace(metadata, resolution=resolution, place=place)


def _transformation(tag: Tag, times: float, shift: float) -> Tag:
    """Return the four rows of four numbers that take a column and a row of the new picture to the earth."""
    values = _numbers(tag)
    moved = shift / times - shift  # where the centre, or the corner, of its first pixel was
    for row in range(0, len(values) - 3, 4):
        across, down = values[row], values[row + 1]
        if row == 12:  # says that these are such numbers
            break
        values[row], values[row + 1] = across / times, down / times
        values[row + 3] += moved * (across + down)
    return _tag(tag, values)


def _places_are_centres(keys: Tag | None) -> bool:
    """Return whether the places in a picture that a GeoTIFF names are the centres of pixels."""
    if keys is None:
        return False
    kind, count, content = keys
    numbers = struct.unpack(f"<{count}H", content) if kind == 3 and len(content) == 2 * count else ()
    entries = [numbers[start : start + 4] for start in range(4, len(numbers) - 3, 4)]
    return any(entry[0] == _RASTER_TYPE and entry[1] == 0 and entry[3] == _IS_POINT for entry in entries)


def _changed(tag: Tag, change: Callable[[int, float], float]) -> Tag:
    return _tag(tag, [change(place, value) for place, value in enumerate(_numbers(tag))])


def _numbers(tag: Tag) -> list[float]:
    kind, count, content = tag
    return [*struct.unpack(f"<{count}d", content)] if kind == 12 and len(content) == 8 * count else []


def _tag(before: Tag, values: list[float]) -> Tag:
    return (before[0], len(values), struct.pack(f"<{len(values)}d", *values)) if values else before
