from __future__ import annotations

import math

import pytest
import torch

from itrans.metrics.measuring import count, meters_for
from itrans.pictures.spec import ImageSpec


def scores_of(*triples):
    source, target = (ImageSpec(side.shape[1]) for side in triples[0][::2])
    meters = meters_for(("l1", "psnr", "ssim"), source, target, torch.device("cpu"))
    for source, output, true in triples:
        count(meters, source, output, true, target)
    return {meter.name: value for meter in meters if (value := meter.result()) is not None}


def constant(value, size=16, channels=3, count=1):
    return torch.full((count, channels, size, size), float(value))


def test_constant_pictures_have_the_values_of_the_definitions():
    # on a scale from 0 to 1: target 0.5, output 0.6, source 0.9
    found = scores_of((constant(0.8), constant(0.2), constant(0.0)))
    assert found["l1"] == pytest.approx(0.1)
    assert found["source_l1"] == pytest.approx(0.4)
    assert found["psnr"] == pytest.approx(-20 * math.log10(0.1), rel=1e-5)
    # Wang et al. (2004) with sigma = 0: (2ab + c1) / (a^2 + b^2 + c1), c1 = 0.01^2
    assert found["ssim"] == pytest.approx((2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4), rel=1e-4)


def test_equal_pictures_score_perfectly_and_finitely():
    image = torch.rand(2, 3, 16, 16) * 2 - 1
    found = scores_of((image, image, image))
    assert (found["l1"], found["source_l1"]) == (0, 0)
    assert found["ssim"] == pytest.approx(1, abs=1e-5)
    assert found["psnr"] == 100


def test_the_mean_is_over_pictures_not_over_batches():
    one, three = (constant(0, count=1),) * 2, (constant(0, count=3),) * 2
    found = scores_of((*one, constant(1.0)), (*three, constant(0, count=3)))
    assert found["l1"] == pytest.approx(0.5 / 4)


def test_what_cannot_be_told_is_absent():
    found = scores_of((constant(0, size=8, channels=1), constant(0, size=8), constant(0, size=8)))
    assert set(found) == {"l1", "psnr"}


def test_reduced_precision_of_the_network_does_not_reach_the_metrics():
    torch.manual_seed(0)
    target = torch.rand(2, 3, 32, 32) * 2 - 1
    output = (target + 0.1 * torch.randn_like(target)).clamp(-1, 1)
    expected = scores_of((target, output, target))
    with torch.autocast("cpu", torch.bfloat16):
        assert scores_of((target, output, target)) == pytest.approx(expected, rel=1e-5)
