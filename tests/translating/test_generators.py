"""The memory that a computation takes is measured by the tensors that are alive at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from itrans.translating.generators import SCRATCH, memory_of

MEGABYTE = 1 << 20


def test_what_is_freed_on_the_way_does_not_count():
    def chain() -> torch.Tensor:
        values = torch.zeros(MEGABYTE // 4)
        for _ in range(10):
            values = values + 1
        return values

    # each sum, and what it is made of
    assert memory_of(chain) == 2 * MEGABYTE * SCRATCH


def test_what_is_kept_counts():
    assert memory_of(lambda: [torch.zeros(MEGABYTE // 4) for _ in range(10)]) == 10 * MEGABYTE * SCRATCH


def test_views_and_changes_in_place_take_nothing():
    assert memory_of(lambda: torch.zeros(MEGABYTE // 4).view(4, -1).add_(1)[0]) == MEGABYTE * SCRATCH


@pytest.mark.parametrize("side", [16, 64])
def test_a_network_takes_more_for_more_pixels(side):
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    picture = torch.zeros(1, 3, side, side)
    with torch.no_grad():
        need = memory_of(lambda: network(picture))

    # what ReLU reads and what it makes, of 8 planes each
    assert need == 2 * 8 * side * side * 4 * SCRATCH
