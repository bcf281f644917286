"""Convolutions one after another: what one value at their end sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """A convolution that treats both sides and all channels alike.

    Attributes:
        kernel: how many pixels it spans.
        stride: by how many pixels it moves.
        padding: how many pixels are added on each side.
    """

    kernel: int
    stride: int = 1
    padding: int = 0


Chain = Sequence[Convolution]


def receptive_field(chain: Chain) -> int:
    """Return how many pixels wide the patch is that one value at the end sees: r <- (r - 1) * stride + kernel."""
    field = 1
    for conv in reversed(chain):
        field = (field - 1) * conv.stride + conv.kernel
    return field


def spacing(chain: Chain) -> int:
    """Return by how many pixels the patches of neighbouring values are apart."""
    apart = 1
    for conv in chain:
        apart *= conv.stride
    return apart


def origin(chain: Chain) -> int:
    """Return where the first value's patch begins, in pixels from the picture's edge: 0 or less."""
    place = 0
    for conv in reversed(chain):
        place = place * conv.stride - conv.padding
    return place


def output_size(chain: Chain, size: int) -> int:
    """Return how many values wide the end is for pictures of some width; 0 where there are none."""
    for conv in chain:
        size = max(0, (size + 2 * conv.padding - conv.kernel) // conv.stride + 1)
    return size
