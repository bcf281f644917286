"""`check_discriminator` names each fault of what does not work."""

from __future__ import annotations

import random
import socket

import pytest
import torch
from testing.good_networks import GoodDiscriminator
from torch import nn

from itrans.testing import check_discriminator


class Function:
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        pass

    def __call__(self, image, condition):
        return image


class Uncallable:
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        pass


class Paired(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition), None


class Sigmoid(GoodDiscriminator):
    """Makes probabilities, which losses take for logits."""

    def forward(self, image, condition):
        return super().forward(image, condition).sigmoid()


class Empty(GoodDiscriminator):
    def forward(self, image, condition):
        return []


class Flat(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition).flatten(1)


class Merging(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition).mean(dim=0, keepdim=True)


class Crowded(GoodDiscriminator):
    """Judges 1 picture otherwise than it judges 2."""

    def forward(self, image, condition):
        return super().forward(image, condition).squeeze(0)


class Tiny(GoodDiscriminator):
    """Makes nothing of what is odd."""

    def forward(self, image, condition):
        return super().forward(image, condition)[:, :, : 0 if image.shape[2] % 2 else None]


class Double(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition).double()


class Endless(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition).abs().log() * float("inf")


class Blind(GoodDiscriminator):
    def features(self, image, condition):
        return super().features(image, None if condition is None else torch.zeros_like(condition))


class AlwaysConditional(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image, condition * 1)


class SingleFeature(GoodDiscriminator):
    def features(self, image, condition):
        return super().features(image, condition)[0]

    def forward(self, image, condition):
        return self.last(self.features(image, condition))


class DetachedFeatures(GoodDiscriminator):
    def features(self, image, condition):
        return [feature.detach() for feature in super().features(image, condition)]

    def forward(self, image, condition):
        return self.last(super().features(image, condition)[0])


class Detached(GoodDiscriminator):
    def forward(self, image, condition):
        return super().forward(image.detach(), condition)


class Idle(GoodDiscriminator):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.spare = nn.Linear(2, 2)


class Frozen(GoodDiscriminator):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.requires_grad_(False)


class Kinked(GoodDiscriminator):
    """Has a root where it is infinitely steep."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, image, condition):
        return super().forward(image, condition) + self.level.abs().sqrt()


class Restless(GoodDiscriminator):
    def forward(self, image, condition):
        if not self.training:
            return super().forward(image, condition)
        return super().forward(image, condition) + random.Random().random()


class Seeding(GoodDiscriminator):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        torch.manual_seed(0)
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Forgetful(GoodDiscriminator):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        self.gain = 1 + float(torch.rand(()))

    def forward(self, image, condition):
        return super().forward(image, condition) * self.gain


class Unsavable(GoodDiscriminator):
    def get_extra_state(self):
        return {"made": type(self)}

    def set_extra_state(self, state):
        pass


class Downloading(GoodDiscriminator):
    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        if not initialize:
            socket.getaddrinfo("localhost", 9)
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)


class Whimsical(GoodDiscriminator):
    """Has another buffer if a checkpoint's weights follow."""

    def __init__(self, *, in_channels: int, condition_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, condition_channels=condition_channels)
        if initialize:
            self.register_buffer("drawn", torch.zeros(1))

    def load_state_dict(self, state):
        return super().load_state_dict(state, strict=False)


class InMemory(GoodDiscriminator):
    """Takes it that channels lie before rows in memory."""

    def forward(self, image, condition):
        shuffled = torch.as_strided(image, image.shape, image.new_empty(image.shape).stride())
        return super().forward(shuffled, condition)


class HalfBroken(GoodDiscriminator):
    """Has an overflow in bf16 alone."""

    def forward(self, image, condition):
        logits = super().forward(image, condition)
        return logits.float() / (logits.dtype == torch.float32)


class Stubborn(GoodDiscriminator):
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
        (Paired, ["It should return a tensor of logits, or a list of some, but returns tuple."]),
        (Empty, ["It should return a tensor of logits, or a list of some, but returns list."]),
        (Flat, ["From 2 pictures it should make logits (2, 1, H', W'), but makes (2, 64)."]),
        (Merging, ["From 2 pictures it should make logits (2, 1, H', W'), but makes (1, 1, 8, 8)."]),
        (Crowded, ["From 1 picture it should make logits (1, 1, H', W'), but makes (1, 8, 8)."]),
        (Tiny, ["From 2 pictures it should make logits (2, 1, H', W'), but makes (2, 1, 0, 16)."]),
        (Double, ["Its logits should be float32, but are torch.float64."]),
        (Endless, ["Its logits should be finite, but are not."]),
        (Blind, ["With condition_channels above 0 its logits should depend on the condition, but do not."]),
        (AlwaysConditional, ["With in_channels = 3 and condition_channels = 0 it raises TypeError: "]),
        (SingleFeature, ["features(image, condition) should return a list of tensors, but returns Tensor."]),
        (DetachedFeatures, ["Gradients should flow through features() to the picture, but do not: losses compare"]),
        (Detached, ["A gradient should reach the picture that it judges, for a generator to learn, but none does."]),
        (Sigmoid, ["Its logits should be of either sign, and lie between 0 and 1: leave out the sigmoid"]),
        (Idle, ["No gradient reaches spare.weight, spare.bias: every parameter should have a part"]),
        (Frozen, ["It has no parameters to train; each network of a method has an optimiser."]),
        (Kinked, ["Gradients should be finite, and those of level are not."]),
        (Restless, ["Built and used twice from one seed, it should give the same logits, but gives others"]),
        (Seeding, ["It seeds the random numbers of torch, from which others draw too"]),
        (Forgetful, ["Built again and given its state_dict(), it should compute the same, but does not"]),
        (Unsavable, ["Its state_dict(), saved, and loaded with weights_only=True as checkpoints are, raises Unpick"]),
        (Downloading, ["Built with initialize = False, which should read and download nothing, it raises Connection"]),
        (Whimsical, ["With initialize = False its state_dict() should have the same names and shapes as with True"]),
        (InMemory, ["From pictures that are channels last in memory it should make the same as from others, but does"]),
        (HalfBroken, [f"{BF16}its output should be finite", f"{CAST}its output should be finite"]),
        (Stubborn, [f"{CAST}it raises RuntimeError"]),
    ],
)
def test_faults_of_discriminators_are_named(component, sentences, faults_of):
    faults = faults_of(check_discriminator, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences
