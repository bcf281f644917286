"""The conformance kit knows generators and data sets with a scale, and says what is wrong with one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from torch import nn
from torch.nn import functional

from itrans.api import ImageSpec, Pair
from itrans.testing import check_dataset, check_generator, quick_faults

pytestmark = pytest.mark.usefixtures("without_imports")


class Enlarging(nn.Module):
    """Twice as large, by shuffled channels, of sizes that are multiples of 4."""

    scale: object = 2
    size_multiple = 4

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, source):
        return self.layers(source).tanh()


class Halving(Enlarging):
    """Half as large."""

    scale = 0.5
    size_multiple = 1

    def forward(self, source):
        return functional.avg_pool2d(super().forward(source), 4)


class Silent(Enlarging):
    """Does not say that it makes pictures larger."""

    scale = 1


class Wrong(Enlarging):
    """Says that it makes them three times as large."""

    scale = 3


class Nonsense(Enlarging):
    """Says a text."""

    scale = "2x"


@pytest.mark.parametrize("component", [Enlarging, Halving])
def test_generators_with_a_scale_pass(component):
    check_generator(component)
    assert quick_faults("generator", component) == []


@pytest.mark.parametrize(
    ("component", "said"),
    [
        (Silent, "it has to say scale = 2"),
        (Wrong, "(its scale is 3)"),
        (Nonsense, "scale of Nonsense is '2x'"),
    ],
)
def test_what_is_wrong_with_a_scale_is_said(component, said):
    with pytest.raises(AssertionError, match=re.escape(said)):
        check_generator(component)
    (fault,) = quick_faults("generator", component)
    assert said in fault


class Enlarged:
    """Pictures of noise, and the same without every other pixel."""

    source = target = ImageSpec(channels=3)
    scale: object = 2

    def __init__(self, *, split: str) -> None:
        self._pictures = np.random.default_rng(len(split)).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
        self._pictures[:, 0, 0] = {"train": 1, "val": 2, "test": 3}[split]

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pair:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Pair(self._pictures[index][::2, ::2].copy(), self._pictures[index], str(index))


def test_a_data_set_with_a_scale_passes():
    check_dataset(Enlarged)


@pytest.mark.parametrize(("scale", "said"), [(3, "3 times as wide and high"), (1, "same size"), ("2", "is '2'")])
def test_pairs_of_another_scale_are_refused(scale, said):
    with pytest.raises(AssertionError, match=said):
        check_dataset(type("Enlarged", (Enlarged,), {"scale": scale}))
