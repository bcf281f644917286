"""The layers that the networks are made of: one that halves the picture, one that doubles it, and their choices.

Activations work in place, on tensors that nobody else needs: the result is the same, and a training step keeps one
tensor for each LeakyReLU instead of two.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional

Norm: TypeAlias = Literal["batch", "instance", "instance_affine", "none"]
"""How activations are normalised: over the batch, over each picture (and then scaled and shifted), or not."""

Upsample: TypeAlias = Literal["transposed", "resize"]
"""How a decoder layer doubles height and width; see `upsampling`."""

Positive: TypeAlias = Annotated[int, Ge(1)]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return the norm for some channels.

    Instance normalisation has no running statistics, and weights only if it is `instance_affine`.

    Raises:
        ValueError: there is no such norm.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm in {"instance", "instance_affine"}:
        return nn.InstanceNorm2d(channels, affine=norm == "instance_affine", track_running_stats=False)
    if norm == "none":
        return nn.Identity()
    raise ValueError(f'There is no norm "{norm}": choose "batch", "instance", "instance_affine" or "none".')


def convolution_bias(norm: Norm, asked: bool | None) -> bool:
    """Return whether a network's convolutions have biases: what is asked for, or else all but under batch norm.

    Batch normalisation brings its own. This holds for the whole network, layers without a norm included, as in the
    checkpoints that are in use.
    """
    return norm != "batch" if asked is None else asked


class ResizeConv2d(nn.Conv2d):
    """A 3x3 convolution of the picture enlarged twofold by nearest neighbour.

    A flat surface stays flat whatever the weights, where a transposed convolution draws a checkerboard on it unless
    its weights happen to agree (Odena et al., "Deconvolution and Checkerboard Artifacts", Distill, 2016).
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the parent's name)
        """Map `(N, Cin, H, W)` to `(N, Cout, 2H, 2W)`."""
        return super().forward(functional.interpolate(input, scale_factor=2, mode="nearest"))


def upsampling(kind: Upsample, in_channels: int, out_channels: int, *, bias: bool) -> nn.Module:
    """Return the convolution that doubles height and width.

    `transposed` is the paper's 4x4 transposed convolution; `resize` is nearest neighbour and a 3x3 convolution.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1, bias=bias)
    if kind == "resize":
        return ResizeConv2d(in_channels, out_channels, bias=bias)
    raise ValueError(f'There is no up-sampling "{kind}": choose "transposed" or "resize".')


class Down(nn.Module):
    """Convolution - norm - LeakyReLU(0.2): the paper's Ck of encoders and discriminators.

    Args:
        in_channels: of what comes in.
        out_channels: of what goes out.
        norm: what follows the convolution.
        bias: whether the convolution has one.
        kernel: of the convolution: 4, with padding 1, or 1, without.
        stride: of the convolution.
        activation: whether there is a LeakyReLU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: Norm,
        bias: bool,
        kernel: Literal[1, 4] = 4,
        stride: int = 2,
        activation: bool = True,
    ) -> None:
        super().__init__()
        padding = 1 if kernel == 4 else 0
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=bias)
        self.norm = norm_layer(norm, out_channels)
        # Neither the convolution nor the norm needs its own output for its gradient.
        self.activation = nn.LeakyReLU(0.2, inplace=True) if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, Cin, H, W)` to `(N, Cout, H / stride, W / stride)`."""
        activated: Tensor = self.activation(self.norm(self.conv(x)))
        return activated


class Up(nn.Module):
    """ReLU - up-sampling convolution - norm - dropout: the paper's Ck and CDk of decoders.

    The ReLU comes first, so that one covers what the layer below gives and what a skip connection brings. It
    **overwrites its input**, which nothing but this layer may need.

    Args:
        in_channels: of what comes in.
        out_channels: of what goes out.
        norm: what follows the convolution.
        bias: whether the convolution has one.
        upsample: see `upsampling`.
        dropout: the probability of dropping a value; at 0 there is no dropout.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: Norm,
        bias: bool,
        upsample: Upsample,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=True)
        self.conv = upsampling(upsample, in_channels, out_channels, bias=bias)
        self.norm = norm_layer(norm, out_channels)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, Cin, H, W)` to `(N, Cout, 2H, 2W)`."""
        enlarged: Tensor = self.dropout(self.norm(self.conv(self.activation(x))))
        return enlarged
