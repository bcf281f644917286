"""The Brownian bridge: what it is on the way, and how one gets back."""

from __future__ import annotations

import pytest
import torch

from itrans_bridge.process import BrownianBridge, times


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_it_begins_at_the_target_and_ends_at_the_other_end():
    target, end = noise(2, 3, 4, 4), noise(2, 3, 4, 4, seed=1)
    found = BrownianBridge(1.0).at(torch.tensor([0.0, 1.0]), target, end, noise(2, 3, 4, 4, seed=2))
    assert torch.equal(found, torch.stack([target[0], end[1]]))


@pytest.mark.parametrize("variance", [0.5, 2.0])
def test_half_way_it_has_the_mean_of_both_and_half_the_variance(variance):
    """Section 3.2 of arXiv 2205.07680: the variance is largest at T / 2, and s / 2 there."""
    many = 40_000
    time, target, end = torch.full((many,), 0.5), torch.full((many, 1, 1, 1), -1.0), torch.full((many, 1, 1, 1), 0.6)
    found = BrownianBridge(variance).at(time, target, end, noise(many, 1, 1, 1))
    assert float(found.mean()) == pytest.approx(-0.2, abs=0.03)
    assert float(found.var()) == pytest.approx(variance / 2, rel=0.03)
    assert BrownianBridge(variance).deviation(0.5) ** 2 == pytest.approx(variance / 2)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_way_back_ends_at_the_target_if_it_is_predicted(steps, share):
    target, end = noise(2, 1, 4, 4), noise(2, 1, 4, 4, seed=1)
    later = [noise(2, 1, 4, 4, seed=3 + step) for step in range(max(0, steps - 2))]
    calls = []

    def predict(_picture, now):
        calls.append(now)
        return target

    found = BrownianBridge(1.0).back(predict, end, noise(2, 1, 4, 4, seed=2), later, steps, share)
    assert torch.equal(found, target)
    assert calls == times(steps)[:-1]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_on_the_way_back_pictures_are_as_noisy_as_in_training(share):
    """Whatever is drawn anew, the mean and the variance are those of the bridge, as the network has learned them."""
    process, steps, many = BrownianBridge(1.0), 5, 40_000
    target, end = torch.full((many, 1, 1, 1), -0.5), torch.full((many, 1, 1, 1), 1.0)
    seen = []

    def predict(picture, now):
        seen.append((now, float(picture.mean()), float(picture.std())))
        return target

    later = [noise(many, 1, 1, 1, seed=step + 1) for step in range(steps - 2)]
    process.back(predict, end, noise(many, 1, 1, 1), later, steps, share)
    for now, mean, deviation in seen:
        assert mean == pytest.approx((1 - now) * -0.5 + now, abs=0.02)
        assert deviation == pytest.approx(process.deviation(now), abs=0.02)


def test_what_is_drawn_from_the_end_is_all_that_the_bridge_has():
    process = BrownianBridge(0.7)
    assert process.drawn_deviation(1.0, 0.3) == pytest.approx(process.deviation(0.3))
    assert process.drawn_deviation(0.4, 0.4) == 0


def test_times_fall_from_one_to_zero():
    found = times(20)
    assert (found[0], found[-1], len(found)) == (1, 0, 21)
    assert found == sorted(found, reverse=True)
