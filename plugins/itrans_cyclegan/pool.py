"""A history of outputs for the discriminators (arXiv 1703.10593, section 4, after Shrivastava et al., 1612.07828)."""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """Keeps outputs of the past, and gives the discriminator one of them half of the time.

    Random numbers come from torch's own generator on the CPU, so a resumed run draws the same.

    Args:
        capacity: how many pictures it keeps; 0 gives every batch back as it is.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._pictures: list[Tensor] = []

    def exchange(self, outputs: Tensor) -> Tensor:
        """Return a batch for the discriminator, and keep some of these outputs.

        Until the pool is full, every picture is kept and returned. After that, with probability one half, a picture
        replaces one in the pool, and the replaced one is returned.

        Args:
            outputs: `(N, C, H, W)`, detached.
        """
        if self._capacity == 0:
            return outputs
        chosen = []
        for picture in outputs:
            if len(self._pictures) < self._capacity:
                self._pictures.append(picture.clone())
                chosen.append(picture)
            elif float(torch.rand(())) < 0.5:
                place = int(torch.randint(self._capacity, ()))
                chosen.append(self._pictures[place])
                self._pictures[place] = picture.clone()
            else:
                chosen.append(picture)
        if len({picture.shape for picture in chosen}) > 1:  # sizes vary from batch to batch
            return outputs
        return torch.stack(chosen)

    def state(self) -> list[Tensor]:
        """Return the pictures that it keeps, on the CPU."""
        return [picture.cpu() for picture in self._pictures]

    def restore(self, pictures: list[Tensor], like: Tensor) -> None:
        """Take over what `state` returned, on the device of a tensor."""
        self._pictures = [picture.to(like.device) for picture in pictures]
