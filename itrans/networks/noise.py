"""Noise as an input of a generator, of which one picture has many translations."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Distribution: TypeAlias = Literal["normal", "uniform"]
"""What noise is drawn from: N(0, 1), or evenly between -1 and 1."""


class Noise(nn.Module):
    """Random values for each picture: the z of G(z) (Goodfellow et al., arXiv 1406.2661) and of G(x, z).

    In training they are drawn from torch's own generator, anew for every picture and call. When pictures are
    translated, in both modes, the seed decides: the same picture and seed have the same noise, whatever else is in the
    batch, and all pictures of a seed share it. Two modules draw independently of one another; one that is called twice
    within a translation gives the same twice.

    ```python
    self.noise = Noise(100)
    self.texture = Noise()

    z = self.noise(source)                  # (N, 100)
    x = x + 0.1 * self.texture(x[:, :1])    # (N, 1, H, W), whatever H and W are
    ```

    Args:
        shape: of the values of one picture: `Noise(100)` for a vector, `Noise(8, 16, 16)` for 8 maps of 16x16; without
            any, that of the tensor that it is called with.
        distribution: `normal` (mean 0, standard deviation 1) or `uniform` in [-1, 1].

    Raises:
        ValueError: a size is below 1, or there is no such distribution.
    """

    def __init__(self, *shape: int, distribution: Distribution = "normal") -> None:
        super().__init__()
        if any(size < 1 for size in shape):
            raise ValueError(f"Noise cannot have the shape {shape}: sizes are 1 or more.")
        if distribution not in ("normal", "uniform"):
            raise ValueError(f'There is no distribution "{distribution}": choose "normal" or "uniform".')
        self.shape, self.distribution = shape, distribution

    def forward(self, like: Tensor) -> Tensor:
        """Return `(N, *shape)` for `like` `(N, ...)`, of its type and on its device."""
        shape = self.shape or tuple(like.shape[1:])
        return self.filled(torch.empty(len(like), *shape, dtype=like.dtype, device=like.device))

    def filled(self, values: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Fill a tensor, in place, from a generator or, without one, from torch's own; return it."""
        if self.distribution == "normal":
            return values.normal_(generator=generator)
        return values.uniform_(-1, 1, generator=generator)

    def extra_repr(self) -> str:
        """Return what `print` shows of it."""
        return ", ".join([*map(str, self.shape), f'distribution="{self.distribution}"'])
