"""The generators of Pix2Pix (arXiv 1611.07004, sections 3.2.1 and 6.1.1): a U-Net, and the same without skips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor, nn

from itrans.api import Recognized
from itrans_pix2pix import junyanz
from itrans_pix2pix.initialization import initialize
from itrans_pix2pix.layers import Down, Norm, Positive, Up, Upsample, convolution_bias

DropoutPlacement: TypeAlias = Literal["paper", "junyanz"]
"""Which decoder layers have dropout; see `dropout_layers`."""

DOUBLINGS = 3
"""How often the paper's channels double from one layer of the encoder to the next, however deep it is."""

FULL_WIDTH = 2**DOUBLINGS
"""The encoder's channels double until there are 8 times as many as in its first layer."""


def dropout_layers(depth: int, placement: DropoutPlacement, doublings: int = DOUBLINGS) -> range:
    """Return the decoder layers, 1 being the innermost, that have dropout.

    Only layers with `filters * 2**doublings` output channels have dropout; in the paper there are `depth - 4` of them.

    Args:
        depth: how many layers the decoder has.
        placement: `paper` is layers 1-3, as in the paper and the authors' code. `junyanz` is every layer of full width
            but the innermost, as in pytorch-CycleGAN-and-pix2pix: layers 2-4 at depth 8.
        doublings: how often the encoder's channels double.

    Raises:
        ValueError: there is no such placement.
    """
    last_of_full_width = depth - 1 - doublings
    if placement == "paper":
        return range(1, min(3, last_of_full_width) + 1)
    if placement == "junyanz":
        return range(2, last_of_full_width + 1)
    raise ValueError(f'There is no dropout placement "{placement}": choose "paper" or "junyanz".')


class _EncodingGenerator(nn.Module):
    """The layers of both generators: `downs` halve the picture `depth` times, `ups` double it as often."""

    skips: ClassVar[bool]
    """Whether each decoder layer but the innermost is also given the encoder layer of its size."""

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        depth: Annotated[int, Ge(2), Le(12)] = 8,
        filters: Positive = 64,
        doublings: Annotated[int, Ge(0), Le(6)] = DOUBLINGS,
        norm: Norm = "batch",
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.5,
        dropout_placement: DropoutPlacement = "paper",
        upsample: Upsample = "transposed",
        bias: bool | None = None,
        skips_first: bool = True,
    ) -> None:
        super().__init__()
        if depth < 2:
            raise ValueError(f"A generator of depth {depth} has no bottleneck: depth is 2 or more.")
        self.size_multiple = 2**depth
        self.skips_first = skips_first
        bias = convolution_bias(norm, bias)
        widths = [filters * 2 ** min(level, doublings) for level in range(depth)]

        first = Down(in_channels, widths[0], norm="none", bias=bias)
        between = [Down(widths[level - 1], widths[level], norm=norm, bias=bias) for level in range(1, depth - 1)]
        # Batch normalisation would make zeros of a single picture's one pixel (section 6.3). The decoder's ReLU is all
        # the activation it needs.
        bottleneck = Down(widths[-2], widths[-1], norm="none", bias=bias, activation=False)
        self.downs = nn.ModuleList([first, *between, bottleneck])

        with_dropout = dropout_layers(depth, dropout_placement, doublings)
        self.ups = nn.ModuleList()
        width = widths[-1]
        for layer, skipped in enumerate(reversed(widths[:-1]), start=1):
            probability = dropout if layer in with_dropout else 0.0
            self.ups.append(Up(width, skipped, norm=norm, bias=bias, upsample=upsample, dropout=probability))
            width = skipped * 2 if self.skips else skipped
        self.ups.append(Up(width, out_channels, norm="none", bias=True, upsample=upsample))
        initialize(self)


class UNet(_EncodingGenerator):
    """The U-Net of Pix2Pix: an encoder and a decoder with skip connections between layers of the same size.

    At depth 8 and 64 filters it is the paper's C64-C128-C256-C512-C512-C512-C512-C512, then
    CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128 (channels that come in, skips included), and tanh. Source: arXiv
    1611.07004, sections 3.2.1 and 6.1.1.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        depth: how many times height and width are halved: 8 takes 256x256 down to one pixel.
        filters: channels of the first layer.
        doublings: how often the channels double, however deep the network is: three times in the paper. With fewer the
            weights are a smaller file.
        norm: `batch` as in the paper, `instance`, `instance_affine` or `none`. The first and last layers and the
            bottleneck have none.
        dropout: the probability of dropping a value. It is the paper's noise z, so the paper keeps it on at test time,
            too.
        dropout_placement: `paper` (decoder layers 1-3) or `junyanz` (2-4, which weights of
            pytorch-CycleGAN-and-pix2pix were trained with); only layers of full width have dropout.
        upsample: `transposed` convolutions as in the paper, or `resize`, which draws no checkerboards.
        bias: whether the convolutions before the last have biases; by default they do, except under batch norm.
        skips_first: whether a skip connection's channels come before the decoder's, as in the PyTorch checkpoints that
            are in use, or after them, as in those of 2017.

    Attributes:
        size_multiple: height and width have to be multiples of this, `2**depth`.

    Raises:
        ValueError: the depth is less than 2, or a choice is none of the above.
    """

    skips = True

    @staticmethod
    def recognize(state: Mapping[str, Tensor]) -> Recognized | None:
        """Return the U-Net of pytorch-CycleGAN-and-pix2pix that weights belong to, or None; see `junyanz.unet`."""
        return junyanz.unet(state)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        x, encoded = source, []
        for down in self.downs:
            x = down(x)
            encoded.append(x)
        x = encoded.pop()
        for up in self.ups:
            x = up(x)
            if encoded:
                skipped = encoded.pop()
                x = torch.cat([skipped, x] if self.skips_first else [x, skipped], dim=1)
        return torch.tanh(x)


class EncoderDecoder(_EncodingGenerator):
    """The encoder-decoder of Pix2Pix: the U-Net without its skip connections, for comparison.

    At depth 8 and 64 filters the decoder is the paper's CD512-CD512-CD512-C512-C256-C128-C64 (channels that go out),
    and tanh. Source: arXiv 1611.07004, sections 4.3 and 6.1.1.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        depth: how many times height and width are halved: 8 takes 256x256 down to one pixel.
        filters: channels of the first layer.
        doublings: how often the channels double, however deep the network is: three times in the paper. With fewer the
            weights are a smaller file.
        norm: `batch` as in the paper, `instance`, `instance_affine` or `none`. The first and last layers and the
            bottleneck have none.
        dropout: the probability of dropping a value.
        dropout_placement: `paper` (decoder layers 1-3) or `junyanz` (2-4); only layers of full width have dropout.
        upsample: `transposed` convolutions as in the paper, or `resize`, which draws no checkerboards.
        bias: whether the convolutions before the last have biases; by default they do, except under batch norm.
        skips_first: no effect; it lets a recipe change from one generator to the other by name.

    Attributes:
        size_multiple: height and width have to be multiples of this, `2**depth`.

    Raises:
        ValueError: the depth is less than 2, or a choice is none of the above.
    """

    skips = False

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        x = source
        for down in self.downs:
            x = down(x)
        for up in self.ups:
            x = up(x)
        return torch.tanh(x)
