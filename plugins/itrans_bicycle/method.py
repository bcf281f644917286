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


class BicycleGAN:
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

    Attributes:
        extras: what `translate` takes besides: `reference`, a picture of the target side.
        networks: `generator`, `encoder`, and the discriminators.

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
        self._latent_weight, self.kl_weight = latent_weight, kl_weight
        self._losses: dict[str, list[Any]] = {role: [] for role in self.roles}
        for entry in losses:
            self._losses[entry.loss.role].append(entry)
        self._conditional = any(entry.loss.conditional for entry in self._losses["adversarial"])
        self.extras = {"reference": replace(target, aligned=False)}
        generator = build_generator(source.planes + latent, target.planes)
        if getattr(generator, "latent", latent) != latent:
            raise ValueError(
                f"method.latent = {latent} and generator.latent = {generator.latent}: a code has one length, so they "
                "should be equal"
            )
        self.encoder = Encoder(in_channels=target.planes, latent=latent, filters=encoder_filters, layers=encoder_layers)
        self.networks: dict[str, nn.Module] = {"generator": generator, "encoder": self.encoder}
        random = "discriminator_random" if discriminators == 2 else "discriminator"
        self.judges = {"encoded": "discriminator", "random": random}
        if build_discriminator is not None:
            for name in dict.fromkeys(self.judges.values()):
                self.networks[name] = build_discriminator(target.planes, source.planes if self._conditional else 0)

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
            update(weighted | {"kl": self.kl_weight * kl, "latent": self._latent_weight * latent})
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
            raise ValueError(f'{type(self).__name__} translates "forward" only, not "{direction}".')
        code = self.encoder.noise(source) if reference is None else self.encoder(reference)[0]
        return self.output(source, strength * code)

    def output(self, source: Tensor, code: Tensor) -> Tensor:
        """Return what the generator makes of sources `(N, C, H, W)` and codes `(N, latent)`."""
        planes = planes_of(code.to(source.dtype), *source.shape[2:])
        return apply_generator(self.networks["generator"], torch.cat([source, planes], dim=1))

    def discriminator_losses(
        self, batch: Batch, outputs: Mapping[str, Tensor], logged: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return half the losses, weighted, of telling targets from outputs, which are given by what they are of."""
        weighted = {}
        for kind, output in outputs.items():
            scales = [
                *zip(*(self._logits(kind, p, batch.source) for p in (batch.target, output.detach())), strict=True)
            ]
            for entry in self._losses["adversarial"]:
                value = _mean([entry.loss.discriminator(*logits) for logits in scales]) / 2
                weighted[f"{entry.name}.{kind}"] = entry.weight * value
                logged[f"discriminator.{entry.name}_{kind}"] = value.detach()
        return weighted

    def generator_losses(
        self, batch: Batch, outputs: Mapping[str, Tensor], logged: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the losses, weighted, of the outputs; image losses are those of `encoded`, of the targets' codes."""
        weighted = {}
        for kind, output in outputs.items():
            logits = self._logits(kind, output, batch.source)
            for entry in self._losses["adversarial"]:
                value = _mean([entry.loss.generator(scale) for scale in logits])
                weighted[f"{entry.name}.{kind}"] = entry.weight * value
                logged[f"generator.{entry.name}_{kind}"] = value.detach()
        pair = Translated(batch.source, batch.target, outputs["encoded"], self._features(batch), batch.extras)
        for entry in self._losses["image"]:
            value = entry.loss(pair)
            weighted[entry.name] = entry.weight * value
            logged[f"generator.{entry.name}"] = value.detach()
        return weighted

    def _logits(self, kind: str, picture: Tensor, source: Tensor) -> list[Tensor]:
        """Return a discriminator's logits, one tensor for each scale."""
        logits = self.networks[self.judges[kind]](picture, source if self._conditional else None)
        return [logits] if isinstance(logits, Tensor) else list(logits)

    def _features(self, batch: Batch) -> Callable[[Tensor], list[Tensor]] | None:
        features: Any = getattr(self.networks[self.judges["encoded"]], "features", None)
        condition = batch.source if self._conditional else None
        return None if features is None else lambda picture: features(picture, condition)


def problems(method: str, losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
    """Return what is wrong with a recipe's parts, one sentence each, before any data is read.

    Args:
        method: the method's name.
        losses: the names and classes of the recipe's losses.
        has_discriminator: whether the recipe names one.
    """
    roles = {name: getattr(loss, "role", None) for name, loss in losses}
    found = [
        f'The method "{method}" has no use for the loss "{name}": it takes adversarial losses and image losses.'
        for name, role in roles.items()
        if role not in BicycleGAN.roles
    ]
    if not has_discriminator:
        found.append(f'The method "{method}" needs a discriminator: add a [discriminator] table.')
    if "adversarial" not in roles.values():
        found.append(f'The method "{method}" needs an adversarial loss: itrans list-plugins loss shows all.')
    if "image" not in roles.values():
        found.append(
            f'The method "{method}" needs an image loss, such as "l1" with weight = 10.0: nothing else gives the code '
            "of a target a meaning."
        )
    return found


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()
