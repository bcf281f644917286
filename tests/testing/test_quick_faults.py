"""`quick_faults` tells what can be told at once, and judges nothing that it cannot."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from itrans.api import DataError, ImageSpec, Split
from itrans.registry import REGISTRIES
from itrans.testing import quick_faults


def test_what_itrans_brings_has_no_faults():
    faults = {
        origin.qualified: found
        for kind, registry in REGISTRIES.items()
        for origin in registry.origins()
        if origin.distribution == "itrans" and not origin.module.startswith("itrans_timm")
        if (found := quick_faults(kind, registry.get(origin.qualified)))
    }
    assert faults == {}


class Generator(nn.Conv2d):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)


class Discriminator(nn.Module):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels + condition_channels, 1, 4, stride=4)

    def forward(self, image, condition):
        return self.layer(torch.cat([condition, image], 1))


class Loss:
    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


class Adversarial:
    role = "adversarial"
    conditional = False

    def generator(self, fake_logits):
        return -fake_logits.float().mean()

    def discriminator(self, real_logits, fake_logits):
        return fake_logits.float().mean() - real_logits.float().mean()


class Dataset:
    source = target = ImageSpec(channels=1)

    def __init__(self, *, split: Split) -> None:
        raise AssertionError("a data set is not built")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return None


class Method:
    def __init__(self, *, build_generator: Any, losses: Any) -> None:
        raise AssertionError("a method is not built")

    def step(self, batch, runtime):
        return {}

    def translate(self, source, direction="forward"):
        return source


class Features(Loss):
    def __call__(self, translated):
        targets, outputs = translated.features()
        return (targets[0].float() - outputs[0].float()).square().mean()


class Cyclic(Loss):
    """Its method alone knows what it is given."""

    role = "cycle"

    def __call__(self, translated, more):
        raise AssertionError("is not called")


class Learned(nn.Module):
    """May have a large network, so it is not built."""

    role = "image"

    def __init__(self) -> None:
        raise AssertionError("is not built")

    __call__ = Loss.__call__


class Sized(Generator):
    """What needs an argument is not built."""

    def __init__(self, *, in_channels: int, out_channels: int, size: int) -> None:
        raise AssertionError("is not built")


class Refusing(Generator):
    """Refuses its defaults."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        raise ValueError("3 channels only")


class Fileless(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        Path("/nowhere/to/be/found").read_text()


class Incomplete(Generator):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        import nowhere_to_be_found  # noqa: F401


class Small(Generator):
    """Takes small pictures alone, and says so."""

    def forward(self, source):
        if source.shape[2] > 8:
            raise DataError("8x8 only")
        return super().forward(source)


class Valued(Generator):
    """Looks at values, which there are none of."""

    def forward(self, source):
        return super().forward(source) / source.abs().max().item()


class Rare(Generator):
    size_multiple = 96

    def forward(self, source):
        assert source.shape[2] % 96 == 0
        return super().forward(source)


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        *[("generator", c) for c in (Generator, Sized, Refusing, Fileless, Incomplete, Small, Valued, Rare)],
        ("discriminator", Discriminator),
        *[("loss", c) for c in (Loss, Adversarial, Features, Cyclic, Learned)],
        ("dataset", Dataset),
        ("method", Method),
    ],
)
def test_nothing_is_said_of_what_is_good_or_cannot_be_judged(kind, component):
    assert quick_faults(kind, component) == []


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
        ("generator", Halving, "Of a source (2, 3, 256, 256) (N, C, H, W) it should make (2, 4, 256, 256), and makes"),
        ("generator", Listing, "Of a source (2, 3, 256, 256) (N, C, H, W) it should make (2, 4, 256, 256), and makes"),
        ("generator", Mismatched, "With the defaults of its arguments it raises RuntimeError: "),
        ("generator", Late, "size_multiple should be a whole number from 1, and is -1."),
        ("generator", Exiting, "With the defaults of its arguments it raises SystemExit: no."),
        ("generator", Computed, "With the defaults of its arguments it raises KeyError: 'size_multiple'."),
        ("generator", Nasty, "Looking at it raises KeyError: 'size_multiple'."),
        ("generator", Loss, 'It takes no "in_channels", which itrans offers'),
        ("discriminator", Flat, "Of 2 pictures it should make logits (2, 1, H', W'), and makes (2, 4096)."),
        ("discriminator", TwoScales, "Of 2 pictures it should make logits (2, 1, H', W'), and makes (2, 2, 64, 64)."),
        ("loss", Vector, "It should give a tensor of no dimensions, and gives one of shape (2,)."),
        ("loss", Number, "It should give a tensor of no dimensions, and gives none."),
        ("loss", VectorAdversarial, "generator() should give a tensor of no dimensions, and gives one of shape (2, 1"),
        ("loss", Roleless, "It has no role: say role = "),
        ("loss", lambda **rest: None, "It takes any keyword (**), so a mistyped key of a recipe would pass"),
        ("loss", 3, "Its arguments cannot be read (3 is not a callable object), so recipes cannot be checked"),
        ("dataset", Unsized, "It has no __len__(), which itrans calls."),
        ("method", Directed, "directions should be a tuple of the names that translate() takes, and is ()."),
        ("method", Unannotated, 'Its argument "pool" has no annotation'),
    ],
)
def test_faults_are_named(kind, component, fault):
    found = quick_faults(kind, component)
    assert found
    assert found[0].startswith(fault)


class Loud(Generator):
    """Prints, draws, and builds what would be too large for any memory."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        print("hello")
        self.huge = nn.Linear(10**7, 10**7)
        torch.rand(3)


def test_it_prints_and_draws_nothing_and_needs_no_memory(capsys):
    torch.manual_seed(3)
    random.seed(3)
    expected = torch.rand(()), random.random()
    torch.manual_seed(3)
    random.seed(3)
    assert quick_faults("generator", Loud) == []
    assert (torch.rand(()), random.random()) == expected
    assert capsys.readouterr() == ("", "")


class Connecting(Generator):
    tried = False

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        import socket

        Connecting.tried = True
        socket.create_connection(("localhost", 9))


def test_what_would_connect_to_a_network_cannot_and_is_not_judged():
    assert quick_faults("generator", Connecting) == []
    assert Connecting.tried
