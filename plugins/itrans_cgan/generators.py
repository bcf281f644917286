"""The generator of the GAN and of the conditional GAN: from noise, and a label if there is one, to a small picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

import torch
from annotated_types import Ge, MinLen
from torch import Tensor, nn

from itrans.api import DataError, Noise

Positive: TypeAlias = Annotated[int, Ge(1)]
"""A whole number from 1 on."""

Widths: TypeAlias = Annotated[tuple[Positive, ...], MinLen(1)]
"""How many units each hidden layer has, first layer first."""


class NoiseMLP(nn.Module):
    """Makes a small picture from noise and a label with fully connected layers: G(z|y) of the conditional GAN.

    The noise z is joined with the label y, which is the mean of each plane of the source. Hidden layers with
    LeakyReLU(0.2) follow, then tanh. Without a label it is G(z) of Goodfellow et al., arXiv 1406.2661. The rest is
    after Mirza & Osindero, arXiv 1411.1784, section 3.2, which has ReLU, a layer for each input and a joint one, and
    dropout. There is no batch normalisation: at test time it would see one picture at a time, and turn single values
    into zeros.

    Args:
        in_channels: of the source: how many numbers the label is.
        out_channels: of the output.
        noise: how many dimensions z has.
        distribution: what z is drawn from: `normal` is N(0, 1), `uniform` is between -1 and 1.
        size: height and width of the output, and of the source.
        hidden: how many units each hidden layer has.
        conditional: whether the generator uses the source; if not, it sees only noise.

    Raises:
        ValueError: a number is below 1, there is no hidden layer, or there is no such distribution.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        noise: Positive = 100,
        distribution: Literal["normal", "uniform"] = "normal",
        size: Positive = 8,
        hidden: Widths = (256, 512),
        conditional: bool = True,
    ) -> None:
        super().__init__()
        if min(noise, size, *hidden, len(hidden)) < 1:
            raise ValueError("noise, size and every number in hidden should be 1 or more, and hidden not empty.")
        self._size, self._out_channels, self._conditional = size, out_channels, conditional
        self.noise = Noise(noise, distribution=distribution)
        widths = [noise + (in_channels if conditional else 0), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], out_channels * size * size))

    def forward(self, source: Tensor) -> Tensor:
        """Draw `(N, Cout, size, size)` in [-1, 1] for sources `(N, Cin, size, size)` in [-1, 1].

        Raises:
            DataError: the source has another size.
        """
        height, width = source.shape[-2:]
        if (height, width) != (self._size, self._size):
            raise DataError(
                f"The generator noise_mlp draws pictures of {self._size}x{self._size}, and its source has "
                f"{width}x{height}. The two should be of one size: generator.size, and what the data set gives."
            )
        x = self.noise(source)
        if self._conditional:
            x = torch.cat([x, source.mean((2, 3))], dim=1)
        x = torch.tanh(self.layers(x))
        return x.view(-1, self._out_channels, self._size, self._size)
