"""Losses that restoration is trained with."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt
from torch import Tensor

from itrans.api import Translated


class CharbonnierLoss:
    """The L1 distance, rounded off near zero: sqrt(d^2 + epsilon^2), of each difference d.

    Source: Lai et al., arXiv 1704.03915, section 3.2.

    Args:
        epsilon: below about this difference it is flat; pictures are in [-1, 1]. The paper's is 0.001.
    """

    role: Literal["image"] = "image"

    def __init__(self, *, epsilon: Annotated[float, Gt(0)] = 1e-3) -> None:
        self._squared = epsilon**2

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean over pictures, channels and pixels, a scalar from epsilon to a little above 2."""
        difference = translated.output.float() - translated.target.float()
        return (difference.square() + self._squared).sqrt().mean()
