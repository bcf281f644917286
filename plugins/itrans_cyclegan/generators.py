"""The generator of CycleGAN (arXiv 1703.10593, section 7.2): residual blocks between strided convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Lt
from torch import Tensor, nn

from itrans.api import DataError, Recognized
from itrans_cyclegan import junyanz
from itrans_pix2pix.layers import Norm, convolution_bias, norm_layer

Padding: TypeAlias = Literal["reflect", "replicate", "zeros"]
"""What lies beyond a picture's border."""


class ResNetGenerator(nn.Module):
    """The residual generator of CycleGAN: c7s1-64, d128, d256, R256 for each block, u128, u64, c7s1-3, tanh.

    Borders are padded by reflection, before strided convolutions by zeros. Source: Zhu et al., arXiv 1703.10593,
    section 7.2, after Johnson et al., arXiv 1603.08155.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        blocks: residual blocks: 9 for pictures of 256x256 and more, 6 for 128x128.
        filters: channels of the first layer; the blocks have four times as many.
        norm: `instance` as in the paper, `instance_affine`, `batch` or `none`.
        dropout: the probability of dropping a value within the blocks; the paper has none.
        bias: whether the convolutions before the last have biases; by default they do, except under batch norm.
        padding: of the first and the last convolution: `reflect` as in the paper, `replicate` or `zeros`.
        block_padding: of the convolutions within the blocks: the same choices.

    Attributes:
        size_multiple: height and width have to be multiples of this, 4.
    """

    channels_last = True

    size_multiple = 4

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        blocks: Annotated[int, Ge(1)] = 9,
        filters: Annotated[int, Ge(1)] = 64,
        norm: Norm = "instance",
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
        bias: bool | None = None,
        padding: Padding = "reflect",
        block_padding: Padding = "reflect",
    ) -> None:
        super().__init__()
        bias = convolution_bias(norm, bias)
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, filters, 7, padding=3, padding_mode=padding, bias=bias),
            _with_norm(filters, norm),
            nn.Conv2d(filters, 2 * filters, 3, stride=2, padding=1, bias=bias),
            _with_norm(2 * filters, norm),
            nn.Conv2d(2 * filters, 4 * filters, 3, stride=2, padding=1, bias=bias),
            _with_norm(4 * filters, norm),
        )
        self.blocks = nn.Sequential(
            *(ResidualBlock(4 * filters, norm, dropout, bias=bias, padding=block_padding) for _ in range(blocks))
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(4 * filters, 2 * filters, 3, stride=2, padding=1, output_padding=1, bias=bias),
            _with_norm(2 * filters, norm),
            nn.ConvTranspose2d(2 * filters, filters, 3, stride=2, padding=1, output_padding=1, bias=bias),
            _with_norm(filters, norm),
            nn.Conv2d(filters, out_channels, 7, padding=3, padding_mode=padding),
            nn.Tanh(),
        )
        _initialize(self)

    @staticmethod
    def recognize(state: Mapping[str, Tensor]) -> Recognized | None:
        """Return the ResNet of pytorch-CycleGAN-and-pix2pix that weights belong to, or None; see `junyanz.resnet`."""
        return junyanz.resnet(state)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1].

        Raises:
            DataError: the pictures are 4 pixels high or wide: a quarter of that has nothing to reflect.
        """
        height, width = source.shape[-2:]
        if min(height, width) <= self.size_multiple:
            raise DataError(
                f'Pictures of {width}x{height} are too small for the generator "resnet": it takes 5x5 and more.'
            )
        output: Tensor = self.decoder(self.blocks(self.encoder(source)))
        return output


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to the input; no activation follows the sum.

    Args:
        channels: of what comes in and goes out.
        norm: what follows each convolution.
        dropout: the probability of dropping a value between the two.
        bias: whether the convolutions have biases.
        padding: what lies beyond the borders.
    """

    def __init__(self, channels: int, norm: Norm, dropout: float, *, bias: bool, padding: Padding) -> None:
        super().__init__()
        layers = [
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding, bias=bias),
            _with_norm(channels, norm),
            nn.Dropout(dropout) if dropout else nn.Identity(),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding, bias=bias),
            norm_layer(norm, channels),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to `(N, C, H, W)`."""
        added: Tensor = x + self.layers(x)
        return added


def _with_norm(channels: int, norm: Norm) -> nn.Module:
    return nn.Sequential(norm_layer(norm, channels), nn.ReLU(inplace=True))


def _initialize(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02) (section 7.2); biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
