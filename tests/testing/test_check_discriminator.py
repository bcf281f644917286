"""`check_discriminator` passes what works, and names each fault of what does not."""

from __future__ import annotations

import random
import socket

import pytest
import torch
from torch import nn
from torch.nn import functional

from itrans.testing import check_discriminator


class Good(nn.Module):
    """A discriminator as it should be, to be spoilt."""

    def __init__(self, *, in_channels: int, condition_channels: int, filters: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels + condition_channels, filters, 4, stride=4)
        self.last = nn.Conv2d(filters, 1, 1)

    def features(self, image, condition):
        seen = image if condition is None else torch.cat([condition, image], 1)
        return [functional.leaky_relu(self.first(seen), 0.2)]

    def forward(self, image, condition):
        return self.last(self.features(image, condition)[-1])


class Featureless(nn.Module):
    """Has no `features`, and judges at two scales."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels + condition_channels, 1, 4, stride=4)

    def forward(self, image, condition):
        seen = image if condition is None else torch.cat([condition, image], 1)
        return [self.layer(seen), self.layer(functional.avg_pool2d(seen, 2))]


class Conditional(Good):
    """Takes nothing without a condition, and says so."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        if not condition_channels:
            raise ValueError("there has to be a condition")
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Forty(Good):
    """Takes one size alone, which is none of those that are tried, and says so."""

    def forward(self, image, condition):
        if image.shape[2:] != (40, 40):
            raise ValueError("pictures of 40x40 only")
        return super().forward(image, condition)


class Noisy(Good):
    """Adds noise to what it sees, from torch's own generator."""

    def forward(self, image, condition):
        return super().forward(image + 0.1 * torch.randn_like(image), condition)


class Loaded(Good):
    """Would download weights, but not if a checkpoint's follow."""

    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        if initialize:
            self.first.bias.data.zero_()


@pytest.mark.parametrize("component", [Good, Featureless, Conditional, Noisy, Loaded])
def test_good_discriminators_pass(component):
    check_discriminator(component)


def test_arguments_of_the_recipe_and_of_itrans_may_be_given():
    check_discriminator(Good, filters=3)
    check_discriminator(Good, in_channels=7, condition_channels=2, filters=1)
    check_discriminator(Good, condition_channels=0)


def test_a_discriminator_of_one_size_passes_with_that_and_is_refused_without(faults_of):
    check_discriminator(Forty, 40)
    assert faults_of(check_discriminator, Forty) == [
        "With in_channels = 3 and condition_channels = 3 it raises ValueError: pictures of 40x40 only."
    ]


def test_a_discriminator_that_refuses_everything_is_named(faults_of):
    assert faults_of(check_discriminator, Conditional, condition_channels=0) == [
        "It refuses every number of channels that was tried: ValueError: there has to be a condition."
    ]


class Function:
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        pass

    def __call__(self, image, condition):
        return image


class Uncallable:
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        pass


class Paired(Good):
    def forward(self, image, condition):
        return super().forward(image, condition), None


class Empty(Good):
    def forward(self, image, condition):
        return []


class Flat(Good):
    def forward(self, image, condition):
        return super().forward(image, condition).flatten(1)


class Merging(Good):
    def forward(self, image, condition):
        return super().forward(image, condition).mean(dim=0, keepdim=True)


class Crowded(Good):
    """Judges 1 picture otherwise than it judges 2."""

    def forward(self, image, condition):
        return super().forward(image, condition).squeeze(0)


class Tiny(Good):
    """Makes nothing of what is odd."""

    def forward(self, image, condition):
        return super().forward(image, condition)[:, :, : 0 if image.shape[2] % 2 else None]


class Double(Good):
    def forward(self, image, condition):
        return super().forward(image, condition).double()


class Endless(Good):
    def forward(self, image, condition):
        return super().forward(image, condition).abs().log() * float("inf")


class Blind(Good):
    def features(self, image, condition):
        return super().features(image, None if condition is None else torch.zeros_like(condition))


class AlwaysConditional(Good):
    def forward(self, image, condition):
        return super().forward(image, condition * 1)


class SingleFeature(Good):
    def features(self, image, condition):
        return super().features(image, condition)[0]

    def forward(self, image, condition):
        return self.last(self.features(image, condition))


class DetachedFeatures(Good):
    def features(self, image, condition):
        return [feature.detach() for feature in super().features(image, condition)]

    def forward(self, image, condition):
        return self.last(super().features(image, condition)[0])


class Detached(Good):
    def forward(self, image, condition):
        return super().forward(image.detach(), condition)


class Idle(Good):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.spare = nn.Linear(2, 2)


class Frozen(Good):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.requires_grad_(False)


