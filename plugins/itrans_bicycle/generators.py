"""The generator of BicycleGAN (arXiv 1711.11586, section 4 and figure 3): a U-Net with the code at every layer."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from itrans_bicycle.encoder import Positive, planes_of
from itrans_pix2pix.generators import FULL_WIDTH
from itrans_pix2pix.initialization import initialize
from itrans_pix2pix.layers import Down, Up, Upsample
from itrans_pix2pix.layers import Norm as PictureNorm

Norm: TypeAlias = Literal["pixel"] | PictureNorm
"""How activations are normalised: each place by itself, over the batch, over each picture, or not."""


class PixelNorm(nn.LayerNorm):
    """Normalises the channels of each place, and then scales and shifts them (Ba et al., arXiv 1607.06450)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the parent's name)
        """Map `(N, C, H, W)` to the same shape."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LatentUNet(nn.Module):
    """The U-Net of Pix2Pix, whose encoding layers are each given a code besides what the layer before has made.

    The code is the last planes of the source, each of which is the same everywhere: the method `bicycle` adds them.
    Source: Zhu et al., arXiv 1711.11586, figure 3b. The norm differs: over a picture, it would take away what a code
    adds everywhere, such as the colour of a wall that fills the picture.

    Args:
        in_channels: of the source and the code.
        out_channels: of the output.
        latent: how many of the source's planes are the code.
        depth: how many times height and width are halved.
        filters: channels of the first layer; they double three times.
        norm: `pixel`, which keeps what a code adds everywhere; `batch`, `instance`, `instance_affine` or `none`. The
            first and last layers and the bottleneck have none.
        upsample: `transposed` convolutions, or `resize`, which draws no checkerboards.

    Attributes:
        size_multiple: height and width have to be multiples of this, `2**depth`.

    Raises:
        ValueError: there is nothing but a code, or a choice is none of the above.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        latent: Positive = 8,
        depth: Annotated[int, Ge(2), Le(12)] = 8,
        filters: Positive = 64,
        norm: Norm = "pixel",
        upsample: Upsample = "transposed",
    ) -> None:
        super().__init__()
        if in_channels <= latent:
            told = 'use it with the method "bicycle", or lower latent'
            raise ValueError(f"of {in_channels} planes, the last {latent} cannot be a code: {told}")
        self.latent, self.size_multiple = latent, 2**depth
        widths = [filters * min(2**level, FULL_WIDTH) for level in range(depth)]
        plain: PictureNorm = "none" if norm == "pixel" else norm

        self.downs = nn.ModuleList([Down(in_channels, widths[0], norm="none", bias=True)])
        for level in range(1, depth):
            inputs, inner = widths[level - 1] + latent, level < depth - 1
            kind = plain if inner else "none"
            self.downs.append(Down(inputs, widths[level], norm=kind, bias=True, activation=inner))
        self.ups = nn.ModuleList()
        width = widths[-1]
        for skipped in reversed(widths[:-1]):
            self.ups.append(Up(width, skipped, norm=plain, bias=True, upsample=upsample))
            width = 2 * skipped
        self.ups.append(Up(width, out_channels, norm="none", bias=True, upsample=upsample))
        if norm == "pixel":
            for layer in [*self.downs[1:-1], *self.ups[:-1]]:
                layer.norm = PixelNorm(layer.conv.out_channels)
        initialize(self)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1], the code in its last planes, to `(N, Cout, H, W)` in [-1, 1]."""
        code = source[:, -self.latent :, 0, 0]
        x: Tensor = self.downs[0](source)
        encoded = [x]
        for down in [*self.downs][1:]:
            x = down(torch.cat([x, planes_of(code, *x.shape[2:])], dim=1))
            encoded.append(x)
        x = encoded.pop()
        for up in self.ups:
            x = up(x)
            if encoded:
                x = torch.cat([encoded.pop(), x], dim=1)
        return torch.tanh(x)
