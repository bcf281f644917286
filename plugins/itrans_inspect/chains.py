"""Convolutions one after another: what one value at their end sees, and the PatchGANs of every depth.

Sources: Isola et al., arXiv 1611.07004, sections 3.2.2 and 6.1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

_DEEPEST = 6
_FULL_WIDTH = 8
"""A PatchGAN's channels double until there are 8 times as many as in its first layer."""


@dataclass(frozen=True)
class Convolution:
    """A convolution, and what follows it up to the next one.

    Attributes:
        in_channels: of what comes in.
        out_channels: of what goes out.
        kernel: how many pixels it spans.
        stride: by how many pixels it moves.
        padding: how many pixels are added on each side.
        bias: whether it has one.
        scaled: whether a normalisation with a weight and a bias for each channel follows.
        is_pooling: whether it is a pooling, which has no parameters.
    """

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = False
    scaled: bool = False
    is_pooling: bool = False

    @property
    def parameters(self) -> int:
        """How many parameters it has, the normalisation's included."""
        if self.is_pooling:
            return 0
        weights = self.in_channels * self.out_channels * self.kernel**2
        return weights + self.out_channels * (self.bias + 2 * self.scaled)


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


def parameters(chain: Chain) -> int:
    """Return how many parameters a chain has."""
    return sum(conv.parameters for conv in chain)


def patchgan(layers: int, in_channels: int, filters: int, *, scaled: bool, bias: bool) -> list[Convolution]:
    """Return the convolutions of a PatchGAN.

    Args:
        layers: how many have stride 2; 0 is the pixel discriminator.
        in_channels: of the picture and the source together.
        filters: channels of the first layer.
        scaled: whether the layers between the first and the last are normalised with weights.
        bias: whether those have biases.
    """
    if layers == 0:
        return [
            Convolution(in_channels, filters, 1, bias=True),
            Convolution(filters, 2 * filters, 1, bias=bias, scaled=scaled),
            Convolution(2 * filters, 1, 1, bias=bias),
        ]
    widths = [in_channels, *(filters * min(2**level, _FULL_WIDTH) for level in range(layers + 1))]
    chain = [
        Convolution(widths[level], widths[level + 1], 4, 1 if level == layers else 2, 1, bias=bias, scaled=scaled)
        for level in range(layers + 1)
    ]
    chain[0] = replace(chain[0], bias=True, scaled=False)
    return [*chain, Convolution(widths[-1], 1, 4, 1, 1, bias=True)]


def patchgans_like(chain: Chain) -> tuple[list[list[Convolution]], int] | None:
    """Return the PatchGANs of all depths with a chain's filters and norm, and its own depth; None if it is none."""
    if len(chain) < 3:
        return None
    own = sum(conv.stride == 2 for conv in chain)
    first, between = chain[0], chain[1]

    def of_depth(layers: int) -> list[Convolution]:
        return patchgan(layers, first.in_channels, first.out_channels, scaled=between.scaled, bias=between.bias)

    if of_depth(own) != list(chain):
        return None
    return [of_depth(layers) for layers in range(max(own, _DEEPEST) + 1)], own
