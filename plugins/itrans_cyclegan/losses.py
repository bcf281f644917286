"""The losses of CycleGAN's generators besides the adversarial one; the method `cyclegan` knows these roles."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from itrans.api import Translated


class CycleLoss:
    """Cycle consistency: a picture that is translated and translated back should be itself again, by L1.

    The record's target is the picture; its output is the translation there and back. Both directions are added. Source:
    arXiv 1703.10593, equation 2; the paper's weight is 10.
    """

    role: Literal["cycle"] = "cycle"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean absolute difference."""
        return functional.l1_loss(translated.output.float(), translated.target.float())


class IdentityLoss:
    """Identity: a picture that already looks like the targets should stay as it is, by L1; this keeps colours.

    The record's target is the picture; its output is the generator's output for it. Both directions are added. Source:
    arXiv 1703.10593, section 5.2; where the paper uses it, its weight is 5, half that of the cycle loss.
    """

    role: Literal["identity"] = "identity"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean absolute difference."""
        return functional.l1_loss(translated.output.float(), translated.target.float())
