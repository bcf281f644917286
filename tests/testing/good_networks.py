"""Networks as they should be, to be spoilt."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class GoodGenerator(nn.Module):
    """A generator as it should be, to be spoilt."""

    def __init__(self, *, in_channels: int, out_channels: int, filters: int = 2) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, filters, 3, padding=1)
        self.last = nn.Conv2d(filters, out_channels, 3, padding=1)

    def forward(self, source):
        return self.last(self.first(source).relu()).tanh()


class GoodDiscriminator(nn.Module):
    """A discriminator as it should be, to be spoilt."""

    def __init__(self, *, in_channels: int, condition_channels: int, filters: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels + condition_channels, filters, 4, stride=4)
        self.last = nn.Conv2d(filters, 1, 1)

    def features(self, image, condition):
        seen = image if condition is None else torch.cat([condition, image], 1)
        return [functional.leaky_relu(self.first(seen), 0.2)]

    def forward(self, image, condition):
        return self.last(self.features(image, condition)[-1])
