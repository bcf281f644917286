"""The Charbonnier loss, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from itrans.api import LOSSES, Translated


def value(difference, **arguments):
    target = torch.zeros(1, 3, 4, 4)
    return float(LOSSES.get("charbonnier")(**arguments)(Translated(target, target, target + difference)))


@pytest.mark.parametrize("difference", [0.0, 0.001, -0.5, 2.0])
@pytest.mark.parametrize("epsilon", [0.001, 0.1])
def test_it_is_the_root_of_the_squares(difference, epsilon):
    assert value(difference, epsilon=epsilon) == pytest.approx(math.sqrt(difference**2 + epsilon**2), rel=1e-5)


def test_it_has_a_gradient_where_l1_has_none():
    output = torch.zeros(1, 1, 2, 2, requires_grad=True)
    LOSSES.get("charbonnier")()(Translated(output.detach(), output.detach(), output)).backward()
    assert torch.equal(output.grad, torch.zeros_like(output))
