"""`check_generator` names each fault of what does not work."""

from __future__ import annotations

import random
import socket

import numpy as np
import pytest
import torch
from testing.good_networks import GoodGenerator
from torch import nn

from itrans.testing import check_generator


class Small(GoodGenerator):
    def forward(self, source):
        return super().forward(source)[:, :, ::2, ::2]


class Loud(GoodGenerator):
    def forward(self, source):
        return super().forward(source) * 9 + 5


class Double(GoodGenerator):
    def forward(self, source):
        return super().forward(source).double()


class Endless(GoodGenerator):
    def forward(self, source):
        return super().forward(source) / 0


class Listing(GoodGenerator):
    def forward(self, source):
        return [super().forward(source)]


class Function:
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        pass

    def __call__(self, source):
        return source


class Crowded(GoodGenerator):
    """Batch normalisation of vectors, which takes no batch of 1 in training."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, source):
        output = super().forward(source)
        return (output + self.norm(output.mean((2, 3)))[:, :, None, None]).tanh()


class Idle(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.spare = nn.Linear(2, 2)


class Frozen(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.requires_grad_(False)


class Detached(GoodGenerator):
    @torch.no_grad()
    def forward(self, source):
        return super().forward(source)


class Forgetful(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.gain = float(torch.rand(()))

    def forward(self, source):
        return super().forward(source) * self.gain


class Unsavable(GoodGenerator):
    def get_extra_state(self):
        return {"made": type(self)}

    def set_extra_state(self, state):
        pass


class Restless(GoodGenerator):
    def forward(self, source):
        return (super().forward(source) + float(np.random.default_rng().uniform(-0.1, 0.1))).tanh()


class Seeding(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        torch.manual_seed(0)
        super().__init__(in_channels=in_channels, out_channels=out_channels)


class SeedingOthers(GoodGenerator):
    def forward(self, source):
        random.seed(0)
        return super().forward(source)


class Sociable(GoodGenerator):
    """Shifts a picture by the mean of its batch."""

    def forward(self, source):
        return super().forward(source - source.mean(0, keepdim=True))


class Picky(GoodGenerator):
    def forward(self, source):
        assert source.shape[2] == source.shape[3], "squares only"
        return super().forward(source)


class InMemory(GoodGenerator):
    """Takes it that channels lie before rows in memory."""

    def forward(self, source):
        shuffled = torch.as_strided(source, source.shape, source.new_empty(source.shape).stride())
        return super().forward(shuffled)


class Stubborn(GoodGenerator):
    """Computes in fp32 whatever autocast is set to, and takes it that its weights are in fp32."""

    def forward(self, source):
        with torch.autocast("cpu", enabled=False):
            return super().forward(source.float())


class HalfBroken(GoodGenerator):
    """Has an overflow in bf16 alone."""

    def forward(self, source):
        output = self.first(source).relu()
        return self.last(output).tanh() / (output.dtype == torch.float32)


class Square(GoodGenerator):
    """Makes pictures of one size, whatever the size of the source."""

    def forward(self, source):
        return nn.functional.interpolate(super().forward(source), (32, 32))


class Kinked(GoodGenerator):
    """Has a root where it is infinitely steep."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, source):
        return (super().forward(source) + self.level.abs().sqrt()).tanh()


class Refusing(GoodGenerator):
    """Has a condition that no message goes with."""

    def forward(self, source):
        if source.shape[0] == 1:
            raise RuntimeError
        return super().forward(source)


class Uncopied(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.pictures = (picture for picture in [])


class Whimsical(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, filters=3 if initialize else 2)


class Downloading(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int, initialize: bool = True) -> None:
        if not initialize:
            socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()
        super().__init__(in_channels=in_channels, out_channels=out_channels)


class Halved(GoodGenerator):
    size_multiple = 0.5


class HalvedLater(GoodGenerator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.size_multiple = 0


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Small, "From a source (2, 3, 32, 32) (N, C, H, W) it should make (2, 3, 32, 32), but makes (2, 3, 16, 16)."),
        (Loud, "Its output should be in [-1, 1], but reaches"),
        (Double, "Its output should be float32, but is torch.float64."),
        (Endless, "Its output should be finite"),
        (Listing, "It should return a tensor, but returns list."),
        (Function, "it should be a torch.nn.Module, but is Function."),
        (Crowded, "it raises ValueError: Expected more than 1 value per channel"),
        (Idle, "No gradient reaches spare.weight, spare.bias: every parameter should have a part"),
        (Detached, "No gradient reaches first.weight, first.bias, last.weight, last.bias: every parameter should"),
        (Frozen, "It has no parameters to train"),
        (Forgetful, "Built again and given its state_dict(), it should compute the same, but does not"),
        (Unsavable, "Its state_dict(), saved, and loaded with weights_only=True as checkpoints are, raises"),
        (Restless, "Built and used twice from one seed, it should give one output, but gives two"),
        (Restless, "In the mode running it should give one output for one source and seed, but gives two."),
        (Seeding, "It seeds the random numbers of torch"),
        (SeedingOthers, "It seeds the random numbers of random"),
        (Sociable, "In the mode paper a picture's output should not depend on the others in the batch, but does."),
        (Sociable, "In the mode running a picture's output should not depend on the others in the batch, but does."),
        (Picky, "a picture of 32x33 (width x height) raises AssertionError: squares only."),
        (
            InMemory,
            "From pictures that are channels last in memory it should make the same as from others, but does not.",
        ),
        (HalfBroken, "In bf16 (torch.autocast), its output should be finite and of the shape that it has in fp32"),
        (Square, "From a picture of 59x29 it should make one of that size, but makes 32x32."),
        (Kinked, "Gradients should be finite, and those of level are not."),
        (Refusing, "With in_channels = 3 and out_channels = 3 it raises RuntimeError."),
        (Stubborn, "In bf16 (torch.autocast), with the weights of convolutions and linear layers in bf16"),
        (Uncopied, "Copied with copy.deepcopy(), as averaged weights are, it raises TypeError"),
        (Whimsical, "With initialize = False its state_dict() should have the same names and shapes as with True"),
        (Downloading, "which should read and download nothing, it raises ConnectionError"),
        (Halved, "size_multiple should be a whole number from 1, but is 0.5."),
        (HalvedLater, "size_multiple should be a whole number from 1, but is 0."),
    ],
)
def test_faults_of_generators_are_named(component, sentence, faults_of):
    assert [fault for fault in faults_of(check_generator, component) if sentence in fault]
