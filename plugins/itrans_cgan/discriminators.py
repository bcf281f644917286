"""The discriminator of the GAN and of the conditional GAN, for small pictures."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from itrans.api import DataError, counted
from itrans_cgan.generators import Positive, Widths


class MLP(nn.Module):
    """Judges a small picture as a whole with fully connected layers, together with its label if there is one.

    The picture's pixels are joined with the label y, which is the mean of each plane of the source. Layers with
    LeakyReLU(0.2) and dropout follow, then a single logit. Source: Mirza & Osindero, arXiv 1411.1784, section 3.2,
    which has maxout units.

    Args:
        in_channels: of the picture that it judges.
        condition_channels: of the source that it also sees; 0 if it sees none.
        size: height and width of the pictures.
        hidden: how many units each hidden layer has.
        dropout: the probability of dropping a hidden value in training.

    Raises:
        ValueError: a size is below 1, or there is no hidden layer.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        condition_channels: int,
        size: Positive = 8,
        hidden: Widths = (512, 256),
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.3,
    ) -> None:
        super().__init__()
        if min(size, *hidden, len(hidden)) < 1:
            raise ValueError("size and every number in hidden should be 1 or more, and hidden not empty.")
        self._size, self._condition_channels = size, condition_channels
        widths = [in_channels * size * size + condition_channels, *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """Return one logit for each picture, `(N, 1, 1, 1)`: above 0 for real, below for drawn.

        Args:
            image: `(N, C, size, size)` in [-1, 1].
            condition: the source, `(N, condition_channels, H, W)` in [-1, 1]; None if `condition_channels` is 0.

        Raises:
            ValueError: the condition is missing, or there should be none.
            DataError: the picture has another size.
        """
        if (condition is None) != (self._condition_channels == 0):
            given = "none" if condition is None else "one"
            raise ValueError(
                f"This MLP sees a source of {counted(self._condition_channels, 'channel')}, and got {given}."
            )
        height, width = image.shape[-2:]
        if (height, width) != (self._size, self._size):
            raise DataError(
                f"The discriminator mlp judges pictures of {self._size}x{self._size}, and got {width}x{height}. Set "
                "discriminator.size to the size of the data set's pictures."
            )
        x = image.flatten(1)
        if condition is not None:
            x = torch.cat([x, condition.mean((2, 3))], dim=1)
        logits: Tensor = self.layers(x)
        return logits[:, :, None, None]
