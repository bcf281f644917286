"""The discriminators of pix2pixHD (arXiv 1711.11585, section 3.2): one network for each of several sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from itrans.api import DataError
from itrans_pix2pixhd.layers import Norm, Positive, norm_layer


class MultiScale(nn.Module):
    """Several PatchGANs of the same structure, each judging the picture at half the size of the one before.

    The coarsest sees the most of the picture, the finest sees details. Each is C64-C128-C256-C512 with 4x4 convolutions
    and LeakyReLU(0.2), and judges patches of 70x70 pixels at its own size. Source: Wang et al., arXiv 1711.11585,
    section 3.2.

    Args:
        in_channels: of the picture that it judges.
        condition_channels: of the source that it also sees; 0 if it sees none.
        scales: how many sizes there are.
        layers: convolutions of stride 2 in each network; a patch is `9 * 2**layers - 2` pixels wide.
        filters: channels of the first layer; they double up to eightfold.
        norm: `instance` as in the paper, `batch` or `none`. The first and last layers have none.
        spectral: whether the weights of the convolutions before a norm are divided by their spectral norm (Miyato et
            al., arXiv 1802.05957), as in SPADE.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        condition_channels: int,
        scales: Positive = 3,
        layers: Positive = 3,
        filters: Positive = 64,
        norm: Norm = "instance",
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self._smallest_size = 3 * 2 ** (layers + scales - 1)
        width = in_channels + condition_channels
        self.networks = nn.ModuleList(_Patches(width, layers, filters, norm, spectral=spectral) for _ in range(scales))

    def forward(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return logits `(N, 1, h, w)` for each size, the full one first.

        Args:
            image: `(N, C, H, W)` in [-1, 1].
            condition: the source, of equal height and width, or None.

        Raises:
            DataError: the picture is too small for so many sizes.
        """
        return [stages[-1] for stages in self._stages(image, condition)]

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return what every layer but the last makes of the picture, at all sizes, for `feature_matching`.

        Args:
            image: see `forward`.
            condition: see `forward`.

        Raises:
            DataError: see `forward`.
        """
        return [feature for stages in self._stages(image, condition) for feature in stages[:-1]]

    def _stages(self, image: Tensor, condition: Tensor | None) -> list[list[Tensor]]:
        seen = image if condition is None else torch.cat([condition, image], dim=1)
        height, width = seen.shape[2:]
        if min(height, width) < self._smallest_size:
            raise DataError(
                f'The discriminator "multiscale" with {len(self.networks)} scales needs pictures of at least '
                f"{self._smallest_size}x{self._smallest_size}, and this is {width}x{height}. Lower scales or layers."
            )
        found = []
        for number, network in enumerate(self.networks):
            if number:
                seen = functional.avg_pool2d(seen, 3, stride=2, padding=1, count_include_pad=False)
            found.append(network(seen))
        return found


class _Patches(nn.Module):
    """A PatchGAN that returns what each of its stages makes, the logits last."""

    def __init__(self, channels: int, layers: int, filters: int, norm: Norm, *, spectral: bool) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        for level in range(layers + 1):
            out = filters * min(2**level, 8)
            stride, normed = (2 if level < layers else 1), level > 0
            conv = nn.Conv2d(channels, out, 4, stride, padding=1, bias=not (normed and norm == "batch"))
            between = norm_layer(norm, out) if normed else nn.Identity()
            self.stages.append(nn.Sequential(conv, between, nn.LeakyReLU(0.2)))
            channels = out
        self.stages.append(nn.Conv2d(channels, 1, 4, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if spectral:  # of the weights as they have been drawn
            for stage in [*self.stages][1:-1]:
                spectral_norm(stage[0])

    def forward(self, x: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found
