"""A picture that has become larger lies at the same place, and its pixels are smaller."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest

from itrans.pictures.georeference import with_scale
from itrans.pictures.metadata import Metadata

POINT = (3, 8, struct.pack("<8H", 1, 1, 0, 1, 1025, 0, 1, 2))
AREA = (3, 8, struct.pack("<8H", 1, 1, 0, 1, 1025, 0, 1, 1))


def doubles(*values):
    return 12, len(values), struct.pack(f"<{len(values)}d", *values)


def numbers(tag):
    return struct.unpack(f"<{tag[1]}d", tag[2])


def place_of(metadata, column, row):
    """Return where on the earth a place in a picture lies, in the way that its tags say it."""
    place = metadata.place
    if 34264 in place:
        matrix = np.reshape(numbers(place[34264]), (4, 4))
        return tuple((matrix @ [column, row, 0, 1])[:2])
    across, down, _ = numbers(place[33550])
    i, j, _, x, y, _ = numbers(place[33922])
    return x + (column - i) * across, y - (row - j) * down


SCALED = {33550: doubles(10, 12, 0), 33922: doubles(3, 4, 0, 500, 700, 0)}
ROTATED = {34264: doubles(8, 2, 0, 100, -2, 8, 0, 200, 0, 0, 1, 0, 0, 0, 0, 1)}


@pytest.mark.parametrize("tags", [SCALED, ROTATED], ids=["scale", "transformation"])
@pytest.mark.parametrize("scale", [2, 4, Fraction(1, 2)])
def test_corners_of_pixels_stay_where_they_are(tags, scale):
    before = Metadata(place={**tags, 34735: AREA})
    after = with_scale(before, Fraction(scale))
    for column, row in ((0, 0), (5, 7)):
        assert place_of(after, column * scale, row * scale) == pytest.approx(place_of(before, column, row))


@pytest.mark.parametrize("tags", [SCALED, ROTATED], ids=["scale", "transformation"])
def test_so_it_is_where_places_are_the_centres_of_pixels(tags):
    before = Metadata(place={**tags, 34735: POINT})
    after = with_scale(before, Fraction(2))
    for column, row in ((0, 0), (5, 7)):  # its centre is that of the four pixels that it has become
        assert place_of(after, 2 * column + 0.5, 2 * row + 0.5) == pytest.approx(place_of(before, column, row))


def test_pixels_per_inch_are_more():
    assert with_scale(Metadata(resolution=(300.0, 150.0)), Fraction(2)).resolution == (600, 300)
    same = Metadata(resolution=(300.0, 150.0), place=SCALED)
    assert with_scale(same, Fraction(1)) is same


def test_tags_that_make_no_sense_stay():
    odd = {33550: (3, 1, b"\0\0"), 34264: (12, 16, b"short"), 34735: (3, 8, b"")}
    assert with_scale(Metadata(place=odd), Fraction(2)).place == odd
