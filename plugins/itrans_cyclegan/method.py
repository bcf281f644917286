"""Unpaired training with cycle consistency (Zhu et al., arXiv 1703.10593)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from itrans.api import Batch, ImageSpec, Runtime, Translated, WeightedLoss, apply_generator
from itrans_cyclegan.pool import ImagePool


class CycleGAN:
    """CycleGAN: two generators, there and back, and a discriminator for each side, trained without pairs.

    A is the set of sources, B that of targets. In each step both generators are updated first, then each discriminator,
    which also sees past outputs. Source: arXiv 1703.10593, sections 3 and 4.

    Args:
        build_generator: makes the recipe's generator for some input and output channels.
        build_discriminator: makes the recipe's discriminator; None if there is none.
        losses: an adversarial one and `cycle`; add `identity` to keep colours.
        source: what the pictures of A are.
        target: what the pictures of B are.
        pool: how many past outputs of each generator are kept for the discriminators; 0 shows only the newest.
    """

    generators = ("generator_AtoB", "generator_BtoA")
    directions = ("AtoB", "BtoA")
    roles = ("adversarial", "cycle", "identity")

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Callable[[int, int], Any] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        pool: Annotated[int, Ge(0)] = 50,
    ) -> None:
        self._losses: dict[str, list[Any]] = {role: [] for role in self.roles}
        for entry in losses:
            self._losses[entry.loss.role].append(entry)
        if self._losses["identity"] and source.planes != target.planes:
            raise ValueError(
                f'the loss "identity" needs sources and targets of equal channels, not {source.planes} and '
                f"{target.planes}"
            )
        self.networks: dict[str, nn.Module] = {
            "generator_AtoB": build_generator(source.planes, target.planes),
            "generator_BtoA": build_generator(target.planes, source.planes),
        }
        if build_discriminator is not None:
            self.networks["discriminator_A"] = build_discriminator(source.planes, 0)
            self.networks["discriminator_B"] = build_discriminator(target.planes, 0)
        self._pools = {"A": ImagePool(pool), "B": ImagePool(pool)}
        self._planes = {"A": source.planes, "B": target.planes}

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, one sentence each, before any data is read.

        Args:
            losses: the names and classes of the recipe's losses.
            has_discriminator: whether the recipe names one.
        """
        roles = {getattr(loss, "role", None) for _, loss in losses}
        problems = [
            f'The loss "{name}" shows the source to the discriminator; without pairs it cannot. Use "gan".'
            for name, loss in losses
            if getattr(loss, "role", None) == "adversarial" and getattr(loss, "conditional", False)
        ]
        if not has_discriminator:
            problems.append('The method "cyclegan" needs a discriminator: add a [discriminator] table.')
        if "adversarial" not in roles:
            problems.append('The method "cyclegan" needs an adversarial loss, such as "gan" with objective = "lsgan".')
        if "cycle" not in roles:
            problems.append('The method "cyclegan" needs the loss "cycle": nothing else ties outputs to their sources.')
        return problems

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update both generators together, then each discriminator on what is real and on the pool's outputs."""
        a_to_b, b_to_a = self.networks["generator_AtoB"], self.networks["generator_BtoA"]
        real_a, real_b = batch.source, batch.target
        fake_b, fake_a = apply_generator(a_to_b, real_a), apply_generator(b_to_a, real_b)
        logged: dict[str, Tensor] = {}
        with runtime.update("generator_AtoB", "generator_BtoA") as update:
            weighted: dict[str, Tensor] = {}
            for entry in self._losses["adversarial"]:
                for side, fake in (("B", fake_b), ("A", fake_a)):
                    value = _mean([entry.loss.generator(scale) for scale in self._logits(side, fake)])
                    self._note(entry, side, value, weighted, logged)
            back_a, back_b = apply_generator(b_to_a, fake_b), apply_generator(a_to_b, fake_a)
            for entry in self._losses["cycle"]:
                self._note(entry, "A", entry.loss(Translated(fake_b, real_a, back_a)), weighted, logged)
                self._note(entry, "B", entry.loss(Translated(fake_a, real_b, back_b)), weighted, logged)
            if self._losses["identity"]:
                same_b, same_a = apply_generator(a_to_b, real_b), apply_generator(b_to_a, real_a)
                for entry in self._losses["identity"]:
                    self._note(entry, "B", entry.loss(Translated(real_b, real_b, same_b)), weighted, logged)
                    self._note(entry, "A", entry.loss(Translated(real_a, real_a, same_a)), weighted, logged)
            update(weighted)
        for side, real, fake in (("A", real_a, fake_a), ("B", real_b, fake_b)):
            shown = self._pools[side].exchange(fake.detach())
            with runtime.update(f"discriminator_{side}") as update:
                weighted = {}
                for entry in self._losses["adversarial"]:
                    # Half the loss slows the discriminators down relative to the generators (section 7.1).
                    scales = zip(self._logits(side, real), self._logits(side, shown), strict=True)
                    value = _mean([entry.loss.discriminator(*logits) for logits in scales]) / 2
                    weighted[entry.name] = entry.weight * value
                    logged[f"discriminator_{side}.{entry.name}"] = value.detach()
                update(weighted)
        return logged

    def translate(self, source: Tensor, direction: str = "AtoB") -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1], `AtoB` or `BtoA`; raise ValueError for another direction."""
        if direction not in self.directions:
            raise ValueError(f'There is no direction "{direction}": CycleGAN translates AtoB and BtoA.')
        return apply_generator(self.networks[f"generator_{direction}"], source)

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Return the pictures in the two pools."""
        return {f"pool_{side}": pool.state() for side, pool in self._pools.items()}

    def load_state_dict(self, state: Mapping[str, list[Tensor]]) -> None:
        """Take over the pictures of the two pools; raise ValueError if their channels do not fit."""
        weight = next(self.networks["generator_AtoB"].parameters())
        for side, pool in self._pools.items():
            pictures = state[f"pool_{side}"]
            if not all(picture.ndim == 3 and len(picture) == self._planes[side] for picture in pictures):
                raise ValueError(f"pool_{side} holds something other than pictures of {self._planes[side]} channels.")
            pool.restore(pictures, weight)

    def _logits(self, side: str, picture: Tensor) -> list[Tensor]:
        """Return the logits of a side's discriminator, one tensor for each scale."""
        logits = self.networks[f"discriminator_{side}"](picture, None)
        return [logits] if isinstance(logits, Tensor) else list(logits)

    @staticmethod
    def _note(entry: Any, side: str, value: Tensor, weighted: dict[str, Tensor], logged: dict[str, Tensor]) -> None:
        weighted[f"{entry.name}.{side}"] = entry.weight * value
        logged[f"generator.{entry.name}_{side}"] = value.detach()


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()