class Kinked(Good):
    """Has a root where it is infinitely steep."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, image, condition):
        return super().forward(image, condition) + self.level.abs().sqrt()


class Restless(Good):
    def forward(self, image, condition):
        if not self.training:
            return super().forward(image, condition)
        return super().forward(image, condition) + random.Random().random()


class Seeding(Good):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        torch.manual_seed(0)
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Forgetful(Good):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.gain = 1 + float(torch.rand(()))

    def forward(self, image, condition):
        return super().forward(image, condition) * self.gain


class Unsavable(Good):
    def get_extra_state(self):
        return {"made": type(self)}

    def set_extra_state(self, state):
        pass


class Downloading(Good):
    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        if not initialize:
            socket.getaddrinfo("localhost", 9)
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Whimsical(Good):
    """Has another buffer if a checkpoint's weights follow."""

    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        if initialize:
            self.register_buffer("drawn", torch.zeros(1))

    def load_state_dict(self, state):
        return super().load_state_dict(state, strict=False)


class InMemory(Good):
    """Takes it that channels lie before rows in memory."""

    def forward(self, image, condition):
        shuffled = torch.as_strided(image, image.shape, image.new_empty(image.shape).stride())
        return super().forward(shuffled, condition)


class HalfBroken(Good):
    """Has an overflow in bf16 alone."""

    def forward(self, image, condition):
        logits = super().forward(image, condition)
        return logits.float() / (logits.dtype == torch.float32)


class Stubborn(Good):
    """Computes in fp32 whatever autocast is set to, and takes it that its weights are in fp32."""

    def forward(self, image, condition):
        with torch.autocast("cpu", enabled=False):
            return super().forward(image, condition)


BF16 = "In bf16 (torch.autocast), "
CAST = f"{BF16}with the weights of convolutions and linear layers in bf16, as translating has them, "


@pytest.mark.parametrize(
    ("component", "sentences"),
    [
        (Uncallable, ["It has no __call__(), which itrans calls."]),
        (Function, ["With in_channels = 3 and condition_channels = 3 it raises TypeError: it should be a torch.nn.M"]),
        (Paired, ["It should return a tensor of logits, or a list of some, and returns tuple."]),
        (Empty, ["It should return a tensor of logits, or a list of some, and returns list."]),
        (Flat, ["Of 2 pictures it should make logits (2, 1, H', W'), and makes (2, 64)."]),
        (Merging, ["Of 2 pictures it should make logits (2, 1, H', W'), and makes (1, 1, 8, 8)."]),
        (Crowded, ["Of 1 picture it should make logits (1, 1, H', W'), and makes (1, 8, 8)."]),
        (Tiny, ["Of 2 pictures it should make logits (2, 1, H', W'), and makes (2, 1, 0, 16)."]),
        (Double, ["Its logits should be float32, and are torch.float64."]),
        (Endless, ["Its logits should be finite, and are not."]),
        (Blind, ["With condition_channels above 0 its logits should depend on the condition, and do not."]),
        (AlwaysConditional, ["With in_channels = 3 and condition_channels = 0 it raises TypeError: "]),
        (SingleFeature, ["features(image, condition) should return a list of tensors, and returns Tensor."]),
        (DetachedFeatures, ["Gradients should flow through features() to the picture, and do not: losses compare"]),
        (Detached, ["A gradient should reach the picture that it judges, for a generator to learn, and none does."]),
        (Idle, ["No gradient reaches spare.weight, spare.bias: every parameter should have a part"]),
        (Frozen, ["It has no parameters to train; each network of a method has an optimiser."]),
        (Kinked, ["Gradients should be finite, and those of level are not."]),
        (Restless, ["Built and used twice from one seed, it should give the same logits, and gives others"]),
        (Seeding, ["It seeds the random numbers of torch, from which others draw too"]),
        (Forgetful, ["Built again and given its state_dict(), it should compute the same, and does not"]),
        (Unsavable, ["Its state_dict(), saved, and loaded with weights_only=True as checkpoints are, raises Unpick"]),
        (Downloading, ["Built with initialize = False, which should read and download nothing, it raises Connection"]),
        (Whimsical, ["With initialize = False its state_dict() should have the same names and shapes as with True"]),
        (InMemory, ["Of pictures that lie channels last in memory it should make the same as of others, and does"]),
        (HalfBroken, [f"{BF16}its output should be finite", f"{CAST}its output should be finite"]),
        (Stubborn, [f"{CAST}it raises RuntimeError"]),
    ],
)
def test_faults_of_discriminators_are_named(component, sentences, faults_of):
    faults = faults_of(check_discriminator, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences
