"""A generator of any scale that needs no training, for tests."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Scaled(nn.Module):
    """Each pixel is the mean of those of the source that it lies on."""

    def __init__(self, *, in_channels: int, out_channels: int, scale: str = "2", multiple: int = 1) -> None:
        super().__init__()
        self.scale, self.size_multiple = Fraction(scale), multiple
        self.weight = nn.Parameter(torch.ones(1, in_channels, 1, 1))

    def forward(self, source):
        assert not any(side % self.scale.denominator or side % self.size_multiple for side in source.shape[2:])
        if self.scale.denominator == 1:  # which can be exported for any size
            return functional.interpolate(source, scale_factor=int(self.scale), mode="nearest") * self.weight
        size = [int(side * self.scale) for side in source.shape[2:]]
        return functional.interpolate(source, size, mode="area") * self.weight


def steps(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return a picture whose pixels are all different."""
    values = np.random.default_rng(0).integers(0, 256, (height, width, channels))
    return values.astype(np.uint8)


def enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
