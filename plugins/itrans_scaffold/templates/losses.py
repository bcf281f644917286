"""A loss that training minimises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from itrans.api import Translated


class TemplateLoss:
    """The Charbonnier loss: the mean of sqrt(d^2 + epsilon^2), where d is the difference of output and target.

    For small differences it is as smooth as a square, for large ones as robust as the absolute value. Source:
    Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed imaging" (ICIP 1994).

    Args:
        epsilon: the difference at which one turns into the other; pictures are in [-1, 1].
    """

    role: Literal["image"] = "image"
    """It compares pictures. A loss on a discriminator's logits says `"adversarial"` and has two other functions."""

    def __init__(self, *, epsilon: Annotated[float, Field(gt=0)] = 0.001) -> None:
        self.epsilon = epsilon

    def __call__(self, translated: Translated) -> Tensor:
        """Return a scalar: the mean over pictures, channels and pixels.

        Args:
            translated: `source`, `target` and `output`, each `(N, C, H, W)` in [-1, 1]; and `features()`, which returns
                the discriminator's features of the target and of the output.
        """
        # Networks may compute in 16 bits; a loss computes in 32.
        difference = translated.output.float() - translated.target.float()
        return (difference.square() + self.epsilon**2).sqrt().mean()
