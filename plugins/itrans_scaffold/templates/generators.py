"""Networks that translate pictures."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn


class TemplateGenerator(nn.Module):
    """A small U-shaped network: down to a quarter of the size, residual blocks, and up again with skips.

    Recipes set the arguments by name. Annotations say which values are allowed: a recipe with another value is refused
    before anything is built.

    Args:
        in_channels: planes of the source, which are its channels, or of label maps one for each class; given by itrans,
            from the data.
        out_channels: planes of the output, likewise.
        filters: channels at full size; they double each time the picture is halved.
        blocks: how many residual blocks there are.
    """

    size_multiple = 4
    """itrans pads height and width to multiples of this, by reflection, and crops the output back."""

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        filters: Annotated[int, Field(ge=1)] = 32,
        blocks: Annotated[int, Field(ge=0)] = 4,
    ) -> None:
        super().__init__()
        self.first = _convolution(in_channels, filters)
        self.to_half = _convolution(filters, filters * 2, stride=2)
        self.to_quarter = _convolution(filters * 2, filters * 4, stride=2)
        self.blocks = nn.ModuleList(_convolution(filters * 4, filters * 4) for _ in range(blocks))
        # Resizing before a convolution draws no checkerboards, as transposed convolutions may.
        self.enlarge = nn.Upsample(scale_factor=2)
        self.from_quarter = _convolution(filters * (4 + 2), filters * 2)
        self.from_half = _convolution(filters * (2 + 1), filters)
        self.last = nn.Conv2d(filters, out_channels, kernel_size=3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        full = self.first(source)
        half = self.to_half(full)
        quarter = self.to_quarter(half)
        for block in self.blocks:
            quarter = quarter + block(quarter)
        # What was seen at a size goes around all that is smaller, so that lines stay where they are.
        half = self.from_quarter(torch.cat([self.enlarge(quarter), half], dim=1))
        full = self.from_half(torch.cat([self.enlarge(half), full], dim=1))
        return torch.tanh(self.last(full))


def _convolution(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    """Return a convolution, its normalisation and its activation.

    The normalisation has one group: it takes any number of channels, pictures of any size, and a batch of 1.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1),
        nn.GroupNorm(1, out_channels),
        nn.ReLU(),
    )
