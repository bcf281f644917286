"""The U-Net of diffusion models: told the time, with residual blocks, and attention where pictures are small."""

from __future__ import annotations

import math
from typing import Annotated, TypeAlias

import torch
from annotated_types import Ge, Lt, MinLen, MultipleOf
from torch import Tensor, nn
from torch.nn import functional

Positive: TypeAlias = Annotated[int, Ge(1)]
"""A whole number from 1 on."""


class BridgeUNet(nn.Module):
    """A U-Net that sees a noisy picture, the source and the time, for the method `bridge`.

    Each level has residual blocks, and half the size of the level above. Source: Ho et al., arXiv 2006.11239, appendix
    B, with the time as a scale and a shift after group normalisation, as in Dhariwal and Nichol, arXiv 2105.05233,
    section 3.1.

    Args:
        in_channels: of the source.
        out_channels: of the noisy picture and of the output.
        width: channels of the first level, a multiple of 8.
        multipliers: how many times as many each level has, from the first to the smallest.
        blocks: residual blocks of a level on the way down; there is one more on the way up.
        attention: the levels with self-attention after each block, counted from 0; between the ways down and up there
            always is some. Its time grows with the square of the number of pixels there.
        dropout: the probability of dropping a value within blocks.

    Attributes:
        size_multiple: height and width have to be multiples of this.

    Raises:
        ValueError: there is attention on a level that there is not.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        width: Annotated[int, Ge(8), MultipleOf(8)] = 32,
        multipliers: Annotated[tuple[Positive, ...], MinLen(1)] = (1, 2, 4, 4),
        blocks: Positive = 1,
        attention: tuple[Annotated[int, Ge(0)], ...] = (),
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
    ) -> None:
        super().__init__()
        if missing := [level for level in attention if level >= len(multipliers)]:
            raise ValueError(
                f'"attention" names the level {missing[0]}, but {len(multipliers)} "multipliers" make the levels 0 to '
                f"{len(multipliers) - 1}"
            )
        self.size_multiple = 2 ** (len(multipliers) - 1)
        self.time = TimeEmbedding(width)
        self.stem = nn.Conv2d(out_channels + in_channels, width, 3, padding=1)

        def block(inputs: int, outputs: int, level: int) -> Block:
            return Block(inputs, outputs, self.time.channels, dropout, attends=level in attention)

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels, skipped = width, [width]
        for level, multiplier in enumerate(multipliers):
            if level:
                self.down.append(nn.Conv2d(channels, channels, 3, stride=2, padding=1))
                skipped.append(channels)
            for _ in range(blocks):
                self.down.append(block(channels, width * multiplier, level))
                channels = width * multiplier
                skipped.append(channels)
        self.middle = nn.ModuleList(
            Block(channels, channels, self.time.channels, dropout, attends=attends) for attends in (True, False)
        )
        for level, multiplier in reversed([*enumerate(multipliers)]):
            for _ in range(blocks + 1):
                self.up.append(block(channels + skipped.pop(), width * multiplier, level))
                channels = width * multiplier
            if level:
                self.up.append(
                    nn.Sequential(nn.Upsample(scale_factor=2.0), nn.Conv2d(channels, channels, 3, padding=1))
                )
        self.head = nn.Sequential(_norm(channels), nn.SiLU(), _zero(nn.Conv2d(channels, out_channels, 3, padding=1)))

    def forward(self, noisy: Tensor, source: Tensor, time: Tensor) -> Tensor:
        """Return what the method asks for, `(N, out_channels, H, W)`.

        Args:
            noisy: `(N, out_channels, H, W)`, about in [-1, 1] and noisy.
            source: `(N, in_channels, H, W)` in [-1, 1].
            time: `(N,)` in [0, 1]; or `(1,)`, which is that of all.
        """
        embedding = self.time(time)
        x = self.stem(torch.cat([noisy, source], 1))
        skipped = [x]
        for layer in self.down:
            x = layer(x, embedding) if isinstance(layer, Block) else layer(x)
            skipped.append(x)
        for layer in self.middle:
            x = layer(x, embedding)
        for layer in self.up:
            x = layer(torch.cat([x, skipped.pop()], 1), embedding) if isinstance(layer, Block) else layer(x)
        output: Tensor = self.head(x)
        return output


class TimeEmbedding(nn.Module):
    """A time as features: sines and cosines of many frequencies, and two layers (arXiv 2006.11239, appendix B).

    Args:
        width: of the sines and cosines; there are four times as many features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = 4 * width
        self._half = width // 2
        self.layers = nn.Sequential(
            nn.Linear(width, self.channels), nn.SiLU(), nn.Linear(self.channels, self.channels), nn.SiLU()
        )

    def forward(self, time: Tensor) -> Tensor:
        """Map `(N,)` in [0, 1] to `(N, channels)`."""
        exponents = torch.arange(self._half, device=time.device) / self._half
        angles = 1000 * time.float()[:, None] * torch.exp(-math.log(10_000) * exponents)
        features: Tensor = self.layers(torch.cat([angles.sin(), angles.cos()], 1))
        return features


class Block(nn.Module):
    """A residual block that is told the time, and self-attention after it if it attends."""

    def __init__(self, inputs: int, outputs: int, time_channels: int, dropout: float, *, attends: bool) -> None:
        super().__init__()
        self.first = nn.Sequential(_norm(inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.time = nn.Linear(time_channels, 2 * outputs)
        self.norm = _norm(outputs)
        self.second = nn.Sequential(nn.SiLU(), nn.Dropout(dropout), _zero(nn.Conv2d(outputs, outputs, 3, padding=1)))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.attention = Attention(outputs) if attends else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map `(N, inputs, H, W)` and the time's features to `(N, outputs, H, W)`."""
        scale, shift = self.time(embedding)[:, :, None, None].chunk(2, 1)
        changed = self.norm(self.first(x)) * (1 + scale) + shift
        output: Tensor = self.attention(self.skip(x) + self.second(changed))
        return output


class Attention(nn.Module):
    """Self-attention over all places of a map, with heads of 32 channels or fewer, added to what comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._heads = channels // math.gcd(channels, 32)
        self.norm = _norm(channels)
        self.project = nn.Conv2d(channels, 3 * channels, 1)
        self.output = _zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to `(N, C, H, W)`."""
        count, channels, height, width = x.shape
        projected = self.project(self.norm(x)).reshape(count, 3, self._heads, -1, height * width)
        attended = functional.scaled_dot_product_attention(*projected.transpose(3, 4).unbind(1))
        added: Tensor = x + self.output(attended.transpose(2, 3).reshape(count, channels, height, width))
        return added


def _norm(channels: int) -> nn.GroupNorm:
    """Return group normalisation; groups of one channel would forget its mean, so they have eight."""
    return nn.GroupNorm(channels // 8, channels)


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    """Return a layer whose output is zero until it has learned: a block begins as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
