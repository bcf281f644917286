"""Training SPADE with styles: a picture's encoder, whose code the generator is given (arXiv 1903.07291)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from annotated_types import Ge
from torch import Tensor

from itrans.api import Batch, ImageSpec, Runtime, WeightedLoss
from itrans_bicycle.encoder import Positive, divergence
from itrans_bicycle.method import BicycleGAN, problems


class StyledSPADE(BicycleGAN):
    """SPADE with an image encoder: the two form a variational autoencoder, and the decoder sees the label map.

    Source: arXiv 1903.07291, section 3 and appendix A. The code is planes of the source here, so that it reaches every
    layer and pictures of any size; in the paper it is the generator's first layer, of one size. Encoder,
    losses and translating are those of BicycleGAN, of whose two cycles this has the first.

    Args:
        build_generator: makes the recipe's generator for some input and output channels.
        build_discriminator: makes the recipe's discriminator; None if there is none.
        losses: adversarial and image losses.
        source: what the sources are.
        target: what the targets are.
        latent: how many numbers a code has; 256 in the paper.
        kl_weight: of the divergence of the targets' codes from N(0, 1).
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
        latent: Positive = 32,
        kl_weight: Annotated[float, Ge(0)] = 0.05,
        encoder_filters: Positive = 64,
        encoder_layers: Positive = 6,
    ) -> None:
        super().__init__(
            build_generator=build_generator,
            build_discriminator=build_discriminator,
            losses=losses,
            source=source,
            target=target,
            latent=latent,
            kl_weight=kl_weight,
            discriminators=1,
            encoder_filters=encoder_filters,
            encoder_layers=encoder_layers,
        )

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts; see `problems`."""
        return problems("spade", losses, has_discriminator)

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminator, then generator and encoder together."""
        mean, log_variance = self.encoder(batch.target)
        outputs = {"encoded": self.output(batch.source, self.encoder.drawn(mean, log_variance))}
        logged: dict[str, Tensor] = {}
        with runtime.update("discriminator") as update:
            update(self.discriminator_losses(batch, outputs, logged))
        with runtime.update("generator", "encoder") as update:
            weighted, kl = self.generator_losses(batch, outputs, logged), divergence(mean, log_variance)
            logged["encoder.kl"] = kl.detach()
            update(weighted | {"kl": self.kl_weight * kl})
        return logged
