"""Training for many outputs of one source: BicycleGAN (Zhu et al., arXiv 1711.11586)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from annotated_types import Ge
from torch import Tensor

from itrans.api import Batch, ImageSpec, Runtime, WeightedLoss
from itrans_bicycle.codes import CodedTranslation, problems
from itrans_bicycle.encoder import Encoder, Positive, divergence, regression


class BicycleGAN(CodedTranslation):
    """BicycleGAN: a generator that is given a code besides the source, and an encoder that finds a picture's code.

    Each step joins two cycles. cVAE-GAN: target -> code -> output, which should be the target. cLR-GAN: code -> output
    -> code, which should be the one that was drawn. Source: arXiv 1711.11586, section 3 and equation 8.

    Args:
        build_generator: makes the recipe's generator for some input and output channels.
        build_discriminator: makes the recipe's discriminator; None if there is none.
        losses: adversarial ones, and image losses between an output of the target's own code and the target.
        source: what the sources are.
        target: what the targets are.
        latent: how many numbers a code has.
        latent_weight: of the L1 between a code and that which is found in its output; it trains the generator alone.
        kl_weight: of the divergence of the targets' codes from N(0, 1).
        discriminators: 2 judge the outputs of the two cycles apart, as in the paper; 1 judges both.
        encoder_filters: channels of the encoder's first layer; they double twice.
        encoder_layers: how many times the encoder halves a picture.

    Raises:
        ValueError: the generator takes a code of another length.
    """

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Callable[[int, int], Any] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        latent: Positive = 8,
        latent_weight: Annotated[float, Ge(0)] = 0.5,
        kl_weight: Annotated[float, Ge(0)] = 0.01,
        discriminators: Literal[1, 2] = 2,
        encoder_filters: Positive = 64,
        encoder_layers: Positive = 4,
    ) -> None:
        self._latent_weight, self._kl_weight = latent_weight, kl_weight
        random = "discriminator_random" if discriminators == 2 else "discriminator"
        super().__init__(
            build_generator=build_generator,
            build_discriminator=build_discriminator,
            losses=losses,
            source=source,
            target=target,
            encoder=Encoder(in_channels=target.planes, latent=latent, filters=encoder_filters, layers=encoder_layers),
            latent=latent,
            judges={"encoded": "discriminator", "random": random},
        )

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts; see `problems`."""
        return problems("bicycle", losses, has_discriminator)

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminators, then generator and encoder together, through both cycles."""
        mean, log_variance = self.encoder(batch.target)
        codes = {"encoded": self.encoder.drawn(mean, log_variance), "random": self.encoder.noise(mean)}
        outputs = {cycle: self.output(batch.source, code) for cycle, code in codes.items()}
        logged: dict[str, Tensor] = {}
        for judge in dict.fromkeys(self.judges.values()):
            judged = {cycle: output for cycle, output in outputs.items() if self.judges[cycle] == judge}
            with runtime.update(judge) as update:
                update(self.discriminator_losses(batch, judged, logged))
        with runtime.update("generator", "encoder") as update:
            weighted = self.generator_losses(batch, outputs, logged)
            kl, latent = divergence(mean, log_variance), regression(self.encoder, outputs["random"], codes["random"])
            logged |= {"encoder.kl": kl.detach(), "generator.latent": latent.detach()}
            update(weighted | {"kl": self._kl_weight * kl, "latent": self._latent_weight * latent})
        return logged
