"""The losses of Pix2Pix (arXiv 1611.07004, section 3.1), in single precision whatever the networks compute in."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor
from torch.nn import functional

from itrans.api import Translated

Objective: TypeAlias = Literal["vanilla", "lsgan", "hinge"]
"""What makes logits a loss; see `ConditionalGANLoss`."""


class _AdversarialLoss:
    """Both GAN losses: they differ in what the discriminator is shown, not in what is made of its logits."""

    role: Literal["adversarial"] = "adversarial"
    conditional: bool

    def __init__(self, *, objective: Objective = "vanilla") -> None:
        if objective not in ("vanilla", "lsgan", "hinge"):
            raise ValueError(f'There is no objective "{objective}": choose "vanilla", "lsgan" or "hinge".')
        self.objective = objective

    def generator(self, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as the discriminator takes the translations for real.

        Args:
            fake_logits: of translations, of any shape.
        """
        fake = fake_logits.float()
        if self.objective == "lsgan":
            return (fake - 1).square().mean()
        if self.objective == "hinge":
            return -fake.mean()
        return _minus_log_probability(fake)

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as the discriminator tells the two apart: one term for each, added.

        Args:
            real_logits: of targets, of any shape.
            fake_logits: of translations, of any shape.
        """
        real, fake = real_logits.float(), fake_logits.float()
        if self.objective == "lsgan":
            return (real - 1).square().mean() + fake.square().mean()
        if self.objective == "hinge":
            return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
        # log(1 - D) = log D(-logit).
        return _minus_log_probability(real) + _minus_log_probability(-fake)


class ConditionalGANLoss(_AdversarialLoss):
    """The conditional GAN: the discriminator sees the source as well as the picture.

    L_cGAN(G, D) = E[log D(x, y)] + E[log(1 - D(x, G(x)))]; the generator minimises -log D(x, G(x)), whose gradient does
    not vanish when the discriminator is sure. Source: arXiv 1611.07004, equation 1 and section 3.3.

    Args:
        objective: `vanilla` is the above; `lsgan` puts squared distances to 1 (real) and 0 (Mao et al., arXiv
            1611.04076, without its factors 1/2); `hinge` stops at logits of 1 and -1 (Lim & Ye, arXiv 1705.02894).

    Raises:
        ValueError: there is no such objective.
    """

    conditional = True


class GANLoss(_AdversarialLoss):
    """The unconditional GAN: the discriminator sees only the picture.

    L_GAN(G, D) = E[log D(y)] + E[log(1 - D(G(x)))]. Source: arXiv 1611.07004, equation 2.

    Args:
        objective: see `ConditionalGANLoss`.

    Raises:
        ValueError: there is no such objective.
    """

    conditional = False


class L1Loss:
    """The mean absolute difference of output and target.

    Source: arXiv 1611.07004, equation 3; its weight there is 100.
    """

    role: Literal["image"] = "image"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean over pictures, channels and pixels, a scalar from 0 to 2."""
        return functional.l1_loss(translated.output.float(), translated.target.float())


class L2Loss:
    """The mean squared difference of output and target, which blurs more than L1 does.

    Source: Pathak et al., arXiv 1604.07379, which arXiv 1611.07004, section 3.1, improves on with L1.
    """

    role: Literal["image"] = "image"

    def __call__(self, translated: Translated) -> Tensor:
        """Return the mean over pictures, channels and pixels, a scalar from 0 to 4."""
        return functional.mse_loss(translated.output.float(), translated.target.float())


def _minus_log_probability(logits: Tensor) -> Tensor:
    """Return the mean of -log(sigmoid(logits)), without overflow."""
    return functional.softplus(-logits).mean()
