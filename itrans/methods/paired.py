"""Supervised training on pairs: any generator, any discriminator or none, any weighted losses.

With a conditional discriminator, `cgan` and `l1` this is Pix2Pix (Isola et al., arXiv 1611.07004, section 3).
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.nn import functional

from itrans.errors import PluginError
from itrans.networks.padding import apply_generator
from itrans.protocols import Discriminator, Generator, Runtime
from itrans.records import Batch, Translated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itrans.pictures.spec import ImageSpec
    from itrans.protocols import AdversarialLoss, ImageLoss, WeightedLoss


class Paired:
    """One discriminator update, then one generator update, on pairs of source and target.

    The losses are the generator's; each adversarial one trains the discriminator too.
    """

    roles = ("image", "adversarial")

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Generator],
        build_discriminator: Callable[[int, int], Discriminator] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
    ) -> None:
        self._adversarial: list[tuple[str, float, AdversarialLoss]] = []
        self._image: list[tuple[str, float, ImageLoss]] = []
        for entry in losses:
            if entry.loss.role == "adversarial":
                self._adversarial.append((entry.name, entry.weight, entry.loss))
            else:
                self._image.append((entry.name, entry.weight, entry.loss))
        self._conditional = any(loss.conditional for _, _, loss in self._adversarial)
        self.generator = build_generator(source.planes, target.planes)
        self.discriminator: Discriminator | None = None
        if build_discriminator is not None:
            self.discriminator = build_discriminator(target.planes, source.planes if self._conditional else 0)

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, of whose losses it is given the names and classes."""
        problems = []
        adversarial = {name: loss for name, loss in losses if getattr(loss, "role", None) == "adversarial"}
        if adversarial and not has_discriminator:
            problems.append(f'The loss "{next(iter(adversarial))}" needs a discriminator: add a [discriminator] table.')
        if has_discriminator and not adversarial:
            problems.append(
                "There is a [discriminator], but no loss that trains it. Add an adversarial loss (itrans list-plugins "
                "loss shows all), or leave the table out (--without discriminator; in a recipe that extends another, "
                'without = ["discriminator"]).'
            )
        if len({loss.conditional for loss in adversarial.values() if hasattr(loss, "conditional")}) > 1:
            problems.append(
                f"The losses {' and '.join(adversarial)} do not go together: one shows the source to the "
                "discriminator, the other does not."
            )
        return problems

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """`generator` and, if there is one, `discriminator`."""
        found: dict[str, Any] = {"generator": self.generator, "discriminator": self.discriminator}
        return {name: network for name, network in found.items() if network is not None}

    @property
    def generators(self) -> Sequence[str]:
        """The generator alone translates."""
        return ("generator",)

    def translate(self, source: Tensor, direction: str = "forward") -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, scale H, scale W)`; there is only `forward`."""
        if direction != "forward":
            raise ValueError(f'A paired method translates "forward" only, not "{direction}".')
        return apply_generator(self.generator, source)

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminator on targets and translations, then the generator through the updated one."""
        output = apply_generator(self.generator, batch.source)
        if output.shape != batch.target.shape:
            raise PluginError(
                f"The generator {type(self.generator).__name__} makes {tuple(output.shape)} of sources "
                f"{tuple(batch.source.shape)}, but the targets are {tuple(batch.target.shape)} (N, C, H, W)."
            )
        logged: dict[str, Tensor] = {}
        if self.discriminator is not None:
            with runtime.update("discriminator") as update:
                update(self._discriminator_losses(batch, output.detach(), logged))
        with runtime.update("generator") as update:
            update(self._generator_losses(batch, output, logged))
        return logged

    def _discriminator_losses(self, batch: Batch, output: Tensor, logged: dict[str, Tensor]) -> dict[str, Tensor]:
        """Half the loss of telling targets from translations, which slows D down relative to G (section 3.3)."""
        real, fake = self._logits(batch.target, batch.source), self._logits(output, batch.source)
        weighted = {}
        for name, weight, loss in self._adversarial:
            pairs = zip(real, fake, strict=True)
            value = _mean([loss.discriminator(real_scale, fake_scale) for real_scale, fake_scale in pairs]) / 2
            logged[f"discriminator.{name}"] = value.detach()
            weighted[name] = weight * value
        return weighted

    def _generator_losses(self, batch: Batch, output: Tensor, logged: dict[str, Tensor]) -> dict[str, Tensor]:
        weighted = {}
        if self._adversarial:
            fake = self._logits(output, batch.source)
            for name, weight, loss in self._adversarial:
                value = _scalar(name, _mean([loss.generator(scale) for scale in fake]))
                logged[f"generator.{name}"] = value.detach()
                weighted[name] = weight * value
        translated = Translated(batch.source, batch.target, output, self._features(batch.source), batch.extras)
        for name, weight, image_loss in self._image:
            value = _scalar(name, image_loss(translated))
            logged[f"generator.{name}"] = value.detach()
            weighted[name] = weight * value
        return weighted

    def _logits(self, image: Tensor, source: Tensor) -> list[Tensor]:
        if self.discriminator is None:
            raise PluginError("An adversarial loss needs a discriminator.")
        logits = self.discriminator(image, self._condition(source, image))
        return logits if isinstance(logits, list) else [logits]

    def _features(self, source: Tensor) -> Callable[[Tensor], list[Tensor]] | None:
        features: Callable[..., list[Tensor]] | None = getattr(self.discriminator, "features", None)
        return None if features is None else lambda image: features(image, self._condition(source, image))

    def _condition(self, source: Tensor, image: Tensor) -> Tensor | None:
        """Return what a conditional discriminator sees beside a picture: the source, in the picture's size."""
        if not self._conditional:
            return None
        size = image.shape[-2:]
        return source if source.shape[-2:] == size else functional.interpolate(source, size, mode="nearest-exact")


def _scalar(name: str, value: object) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim:
        found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise PluginError(f'The loss "{name}" should give a tensor of no dimensions, but gives {found}.')
    return value


def _mean(values: Sequence[Tensor]) -> Tensor:
    return functools.reduce(operator.add, values) / len(values)
