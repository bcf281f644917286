"""What counts as a scale, and what does not."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch

from itrans.api import PluginError, scale_of
from itrans.scales import scaled


@pytest.mark.parametrize(
    ("given", "scale"),
    [(1, 1), (2, 2), (3.0, 3), (Fraction(1, 2), Fraction(1, 2)), (0.5, Fraction(1, 2)), (1.5, Fraction(3, 2))],
)
def test_a_scale_is_a_number_or_a_fraction(given, scale):
    assert scale_of(SimpleNamespace(scale=given)) == scale


def test_without_one_it_is_1():
    assert scale_of(object()) == 1


@pytest.mark.parametrize("own", [255.0, 255, 0.1, 64**-0.5, True, None, torch.nn.Parameter(torch.ones(2)), len])
def test_something_else_of_that_name_is_left_alone(own):
    assert scale_of(SimpleNamespace(scale=own)) == 1


@pytest.mark.parametrize("given", [0, -2, Fraction(-1, 2), "2"])
def test_nonsense_is_refused(given):
    with pytest.raises(PluginError, match=r"scale of SimpleNamespace.*Fraction\(1, 2\)"):
        scale_of(SimpleNamespace(scale=given))


def test_a_method_s_is_that_of_its_generators():
    networks = {"encoder": object(), "generator": SimpleNamespace(scale=3), "discriminator": SimpleNamespace(scale=2)}
    assert scale_of(SimpleNamespace(networks=networks, generators=("encoder", "generator"))) == 3


def test_sides_are_rounded_up():
    assert [scaled(side, Fraction(1, 2)) for side in (1, 2, 3)] == [1, 1, 2]
    assert scaled(7, Fraction(3)) == 21
