"""Training for many outputs of one source: BicycleGAN (Zhu et al., arXiv 1711.11586)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from itrans.api import Batch, ImageSpec, Runtime, Translated, WeightedLoss, apply_generator
from itrans_bicycle.encoder import Encoder, Positive, divergence, planes_of, regression

_JUDGES = {"encoded": "discriminator", "random": "discriminator_random"}
"""Which network judges outputs of a target's own code, and those of a code that was drawn."""


class BicycleGAN:
    """BicycleGAN: a generator that is given a code besides the source, and an encoder that finds a picture's code.

    Each step joins two cycles. cVAE-GAN: target -> code -> output, which should be the target. cLR-GAN: code -> output
    -> code, which should be the one that was drawn. The code is added to the source as planes, so that any generator
    will do. Source: arXiv 1711.11586, section 3 and equation 8.

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

    Attributes:
        extras: what `translate` takes besides: `reference`, a picture of the target side.

    Raises:
        ValueError: the generator takes a code of another length.
    """

    generators = ("generator", "encoder")
    roles = ("adversarial", "image")

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
        self._losses: dict[str, list[Any]] = {role: [] for role in self.roles}
        for entry in losses:
            self._losses[entry.loss.role].append(entry)
        self._conditional = any(entry.loss.conditional for entry in self._losses["adversarial"])
        self._latent_weight, self._kl_weight = latent_weight, kl_weight
        self.extras = {"reference": replace(target, aligned=False)}
        generator = build_generator(source.planes + latent, target.planes)
        if getattr(generator, "latent", latent) != latent:
            raise ValueError(
                f"method.latent = {latent} and generator.latent = {generator.latent}: a code has one length, so they "
                "should be equal"
            )
        self._encoder = Encoder(
            in_channels=target.planes, latent=latent, filters=encoder_filters, layers=encoder_layers
        )
        self.networks: dict[str, nn.Module] = {"generator": generator, "encoder": self._encoder}
        self._judges = _JUDGES if discriminators == 2 else dict.fromkeys(_JUDGES, "discriminator")
        if build_discriminator is not None:
            for name in dict.fromkeys(self._judges.values()):
                self.networks[name] = build_discriminator(target.planes, source.planes if self._conditional else 0)

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, one sentence each, before any data is read.

        Args:
            losses: the names and classes of the recipe's losses.
            has_discriminator: whether the recipe names one.
        """
        roles = {name: getattr(loss, "role", None) for name, loss in losses}
        problems = [
            f'The method "bicycle" has no use for the loss "{name}": it takes adversarial losses and image losses.'
            for name, role in roles.items()
            if role not in BicycleGAN.roles
        ]
        if not has_discriminator:
            problems.append('The method "bicycle" needs a discriminator: add a [discriminator] table.')
        if "adversarial" not in roles.values():
            problems.append('The method "bicycle" needs an adversarial loss, such as "gan" with objective = "lsgan".')
        if "image" not in roles.values():
            problems.append(
                'The method "bicycle" needs an image loss, such as "l1" with weight = 10.0: nothing else gives a '
                "target's code a meaning."
            )
        return problems

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminators, then generator and encoder together, through both cycles."""
        mean, log_variance = self._encoder(batch.target)
        codes = {"encoded": self._encoder.drawn(mean, log_variance), "random": self._encoder.noise(mean)}
        outputs = {cycle: self._output(batch.source, code) for cycle, code in codes.items()}
        logged: dict[str, Tensor] = {}
        for judge in dict.fromkeys(self._judges.values()):
            with runtime.update(judge) as update:
                update(self._judge_losses(judge, batch, outputs, logged))
        with runtime.update("generator", "encoder") as update:
            weighted: dict[str, Tensor] = {}
            for entry in self._losses["adversarial"]:
                for cycle, output in outputs.items():
                    logits = self._logits(cycle, output, batch.source)
                    value = _mean([entry.loss.generator(scale) for scale in logits])
                    weighted[f"{entry.name}.{cycle}"] = entry.weight * value
                    logged[f"generator.{entry.name}_{cycle}"] = value.detach()
            pair = Translated(batch.source, batch.target, outputs["encoded"], self._features(batch), batch.extras)
            for entry in self._losses["image"]:
                value = entry.loss(pair)
                weighted[entry.name] = entry.weight * value
                logged[f"generator.{entry.name}"] = value.detach()
            kl, latent = divergence(mean, log_variance), regression(self._encoder, outputs["random"], codes["random"])
            logged |= {"encoder.kl": kl.detach(), "generator.latent": latent.detach()}
            update(weighted | {"kl": self._kl_weight * kl, "latent": self._latent_weight * latent})
        return logged

    def translate(
        self,
        source: Tensor,
        direction: str = "forward",
        *,
        strength: Annotated[float, Ge(0)] = 1.0,
        reference: Tensor | None = None,
    ) -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1], each picture with a code that is drawn or found in another picture.

        Args:
            source: the pictures.
            direction: `forward`.
            strength: what the code is multiplied with: 0 is the mean style, the same for all.
            reference: pictures of the target side of any size, `(N, C', H', W')` in [-1, 1], that styles are taken
                from; None draws them.

        Raises:
            ValueError: there is no such direction.
        """
        if direction != "forward":
            raise ValueError(f'BicycleGAN translates "forward" only, not "{direction}".')
        code = self._encoder.noise(source) if reference is None else self._encoder(reference)[0]
        return self._output(source, strength * code)

    def _output(self, source: Tensor, code: Tensor) -> Tensor:
        planes = planes_of(code.to(source.dtype), *source.shape[2:])
        return apply_generator(self.networks["generator"], torch.cat([source, planes], dim=1))

    def _judge_losses(
        self, judge: str, batch: Batch, outputs: Mapping[str, Tensor], logged: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return half the losses of telling targets from the outputs of the cycles that a discriminator judges."""
        weighted = {}
        for cycle in (cycle for cycle, name in self._judges.items() if name == judge):
            real = self._logits(cycle, batch.target, batch.source)
            fake = self._logits(cycle, outputs[cycle].detach(), batch.source)
            for entry in self._losses["adversarial"]:
                scales = zip(real, fake, strict=True)
                value = _mean([entry.loss.discriminator(*logits) for logits in scales]) / 2
                weighted[f"{entry.name}.{cycle}"] = entry.weight * value
                logged[f"discriminator.{entry.name}_{cycle}"] = value.detach()
        return weighted

    def _logits(self, cycle: str, picture: Tensor, source: Tensor) -> list[Tensor]:
        """Return the logits of a cycle's discriminator, one tensor for each scale."""
        logits = self.networks[self._judges[cycle]](picture, source if self._conditional else None)
        return [logits] if isinstance(logits, Tensor) else list(logits)

    def _features(self, batch: Batch) -> Callable[[Tensor], list[Tensor]] | None:
        features: Any = getattr(self.networks[self._judges["encoded"]], "features", None)
        condition = batch.source if self._conditional else None
        return None if features is None else lambda picture: features(picture, condition)


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()
