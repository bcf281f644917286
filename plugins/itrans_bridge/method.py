"""Training and translating with a Brownian bridge (Li et al., arXiv 2205.07680)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import Batch, ImageSpec, Noise, Runtime, WeightedLoss, apply_generator
from itrans_bridge.process import BrownianBridge

Steps = Annotated[int, Ge(1), Le(1000)]
"""How many times the generator is called for a picture."""

_LOSSES = {"l1": functional.l1_loss, "l2": functional.mse_loss}


class Bridge:
    """A diffusion process that begins at the source instead of at noise, and ends at the target.

    The generator learns to predict the target of a noisy picture on the way between the two; it sees the source, and
    is told the time. Source: arXiv 2205.07680, algorithms 1 and 2; here on pixels, with the source as a condition.

    The two ends of the bridge have the channels of the target. Where the source has as many, it is the other end
    itself; where it has not, as a label map, a 1x1 convolution makes one of it, which learns the colour that is nearest
    to the target: the network `start`.

    Args:
        build_generator: makes the recipe's generator, which is called with noisy pictures, sources and times `(N,)`.
        source: what sources are.
        target: what targets are.
        losses: none: it has its own.
        loss: `l1` or `l2`, between the prediction and the target.
        objective: what the generator gives: the `target`; or the `difference` of the noisy picture and the target, as
            in the paper.
        variance: s of the paper, section 3.2: how much noise there is on the way.
        steps: how many steps `translate`, and with it validation, takes where none are given.

    Raises:
        ValueError: there are other losses, or the generator takes no time.
    """

    roles: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        source: ImageSpec,
        target: ImageSpec,
        losses: Sequence[WeightedLoss] = (),
        loss: Literal["l1", "l2"] = "l1",
        objective: Literal["difference", "target"] = "target",
        variance: Annotated[float, Gt(0)] = 1.0,
        steps: Steps = 4,
    ) -> None:
        if losses:
            raise ValueError(f'the method "bridge" takes no losses: leave "{losses[0].name}" out')
        self.generator = build_generator(source.planes, target.planes)
        if len(taken := inspect.signature(self.generator.forward).parameters) < 3:
            raise ValueError(
                'the method "bridge" needs a generator that takes (noisy, source, time), such as "bridge_unet"; '
                f"{type(self.generator).__name__} takes ({', '.join(taken)})"
            )
        # They belong to the process. Modules of the generator are given the seed of each picture at test time.
        self._first, self._later = Noise(), Noise()
        self.generator.add_module("first_noise", self._first)
        self.generator.add_module("later_noise", self._later)
        self.networks: dict[str, nn.Module] = {"generator": self.generator}
        if source.planes != target.planes:
            self.networks["start"] = nn.Conv2d(source.planes, target.planes, 1)
        self._process, self._loss = BrownianBridge(variance), _LOSSES[loss]
        self._objective, self._steps = objective, steps

    @property
    def generators(self) -> tuple[str, ...]:
        """The names of all networks: each is needed to translate."""
        return tuple(self.networks)

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the generator on a picture of each pair's bridge, at a random time; and `start`, if there is one."""
        end = self._end(batch.source)
        time = torch.rand(len(end), device=end.device)
        noisy = self._process.at(time, batch.target, end.detach(), torch.randn_like(batch.target))
        losses = {"bridge": self._loss(self._predicted(noisy, batch.source, time), batch.target)}
        if "start" in self.networks:
            losses["start"] = functional.l1_loss(end, batch.target)
        with runtime.update(*self.networks) as update:
            update(losses)
        return {name: value.detach() for name, value in losses.items()}

    def translate(
        self,
        source: Tensor,
        direction: str = "forward",
        *,
        steps: Steps | None = None,
        noise: Annotated[float, Ge(0), Le(1)] = 0.0,
    ) -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1].

        Args:
            source: the pictures.
            direction: `forward`.
            steps: how many times the generator is called; the recipe's if it is None. One step gives what is expected
                of the target: a blur wherever the source does not decide it.
            noise: how much is drawn anew in each step after the first, from 0 to 1.

        Raises:
            ValueError: there is no such direction.
        """
        if direction != "forward":
            raise ValueError(f'There is no direction "{direction}": a bridge translates forward.')
        steps, end = steps or self._steps, self._end(source)
        first = self._first(end) if steps > 1 else end
        later: tuple[Tensor, ...] = ()
        if noise and steps > 2:
            later = self._later(end.repeat(1, steps - 2, 1, 1)).chunk(steps - 2, 1)

        def predict(noisy: Tensor, time: float) -> Tensor:
            # One time for all pictures: a product with one row gives the same bytes whatever the batch is.
            times = torch.full((1,), time, device=noisy.device)
            return self._predicted(noisy, source, times).clamp(-1, 1)

        return self._process.back(predict, end, first, later, steps, noise)

    def _end(self, source: Tensor) -> Tensor:
        """Return the other end of the bridge, in float32 whatever the networks are computed in."""
        start = self.networks.get("start")
        return source if start is None else start(source).float()

    def _predicted(self, noisy: Tensor, source: Tensor, time: Tensor) -> Tensor:
        output = apply_generator(self.generator, noisy, source, time).float()
        return noisy - output if self._objective == "difference" else output
