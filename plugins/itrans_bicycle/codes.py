"""Translation with a code besides the source: what BicycleGAN and other methods with an encoder have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from itrans.api import Batch, ImageSpec, Translated, WeightedLoss, apply_generator
from itrans_bicycle.encoder import Encoder, planes_of

ROLES = ("adversarial", "image")


class CodedTranslation:
    """A generator that is given a code as planes of its source, and an encoder that finds the code of a picture.

    Args:
        build_generator: makes the recipe's generator for some input and output channels.
        build_discriminator: makes the recipe's discriminator; None if there is none.
        losses: adversarial and image losses.
        source: what the sources are.
        target: what the targets are.
        encoder: makes an encoder; see `Encoder`.
        latent: how many numbers a code has.
        judges: the names of the discriminators, by what they judge.

    Attributes:
        extras: what `translate` takes besides: `reference`, a picture of the target side.
        judges: the names of the discriminators, by what they judge.
        networks: `generator`, `encoder`, and the discriminators.

    Raises:
        ValueError: the generator takes a code of another length.
    """

    generators = ("generator", "encoder")
    roles = ROLES

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Callable[[int, int], Any] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        encoder: Encoder,
        latent: int,
        judges: Mapping[str, str],
    ) -> None:
        self._losses: dict[str, list[Any]] = {role: [] for role in ROLES}
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
        self.encoder, self.judges = encoder, judges
        self.networks: dict[str, nn.Module] = {"generator": generator, "encoder": encoder}
        if build_discriminator is not None:
            for name in dict.fromkeys(judges.values()):
                self.networks[name] = build_discriminator(target.planes, source.planes if self._conditional else 0)

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
        if role not in ROLES
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
