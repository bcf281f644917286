"""`quick_faults` names the faults that can be told at once."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from testing.small_components import Adversarial, Discriminator, Generator, Loss, Method
from torch import nn

from itrans.api import Split
from itrans.testing import quick_faults


class Halving(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        nn.Conv2d.__init__(self, in_channels, out_channels, 2, stride=2)


class Listing(Generator):
    def forward(self, source):
        return [super().forward(source)]


class Mismatched(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        nn.Conv2d.__init__(self, 5, out_channels, 3)


class Late(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.size_multiple = -1


class Exiting(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        sys.exit("no")


class Computed(Generator):
    @property
    def size_multiple(self):
        raise KeyError("size_multiple")


class Flat(Discriminator):
    def forward(self, image, condition):
        return super().forward(image, condition).flatten(1)


class TwoScales(Discriminator):
    def forward(self, image, condition):
        logits = super().forward(image, condition)
        return [logits, torch.cat([logits, logits], 1)]


class Vector(Loss):
    def __call__(self, translated):
        return (translated.output - translated.target).mean((1, 2, 3))


class Number(Loss):
    def __call__(self, translated):
        return 0.0


class VectorAdversarial(Adversarial):
    def generator(self, fake_logits):
        return -fake_logits


class Roleless:
    pass


class Unsized:
    def __init__(self, *, split: Split) -> None:
        pass

    def __getitem__(self, index):
        pass


class Directed(Method):
    directions = ()


class Unannotated(Method):
    def __init__(self, *, build_generator: Any, losses: Any, pool=50) -> None:
        pass


class Raising(type):
    @property
    def size_multiple(cls):
        raise KeyError("size_multiple")


class Nasty(Generator, metaclass=Raising):
    pass


@pytest.mark.parametrize(
    ("kind", "component", "fault"),
    [
        (
            "generator",
            Halving,
            "From a source (2, 3, 256, 256) (N, C, H, W) it should make (2, 4, 256, 256), but makes",
        ),
        ("generator", Listing, "It should return a tensor (2, 4, 256, 256) (N, C, H, W), but returns list."),
        ("generator", Mismatched, "With the defaults of its arguments it raises RuntimeError: "),
        ("generator", Late, "size_multiple should be a whole number from 1, but is -1."),
        ("generator", Exiting, "With the defaults of its arguments it raises SystemExit: no."),
        ("generator", Computed, "With the defaults of its arguments it raises KeyError: 'size_multiple'."),
        ("generator", Nasty, "Looking at it raises KeyError: 'size_multiple'."),
        ("generator", Loss, 'It takes no "in_channels", which itrans offers'),
        ("discriminator", Flat, "From 2 pictures it should make logits (2, 1, H', W'), but makes (2, 4096)."),
        ("discriminator", TwoScales, "From 2 pictures it should make logits (2, 1, H', W'), but makes (2, 2, 64, 64)."),
        ("loss", Vector, "It should give a tensor of no dimensions, but gives one of shape (2,)."),
        ("loss", Number, "It should give a tensor of no dimensions, but gives none."),
        ("loss", VectorAdversarial, "generator() should give a tensor of no dimensions, but gives one of shape (2, 1"),
        ("loss", Roleless, "It has no role: say role = "),
        ("loss", lambda **rest: None, "It takes any keyword (**), so a mistyped key of a recipe would pass"),
        ("loss", 3, "Its arguments cannot be read (3 is not a callable object), so recipes cannot be checked"),
        ("dataset", Unsized, "It has no __len__(), which itrans calls."),
        ("method", Directed, "directions should be a tuple of the names that translate() takes, but is ()."),
        ("method", Unannotated, 'Its argument "pool" has no annotation'),
    ],
)
def test_faults_are_named(kind, component, fault):
    found = quick_faults(kind, component)
    assert found
    assert found[0].startswith(fault)
