"""The adversarial loss of the Wasserstein GAN (Arjovsky et al., arXiv 1701.07875)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor


class WassersteinLoss:
    """The discriminator, a critic, rates real pictures as far above translations as it can.

    What it rates has to be held back by its method, as `stargan` does by a gradient penalty: there is no other bound.
    Source: arXiv 1711.09020, equation 8; the penalty in it is the method's.
    """

    role: Literal["adversarial"] = "adversarial"
    conditional = False

    def generator(self, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as translations are rated higher.

        Args:
            fake_logits: of translations, of any shape.
        """
        return -fake_logits.float().mean()

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as real pictures are rated higher than translations.

        Args:
            real_logits: of pictures of the data set, of any shape.
            fake_logits: of translations, of any shape.
        """
        return fake_logits.float().mean() - real_logits.float().mean()
