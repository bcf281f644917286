"""The cross entropy between planes and classes."""

from __future__ import annotations

import math

import pytest
import torch

from itrans.api import LOSSES, DataError, Translated

TARGET = torch.tensor([[[[1.0, -1.0, -1.0]], [[-1.0, 1.0, -1.0]]]])
"""Three pixels: class 0, class 1, and no class; (1, 2, 1, 3)."""


def loss_of(output, target=TARGET, **arguments):
    loss = LOSSES.build({"name": "cross_entropy", **arguments})
    return loss(Translated(torch.zeros(1, 3, 1, 3), target, output))


def test_undecided_planes_cost_the_logarithm_of_the_classes():
    assert loss_of(torch.zeros(1, 2, 1, 3)).item() == pytest.approx(math.log(2))


def test_sharpness_makes_planes_logits():
    # one plane 2 above the other, at sharpness 3: -log p = log(1 + exp(-6))
    assert loss_of(TARGET.clone(), sharpness=3.0).item() == pytest.approx(math.log1p(math.exp(-6)), rel=1e-4)


def test_pixels_without_a_class_have_no_gradient():
    output = torch.zeros(1, 2, 1, 3, requires_grad=True)
    loss_of(output).backward()
    assert output.grad[..., :2].abs().min() > 0
    assert output.grad[..., 2].abs().max() == 0


def test_weights_count():
    output = torch.tensor([[[[0.1, 0.1, 0.0]], [[0.0, 0.0, 0.0]]]])
    right, wrong = math.log1p(math.exp(-1)), math.log1p(math.exp(1))  # class 0 is one logit ahead at sharpness 10
    assert loss_of(output).item() == pytest.approx((right + wrong) / 2, rel=1e-5)
    assert loss_of(output, weights=[1.0, 3.0]).item() == pytest.approx((right + 3 * wrong) / 4, rel=1e-5)


def test_a_batch_without_classes_costs_nothing():
    output = torch.zeros(1, 2, 1, 3, requires_grad=True)
    loss = loss_of(output, -torch.ones(1, 2, 1, 3))
    loss.backward()
    assert loss.item() == 0
    assert output.grad.abs().max() == 0


def test_weights_must_fit_the_classes():
    with pytest.raises(DataError, match="3 weights, and the label maps have 2 classes"):
        loss_of(torch.zeros(1, 2, 1, 3), weights=[1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="all weights are 0"):
        loss_of(torch.zeros(1, 2, 1, 3), weights=[0.0, 0.0])
