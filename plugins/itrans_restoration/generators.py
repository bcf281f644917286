"""EDSR: residual blocks in the size of the source, whose last channels become pixels (arXiv 1707.02921)."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

Positive: TypeAlias = Annotated[int, Ge(1)]


class EDSR(nn.Module):
    """The enhanced deep residual network for super-resolution, without normalisation.

    The defaults are those of the paper's baseline. Its largest network has 32 blocks of 256 channels, which are added
    with `residual_scale = 0.1`. Outputs are clipped to [-1, 1]; gradients pass as if they were not.

    Source: Lim et al., arXiv 1707.02921, sections 3.2 and 3.3.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        scale: how many times as high and wide as the source the output is.
        filters: channels of every layer.
        blocks: how many residual blocks there are.
        residual_scale: what a block's result is multiplied with before it is added.

    Attributes:
        scale: the same.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        scale: Annotated[int, Ge(1), Le(8)] = 2,
        filters: Positive = 64,
        blocks: Positive = 16,
        residual_scale: Annotated[float, Gt(0)] = 1.0,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.head = _conv(in_channels, filters)
        self.blocks = nn.Sequential(*(_Block(filters, residual_scale) for _ in range(blocks)), _conv(filters, filters))
        self.up = nn.Sequential(*(_enlarge(filters, factor) for factor in _factors(scale)))
        self.tail = _conv(filters, out_channels)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, scale H, scale W)` in [-1, 1]."""
        first = self.head(source)
        output: Tensor = self.tail(self.up(first + self.blocks(first)))
        return output + (output.clamp(-1, 1) - output).detach()


class _Block(nn.Module):
    """Two convolutions with a ReLU between them, added to what they are given (figure 2, on the right)."""

    def __init__(self, filters: int, residual_scale: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(_conv(filters, filters), nn.ReLU(inplace=True), _conv(filters, filters))
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.layers(x)
        return x + self.residual_scale * change


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


def _enlarge(filters: int, factor: int) -> nn.Sequential:
    return nn.Sequential(_conv(filters, factor**2 * filters), nn.PixelShuffle(factor))


def _factors(scale: int) -> list[int]:
    """Return by what a picture is enlarged, step by step: 2 as often as that goes, then what is left."""
    factors = []
    while scale % 2 == 0:
        factors.append(2)
        scale //= 2
    return factors if scale == 1 else [*factors, scale]
