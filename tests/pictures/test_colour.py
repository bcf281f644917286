"""Lightness and colours, against CIE Lab worked out from its definition."""

from __future__ import annotations

import numpy as np
import pytest

from itrans.api import lightness_and_ab, with_ab

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""From linear sRGB, white D65 (IEC 61966-2-1)."""


def lab_of(colour: tuple[int, int, int]) -> np.ndarray:
    """Return L, a and b of an sRGB colour, by the formulae of CIE 1976."""
    stored = np.array(colour) / 255
    linear = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    relative = TO_XYZ @ linear / TO_XYZ.sum(axis=1)
    x, y, z = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def picture(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.array([colours], np.uint8)


@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)]
)
def test_values_are_those_of_cie_lab_in_8_bits(colour):
    lightness, ab = lightness_and_ab(picture(colour))
    expected = lab_of(colour)

    assert abs(lightness[0, 0, 0] - expected[0] * 255 / 100) <= 1
    assert np.abs(ab[0, 0] - (expected[1:] + 128)).max() <= 1


def test_shapes_and_types():
    lightness, ab = lightness_and_ab(np.zeros((5, 7, 3), np.uint8))

    assert (lightness.shape, lightness.dtype) == ((5, 7, 1), np.uint8)
    assert (ab.shape, ab.dtype) == ((5, 7, 2), np.uint8)
    assert with_ab(lightness, ab).shape == (5, 7, 3)


def test_every_grey_comes_back():
    greys = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    lightness, ab = lightness_and_ab(greys)

    assert (ab == 128).all()
    assert np.abs(with_ab(lightness, ab).astype(int) - greys).max() <= 1


def test_colours_come_back_with_little_lost():
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    difference = np.abs(with_ab(*lightness_and_ab(colours)).astype(int) - colours)

    assert difference.mean() < 1.5


def test_another_lightness_keeps_the_hue():
    lightness, ab = lightness_and_ab(picture((180, 90, 60)))
    darker = with_ab(lightness // 2, ab)[0, 0]

    assert darker[0] > darker[1] > darker[2]
    assert darker[0] < 180
