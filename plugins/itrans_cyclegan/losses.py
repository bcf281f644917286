"""What CycleGAN asks of its generators besides fooling the discriminators; the method `cyclegan` knows these roles."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from itrans.api import Translated


class CycleLoss:
    """Cycle consistency: a picture that is translated and translated back should be itself again, by L1.

    The record's target is the picture, its output what came back. Both directions are added. Source: arXiv 1703.10593,
    equation 2; the paper weights it with 10.
    """

    role: Literal["cycle"] = "cycle"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean absolute difference."""
        return functional.l1_loss(translated.output.float(), translated.target.float())


class IdentityLoss:
    """Identity: a picture that is of the target's kind already should be left as it is, by L1; it keeps the colours.

    The record's target is the picture, its output what the generator makes of it. Both directions are added. Source:
    arXiv 1703.10593, section 5.2; the paper weights it with 5, half of the cycle's weight, where it uses it.
    """

    role: Literal["identity"] = "identity"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean absolute difference."""
        return functional.l1_loss(translated.output.float(), translated.target.float())
