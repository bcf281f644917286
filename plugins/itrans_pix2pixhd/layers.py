"""The layers that the generators of pix2pixHD are made of (arXiv 1711.11585, section 3.2 and appendix)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge
from torch import Tensor, nn

Norm: TypeAlias = Literal["batch", "instance", "none"]
"""How activations are normalised: over the batch, over each picture, or not."""

Positive: TypeAlias = Annotated[int, Ge(1)]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return the norm for some channels."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.Identity()


def outer(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    """c7s1-k: a 7x7 convolution of a picture padded by reflection, norm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, 7, padding=3, padding_mode="reflect", bias=norm != "batch")
    return nn.Sequential(conv, norm_layer(norm, out_channels), nn.ReLU(inplace=True))


def down(channels: int, norm: Norm) -> nn.Sequential:
    """dk: a 3x3 convolution of stride 2 to twice the channels, norm, ReLU."""
    conv = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=norm != "batch")
    return nn.Sequential(conv, norm_layer(norm, 2 * channels), nn.ReLU(inplace=True))


def up(channels: int, norm: Norm) -> nn.Sequential:
    """uk: a 3x3 transposed convolution of stride 2 to half the channels, norm, ReLU."""
    bias = norm != "batch"
    conv = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)
    return nn.Sequential(conv, norm_layer(norm, channels // 2), nn.ReLU(inplace=True))


def head(channels: int, out_channels: int) -> nn.Sequential:
    """The last layer: a 7x7 convolution of a picture padded by reflection, and tanh."""
    return nn.Sequential(nn.Conv2d(channels, out_channels, 7, padding=3, padding_mode="reflect"), nn.Tanh())


class Residual(nn.Module):
    """Rk: two 3x3 convolutions of pictures padded by reflection, whose result is added to what comes in.

    Args:
        channels: of what comes in and goes out.
        norm: what follows each convolution.
    """

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        bias = norm != "batch"
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=bias),
            norm_layer(norm, channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=bias),
            norm_layer(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to `(N, C, H, W)`."""
        added: Tensor = x + self.layers(x)
        return added


def initialize(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02), in place; biases are 0. Source: the paper's appendix."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
