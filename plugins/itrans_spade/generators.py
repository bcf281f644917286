"""The generator of SPADE (arXiv 1903.07291, section 3 and appendix A): the label map scales and shifts every layer."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, TypeAlias

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

Norm: TypeAlias = Literal["batch", "instance"]
"""What is normalised before the map scales and shifts it: over the batch, or each picture by itself."""

Positive: TypeAlias = Annotated[int, Ge(1)]

_FULL_WIDTH = 16
"""The innermost layers have 16 times as many channels as the last one."""


class SPADEGenerator(nn.Module):
    """The generator of SPADE: a decoder alone, that is told at every layer what is to be where.

    Its first layer sees the map at the smallest size; a residual block and an enlargement follow, as often as the
    picture was made smaller, then LeakyReLU(0.2), a convolution and tanh. At 64 filters and 6 enlargements the blocks
    have 1024, 1024, 1024, 512, 256, 128 and 64 channels. Source: Park et al., arXiv 1903.07291, appendix A.

    Args:
        in_channels: of the source: a plane for each class, and more, such as the boundaries of instances, or a code.
        out_channels: of the output.
        filters: channels of the last block; there are up to 16 times as many within.
        upsamplings: how many times height and width are doubled.
        hidden: channels of the layer that looks at the map within each normalisation.
        norm: what is scaled and shifted: `batch` as in the paper, or `instance`.
        spectral: whether the weights of the blocks' convolutions are divided by their spectral norm, as in the paper.

    Attributes:
        size_multiple: height and width have to be multiples of this, `2**upsamplings`.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        filters: Positive = 64,
        upsamplings: Positive = 6,
        hidden: Positive = 128,
        norm: Norm = "batch",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.size_multiple = 2**upsamplings
        widths = [filters * min(2 ** (upsamplings - level), _FULL_WIDTH) for level in range(upsamplings + 1)]
        self.first = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            SPADEBlock(inputs, outputs, in_channels, hidden, norm, spectral=spectral)
            for inputs, outputs in itertools.pairwise([widths[0], *widths])
        )
        self.last = nn.Conv2d(widths[-1], out_channels, 3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        smallest = [side // self.size_multiple for side in source.shape[2:]]
        x: Tensor = self.first(functional.interpolate(source, smallest, mode="nearest"))
        x = self.blocks[0](x, source)
        for block in [*self.blocks][1:]:
            x = block(functional.interpolate(x, scale_factor=2.0, mode="nearest"), source)
        return torch.tanh(self.last(functional.leaky_relu(x, 0.2)))


class SPADEBlock(nn.Module):
    """A residual block: twice a SPADE, LeakyReLU(0.2) and a 3x3 convolution; a SPADE and a 1x1 where channels change.

    Source: arXiv 1903.07291, section 3 and figure 4; LeakyReLU and the shortcut's 1x1 as in the authors' code.
    """

    def __init__(
        self, in_channels: int, out_channels: int, map_channels: int, hidden: int, norm: Norm, *, spectral: bool
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)

        def convolution(inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> nn.Module:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
            return spectral_norm(layer) if spectral else layer

        def spade(channels: int) -> SPADE:
            return SPADE(channels, map_channels, hidden, norm)

        self.spades = nn.ModuleList([spade(in_channels), spade(middle)])
        self.convs = nn.ModuleList([convolution(in_channels, middle, 3), convolution(middle, out_channels, 3)])
        self.shortcut_spade, self.shortcut = None, None
        if in_channels != out_channels:
            self.shortcut_spade = spade(in_channels)
            self.shortcut = convolution(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor, planes: Tensor) -> Tensor:
        """Map `(N, Cin, H, W)` to `(N, Cout, H, W)`, by the map's planes `(N, Cmap, H', W')`."""
        added = x
        for spade, conv in zip(self.spades, self.convs, strict=True):
            added = conv(functional.leaky_relu(spade(added, planes), 0.2))
        if self.shortcut is not None and self.shortcut_spade is not None:
            x = self.shortcut(self.shortcut_spade(x, planes))
        return x + added


class SPADE(nn.Module):
    """Normalisation without weights of its own, then a scale and a shift of each place that the map there decides.

    Source: arXiv 1903.07291, equation 1 and figure 3; the scale is around 1, as in the authors' code.

    Args:
        channels: of what is normalised.
        map_channels: of the map.
        hidden: channels of the layer that looks at the map.
        norm: what is normalised.
    """

    def __init__(self, channels: int, map_channels: int, hidden: int, norm: Norm) -> None:
        super().__init__()
        if norm not in ("batch", "instance"):
            raise ValueError(f'There is no norm "{norm}": choose "batch" or "instance".')
        self.norm = nn.BatchNorm2d(channels, affine=False) if norm == "batch" else nn.InstanceNorm2d(channels)
        self.shared = nn.Conv2d(map_channels, hidden, 3, padding=1)
        self.scale = nn.Conv2d(hidden, channels, 3, padding=1)
        self.shift = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, planes: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to the same shape, by the map's planes `(N, Cmap, H', W')`."""
        hidden = self.shared(functional.interpolate(planes, x.shape[2:], mode="nearest")).relu()
        scaled: Tensor = self.norm(x) * (1 + self.scale(hidden)) + self.shift(hidden)
        return scaled
