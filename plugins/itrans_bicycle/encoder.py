"""The encoder of BicycleGAN (arXiv 1711.11586, sections 3.2 and 4): a picture of the target side -> its code."""

from __future__ import annotations

import itertools
from typing import Annotated, TypeAlias

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import DataError, Noise

Positive: TypeAlias = Annotated[int, Ge(1)]

_FULL_WIDTH = 4
"""The channels double until there are 4 times as many as in the first layer."""


class Encoder(nn.Module):
    """E: a convolution, residual blocks that halve the picture, the mean over all places, and two linear layers.

    It has no normalisation between pictures or places: what a picture's colours are on average is part of its style.
    Pictures may have any height and width that can be halved so often.

    Args:
        in_channels: of the picture.
        latent: how many numbers a code has.
        filters: channels of the first layer.
        layers: how many times height and width are halved.

    Attributes:
        noise: draws codes from the prior N(0, 1), `(N, latent)`.
    """

    channels_last = True

    def __init__(self, *, in_channels: int, latent: int, filters: int, layers: int) -> None:
        super().__init__()
        self._smallest_size = 2**layers
        widths = [filters * min(2**level, _FULL_WIDTH) for level in range(layers)]
        self.first = nn.Conv2d(in_channels, filters, 4, stride=2, padding=1)
        self.blocks = nn.Sequential(*(_Halving(*pair) for pair in itertools.pairwise(widths)))
        self.mean = nn.Linear(widths[-1], latent)
        self.log_variance = nn.Linear(widths[-1], latent)
        self.noise = Noise(latent)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, 0.2)
        # At first, codes say something: drawn from N(0, 1), they would be noise that the generator learns to ignore.
        nn.init.constant_(self.log_variance.bias, -3.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the variance of a picture's code, `(N, latent)` each.

        Args:
            image: `(N, C, H, W)` in [-1, 1].

        Raises:
            DataError: the picture is too small.
        """
        height, width = image.shape[-2:]
        if min(height, width) < self._smallest_size:
            raise DataError(
                f"A picture of {width}x{height} is too small to take a style from: it must be at least "
                f"{self._smallest_size}x{self._smallest_size}."
            )
        features = functional.leaky_relu(self.blocks(self.first(image)), 0.2).mean(dim=(2, 3))
        return self.mean(features).float(), self.log_variance(features).float()

    def drawn(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return codes drawn from N(mean, variance), through which gradients flow to both."""
        noise: Tensor = self.noise(mean)
        return mean + (log_variance / 2).exp() * noise


class _Halving(nn.Module):
    """A residual block that halves height and width.

    Args:
        in_channels: of what comes in.
        out_channels: of what goes out.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.outer = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, Cin, H, W)` to `(N, Cout, H // 2, W // 2)`."""
        added = self.outer(functional.leaky_relu(self.inner(functional.leaky_relu(x, 0.2)), 0.2))
        halved: Tensor = functional.avg_pool2d(added, 2) + self.shortcut(functional.avg_pool2d(x, 2))
        return halved


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return how far N(mean, variance) is from N(0, 1): the mean over pictures of the Kullback-Leibler divergence."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()


def planes_of(code: Tensor, height: int, width: int) -> Tensor:
    """Return a code `(N, latent)` as a plane for each of its numbers, `(N, latent, height, width)`."""
    return code[:, :, None, None].expand(-1, -1, height, width)


def regression(encoder: Encoder, output: Tensor, code: Tensor) -> Tensor:
    """Return how far the code that is found in an output is from that which it was made with, by L1.

    The encoder's weights get no gradient: it would learn to find codes that the generator has hidden in the picture
    (arXiv 1711.11586, section 4).
    """
    fixed = {name: weight.detach() for name, weight in encoder.named_parameters()}
    mean, _ = torch.func.functional_call(encoder, fixed, (output,))
    return functional.l1_loss(mean, code)
