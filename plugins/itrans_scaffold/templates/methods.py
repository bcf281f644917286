"""Ways to train: what one step does with a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from itrans.api import Batch, Discriminator, Generator, ImageSpec, Runtime, Translated, WeightedLoss, apply_generator


class TemplateMethod:
    """Supervised training on pairs: the discriminator learns first, if there is one, then the generator.

    Args:
        build_generator: makes the recipe's generator for some planes of its inputs and outputs, as often as it is
            called.
        build_discriminator: makes the recipe's discriminator, for the planes of the pictures that it judges and of the
            sources that it sees; None if there is none, or if it is only to translate.
        losses: the recipe's, with their weights; empty if it is only to translate.
        source: what the source pictures are.
        target: what the target pictures are.
        discriminator_weight: the factor of the discriminator's losses. One half slows it down relative to the
            generator.
    """

    generators = ("generator",)
    """Those of the networks that `translate` needs."""

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Generator],
        build_discriminator: Callable[[int, int], Discriminator] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        discriminator_weight: Annotated[float, Field(gt=0)] = 0.5,
    ) -> None:
        self._weight = discriminator_weight
        # A loss says by its role what it is given: logits, or pictures.
        self._adversarial = [(x.name, x.weight, x.loss) for x in losses if x.loss.role == "adversarial"]
        self._image = [(x.name, x.weight, x.loss) for x in losses if x.loss.role == "image"]
        # A conditional loss has the discriminator see the source besides the picture that it judges.
        self._conditional = any(loss.conditional for _, _, loss in self._adversarial)

        # Planes are what networks see: of label maps one for each class, of all else the pictures' channels.
        # The names of the networks are the keys in a checkpoint. A discriminator that no loss trains is not made.
        self.networks: dict[str, Any] = {"generator": build_generator(source.planes, target.planes)}
        if build_discriminator is not None and self._adversarial:
            seen = source.planes if self._conditional else 0
            self.networks["discriminator"] = build_discriminator(target.planes, seen)

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, a sentence each, before any data are read. This is optional.

        Args:
            losses: the names and classes of the recipe's losses.
            has_discriminator: whether the recipe names one.
        """
        adversarial = [name for name, loss in losses if loss.role == "adversarial"]
        if adversarial and not has_discriminator:
            return [f'The loss "{adversarial[0]}" needs a discriminator: add a [discriminator] table.']
        if has_discriminator and not adversarial:
            return ['No loss trains the discriminator: add an adversarial loss such as "cgan", or leave it out.']
        return []

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update every network once; return the losses to log, without their weights.

        Args:
            batch: `source` and `target`, `(N, C, H, W)` in [-1, 1], and the pairs' `keys`.
            runtime: takes care of gradients, precision, devices, processes and optimisers.
        """
        logged: dict[str, Tensor] = {}
        # This pads what the generator cannot take as it is, and crops the output back.
        output = apply_generator(self.networks["generator"], batch.source)

        if self._adversarial:
            # Within this block the discriminator alone is trained. It is called once with the losses to descend on.
            with runtime.update("discriminator") as update:
                real = self._logits(batch.target, batch.source)
                # Detached: what the discriminator learns here is nothing to the generator.
                fake = self._logits(output.detach(), batch.source)
                losses = {}
                for name, weight, loss in self._adversarial:
                    value = _mean([loss.discriminator(r, f) for r, f in zip(real, fake, strict=True)]) * self._weight
                    losses[name] = weight * value
                    logged[f"discriminator.{name}"] = value.detach()
                update(losses)

        # Here the discriminator is frozen: gradients flow through it, to the generator.
        with runtime.update("generator") as update:
            losses = {}
            if self._adversarial:
                fake = self._logits(output, batch.source)
                for name, weight, loss in self._adversarial:
                    value = _mean([loss.generator(f) for f in fake])
                    losses[name] = weight * value
                    logged[f"generator.{name}"] = value.detach()
            # The record that image losses are given.
            translated = Translated(batch.source, batch.target, output, self._features(batch.source))
            for name, weight, image_loss in self._image:
                value = image_loss(translated)
                losses[name] = weight * value
                logged[f"generator.{name}"] = value.detach()
            update(losses)
        return logged

    def translate(self, source: Tensor, direction: str = "forward") -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)`; there is only `forward`."""
        if direction != "forward":
            raise ValueError(f'This method translates "forward" only, not "{direction}".')
        return apply_generator(self.networks["generator"], source)

    def _logits(self, image: Tensor, source: Tensor) -> list[Tensor]:
        """Return the discriminator's logits, a tensor for each of its scales."""
        logits = self.networks["discriminator"](image, source if self._conditional else None)
        return logits if isinstance(logits, list) else [logits]

    def _features(self, source: Tensor) -> Callable[[Tensor], list[Tensor]] | None:
        """Return what gives the discriminator's features of a picture, for losses that compare them, if it has any."""
        features = getattr(self.networks.get("discriminator"), "features", None)
        if features is None:
            return None
        return lambda image: list(features(image, source if self._conditional else None))


def _mean(values: Sequence[Tensor]) -> Tensor:
    return sum(values[1:], start=values[0]) / len(values)
