"""`quick_faults` tells what can be told at once, and judges nothing that it cannot."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from testing.small_components import Adversarial, Dataset, Discriminator, Generator, Loss, Method
from torch import nn

from itrans.api import DataError
from itrans.registry import REGISTRIES
from itrans.testing import quick_faults


def test_what_itrans_brings_has_no_faults():
    faults = {
        origin.qualified: found
        for kind, registry in REGISTRIES.items()
        for origin in registry.origins()
        if origin.distribution == "itrans" and not origin.module.startswith(("itrans_spandrel", "itrans_timm"))
        if (found := quick_faults(kind, registry.get(origin.qualified)))
    }
    assert faults == {}


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
