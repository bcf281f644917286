"""`check_discriminator` passes what works, and refuses what it cannot build."""

from __future__ import annotations

import pytest
import torch
from testing.good_networks import GoodDiscriminator
from torch import nn
from torch.nn import functional

from itrans.testing import check_discriminator


class Featureless(nn.Module):
    """Has no `features`, and judges at two scales."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels + condition_channels, 1, 4, stride=4)

    def forward(self, image, condition):
        seen = image if condition is None else torch.cat([condition, image], 1)
        return [self.layer(seen), self.layer(functional.avg_pool2d(seen, 2))]


class Conditional(GoodDiscriminator):
    """Takes nothing without a condition, and says so."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        if not condition_channels:
            raise ValueError("there has to be a condition")
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Forty(GoodDiscriminator):
    """Takes one size alone, which is none of those that are tried, and says so."""

    def forward(self, image, condition):
        if image.shape[2:] != (40, 40):
            raise ValueError("pictures of 40x40 only")
        return super().forward(image, condition)


class Noisy(GoodDiscriminator):
    """Adds noise to what it sees, from torch's own generator."""

    def forward(self, image, condition):
        return super().forward(image + 0.1 * torch.randn_like(image), condition)


class Loaded(GoodDiscriminator):
    """Would download weights, but not if a checkpoint's follow."""

    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        if initialize:
            self.first.bias.data.zero_()


@pytest.mark.parametrize("component", [GoodDiscriminator, Featureless, Conditional, Noisy, Loaded])
def test_good_discriminators_pass(component):
    check_discriminator(component)


def test_arguments_of_the_recipe_and_of_itrans_may_be_given():
    check_discriminator(GoodDiscriminator, filters=3)
    check_discriminator(GoodDiscriminator, in_channels=7, condition_channels=2, filters=1)
    check_discriminator(GoodDiscriminator, condition_channels=0)


def test_a_discriminator_of_one_size_passes_with_that_and_is_refused_without(faults_of):
    check_discriminator(Forty, 40)
    assert faults_of(check_discriminator, Forty) == [
        "With in_channels = 3 and condition_channels = 3 it raises ValueError: pictures of 40x40 only."
    ]


def test_a_discriminator_that_refuses_everything_is_named(faults_of):
    assert faults_of(check_discriminator, Conditional, condition_channels=0) == [
        "It refuses every number of channels that was tried: ValueError: there has to be a condition."
    ]
