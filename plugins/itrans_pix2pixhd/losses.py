"""The feature-matching loss of pix2pixHD."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from itrans.api import Translated


class FeatureMatchingLoss:
    """How far the discriminator's features of the output are from those of the target: the mean L1 over all layers.

    Each layer counts the same, whatever its size, and so does each scale. Source: Wang et al., arXiv 1711.11585,
    equation 3, where the layers are added up: its weight of 10 for four layers is a weight of 40 here.
    """

    role: Literal["image"] = "image"

    def __call__(self, translated: Translated) -> Tensor:
        """Return a scalar.

        Raises:
            TypeError: the recipe has no discriminator, or one without features.
        """
        targets, outputs = translated.features()
        distances = [
            functional.l1_loss(output.float(), target.float()) for target, output in zip(targets, outputs, strict=True)
        ]
        return torch.stack(distances).mean()
