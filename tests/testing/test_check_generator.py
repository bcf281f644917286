"""`check_generator` passes what works, and refuses what it cannot build."""

from __future__ import annotations

import pytest
import torch
from testing.good_networks import GoodGenerator
from torch import nn

from itrans.api import Noise
from itrans.testing import check_generator


class Rgb(GoodGenerator):
    """Takes three channels alone, and says so."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        if (in_channels, out_channels) != (3, 3):
            raise ValueError("pictures of 3 channels only")
        super().__init__(in_channels=3, out_channels=3)


class Forty(GoodGenerator):
    """Takes one size alone, which is none of those that are tried, and says so."""

    def forward(self, source):
        if source.shape[2:] != (40, 40):
            raise ValueError("pictures of 40x40 only")
        return super().forward(source)


class Noisy(GoodGenerator):
    """Random by what itrans has for that."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels + 1, out_channels=out_channels)
        self.noise = Noise()

    def forward(self, source):
        return super().forward(torch.cat([source, self.noise(source[:, :1])], 1))


class Drawing(GoodGenerator):
    """Random by torch's own generator, so that an output depends on the place in the batch."""

    def forward(self, source):
        return super().forward(source + 0.5 * torch.randn_like(source))


class Loaded(GoodGenerator):
    """Would download weights, but not if a checkpoint's follow."""

    def __init__(self, *, in_channels: int, out_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        if initialize:
            self.first.bias.data.zero_()


class Halves(GoodGenerator):
    size_multiple = 2

    def forward(self, source):
        pooled = nn.functional.avg_pool2d(source, 2)
        return nn.functional.interpolate(super().forward(pooled), scale_factor=2)


@pytest.mark.parametrize("component", [GoodGenerator, Rgb, Noisy, Drawing, Loaded, Halves])
def test_good_generators_pass(component):
    check_generator(component)


def test_arguments_of_the_recipe_and_of_itrans_may_be_given():
    check_generator(GoodGenerator, filters=3)
    check_generator(GoodGenerator, in_channels=7, out_channels=2, filters=1)


def test_a_generator_of_one_size_passes_with_that_and_is_refused_without(faults_of):
    check_generator(Forty, 40)
    assert faults_of(check_generator, Forty) == [
        "With in_channels = 3 and out_channels = 3 it raises ValueError: pictures of 40x40 only."
    ]


def test_a_generator_that_refuses_everything_is_named(faults_of):
    assert faults_of(check_generator, Rgb, in_channels=1) == [
        "It refuses every number of channels that was tried: ValueError: pictures of 3 channels only."
    ]
