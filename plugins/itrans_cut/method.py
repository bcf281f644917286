"""Contrastive unpaired training (Park et al., arXiv 2007.15651)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from itrans.api import Batch, ImageSpec, Runtime, Translated, WeightedLoss, apply_generator


class CUT:
    """CUT: one generator and one discriminator, trained without pairs; what ties outputs to sources is `patch_nce`.

    In each step the discriminator is updated, then the generator together with the losses that learn. Source:
    arXiv 2007.15651, section 3. FastCUT is `identity = 0` with a weight of 10 for `patch_nce`.

    Args:
        build_generator: makes the recipe's generator.
        build_discriminator: makes the recipe's discriminator; None if there is none.
        losses: an adversarial one, and `patch_nce` or others that compare an output with its source.
        source: what the source pictures are.
        target: what the target pictures are.
        identity: how much the losses count besides of targets, which the generator should leave as they are; 1 in CUT.
        flip: mirror half of the steps' sources, and their outputs back, as FastCUT does.
    """

    roles = ("image", "adversarial")
    generators = ("generator",)

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Callable[[int, int], Any] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        identity: Annotated[float, Ge(0)] = 1.0,
        flip: bool = False,
    ) -> None:
        if source.planes != target.planes:
            raise ValueError(
                f"sources and targets should have equally many channels, not {source.planes} and {target.planes}: "
                "outputs go through the generator too"
            )
        self._adversarial: list[Any] = [entry for entry in losses if entry.loss.role == "adversarial"]
        self._image: list[Any] = [entry for entry in losses if entry.loss.role == "image"]
        self._identity, self._flip = identity, flip
        self.networks: dict[str, nn.Module] = {"generator": build_generator(source.planes, target.planes)}
        if build_discriminator is not None:
            self.networks["discriminator"] = build_discriminator(target.planes, 0)

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, given the names and classes of its losses."""
        roles = [getattr(loss, "role", None) for _, loss in losses]
        problems = {
            'The method "cut" needs a discriminator: add a [discriminator] table.': not has_discriminator,
            'The method "cut" needs an adversarial loss, such as "gan" with objective = "lsgan".': (
                "adversarial" not in roles
            ),
            'The method "cut" needs "patch_nce": nothing else ties outputs to sources.': "image" not in roles,
            'Without pairs the discriminator cannot see the source: use the loss "gan".': any(
                getattr(loss, "conditional", False) is True for _, loss in losses
            ),
        }
        return [sentence for sentence, is_so in problems.items() if is_so]

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminator on targets and outputs, then the generator."""
        generator = self.networks["generator"]
        mirrored = self._flip and bool(torch.rand(()) < 0.5)
        output = apply_generator(generator, batch.source.flip(-1) if mirrored else batch.source)
        logged: dict[str, Tensor] = {}
        with runtime.update("discriminator") as update:
            real, fake = self._logits(batch.target), self._logits(output.detach())
            for entry in self._adversarial:
                values = [entry.loss.discriminator(*logits) for logits in zip(real, fake, strict=True)]
                logged[f"discriminator.{entry.name}"] = torch.stack(values).mean() / 2
            update({entry.name: entry.weight * logged[f"discriminator.{entry.name}"] for entry in self._adversarial})
        with runtime.update("generator") as update:
            weighted: dict[str, Tensor] = {}
            fake = self._logits(output)
            for entry in self._adversarial:
                value = torch.stack([entry.loss.generator(scale) for scale in fake]).mean()
                logged[f"generator.{entry.name}"], weighted[entry.name] = value, entry.weight * value
            pictures = {"": Translated(batch.source, batch.target, output.flip(-1) if mirrored else output)}
            if self._identity:
                same = apply_generator(generator, batch.target)
                pictures["_identity"] = Translated(batch.target, batch.target, same)
            for entry in self._image:
                for ending, translated in pictures.items():
                    value = entry.loss(translated)
                    share = self._identity if ending else 1.0
                    logged[f"generator.{entry.name}{ending}"] = value
                    weighted[entry.name + ending] = entry.weight * share * value
            update(weighted)
        return {name: value.detach() for name, value in logged.items()}

    def translate(self, source: Tensor, direction: str = "forward") -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1]; there is only `forward`."""
        if direction != "forward":
            raise ValueError(f'CUT translates "forward" only, not "{direction}".')
        return apply_generator(self.networks["generator"], source)

    def _logits(self, picture: Tensor) -> list[Tensor]:
        logits = self.networks["discriminator"](picture, None)
        return [logits] if isinstance(logits, Tensor) else list(logits)
