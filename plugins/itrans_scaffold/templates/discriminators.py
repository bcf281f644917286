"""Networks that tell translations from targets."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn


class TemplateDiscriminator(nn.Module):
    """A small patch discriminator: each logit judges a patch of 18x18 pixels, whatever the picture's size.

    Recipes set the arguments by name. Annotations say which values are allowed: a recipe with another value is refused
    before anything is built.

    Args:
        in_channels: planes of the picture that it judges, which are its channels, or of label maps one for each class;
            given by itrans, from the data.
        condition_channels: planes of the source that it also sees, 0 if it sees none; given by itrans, from the data
            and the adversarial loss.
        filters: channels of the first layer; the second has twice as many.
    """

    def __init__(self, *, in_channels: int, condition_channels: int, filters: Annotated[int, Field(ge=1)] = 32) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(in_channels + condition_channels, filters, kernel_size=4, stride=2, padding=1),
                    nn.LeakyReLU(0.2),
                ),
                nn.Sequential(
                    nn.Conv2d(filters, filters * 2, kernel_size=4, stride=2, padding=1),
                    # One group takes any number of channels, pictures of any size, and a batch of 1.
                    nn.GroupNorm(1, filters * 2),
                    nn.LeakyReLU(0.2),
                ),
            ]
        )
        self.head = nn.Conv2d(filters * 2, 1, kernel_size=3, padding=1)

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """Return the logits of a picture's patches: above 0 for a target, below for a translation.

        Args:
            image: `(N, C, H, W)` in [-1, 1].
            condition: the source, `(N, condition_channels, H, W)` in [-1, 1]; None if `condition_channels` is 0.

        Returns:
            `(N, 1, H // 4, W // 4)`. A list of such tensors would stand for several scales.
        """
        logits: Tensor = self.head(self.features(image, condition)[-1])
        return logits

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return the activations after each block, for losses that compare features. This method is optional.

        Args:
            image: see `forward`.
            condition: see `forward`.
        """
        x = image if condition is None else torch.cat([condition, image], dim=1)
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found
