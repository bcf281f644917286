"""What a method is tried with, and trying it: noise, small networks, one step after another."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.pictures.kinds import kind_of
from itrans.pictures.spec import ImageSpec
from itrans.pictures.tensors import stack
from itrans.recipe.schema import Optimizer, Train
from itrans.records import Batch
from itrans.testing.networks import make_seeded, pictures, scaled_size
from itrans.testing.surroundings import unchanged_inputs
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

if TYPE_CHECKING:
    from itrans.testing.findings import Findings

STEPS = 3
_HEIGHT, _WIDTH, _COUNT = 30, 27, 2


class Trial:
    """A method that is tried: it is built, takes steps, and translates.

    Args:
        findings: of the method.
        offered: what it is built with.
        batches: what it is trained on in turn; noise without any.
        extras: what a data set would declare of that name.
    """

    def __init__(
        self,
        findings: Findings,
        offered: Mapping[str, Any],
        batches: list[Batch] | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        self.findings, self.offered, self.batches, self.extras = findings, offered, batches, dict(extras or {})

    def like(self, **offered: Any) -> Trial:
        """Return one that differs in what the method is built with."""
        return Trial(self.findings, {**self.offered, **offered}, self.batches, self.extras)

    def make(self, **offered: Any) -> Any:
        """Build the method, with weights from one seed."""
        return make_seeded(0, lambda: self.findings.build(**{**self.offered, "extras": self.extras, **offered}))

    def runtime(self, method: Any, dtype: torch.dtype = torch.float32) -> Runtime:
        """Return what the method trains its networks with."""
        return Runtime(
            method,
            device=torch.device("cpu"),
            dtype=dtype,
            memory_format=torch.contiguous_format,
            processes=Processes(),
            optimizer=Optimizer(),
            train=Train(steps=STEPS),
        )

    def step(self, method: Any, runtime: Runtime, number: int) -> Any:
        """Train with the batch, and from the random numbers, that belong to a step's number."""
        batch = self.batch(method, number)
        runtime.begin(number)
        with (
            runtime.autocast(),
            unchanged_inputs(
                self.findings, "step()", **{"source": batch.source, "target": batch.target, **batch.extras}
            ),
        ):
            return make_seeded(number, lambda: method.step(batch, runtime))

    def batch(self, method: Any, number: int) -> Batch:
        """Return the batch of a step's number; it may be changed without harm to others."""
        if self.batches:
            given = self.batches[number % len(self.batches)]
            return replace(given, source=given.source.clone(), target=given.target.clone())
        height, width = scaled_size(_HEIGHT, _WIDTH, _generator(method))
        source = noise(self.offered["source"], 10 * number)
        target = noise(self.offered["target"], 10 * number + 1, height, width)
        keys = tuple(f"{number}-{place}" for place in range(_COUNT))
        return Batch(source, target, keys, extras=_drawn(self.extras, 10 * number + 2))

    def source(self, side: str) -> Tensor:
        """Return pictures of a side, `source` or `target`, to translate."""
        if self.batches:
            given: Tensor = getattr(self.batches[0], side)
            return given.clone()
        return noise(self.offered[side], 99)

    def translation(self, method: Any, source: Tensor, direction: str) -> Any:
        """Translate with the defaults of all options, from random numbers of one seed."""
        drawn = self.batches[0].extras if self.batches else _drawn(self.extras, 98)
        own = getattr(method, "extras", None)  # what it takes from outside, and data sets do not have
        if isinstance(own, Mapping):
            drawn = {**_drawn(own, 97), **drawn}
        parameters = inspect.signature(method.translate).parameters.values()
        named = {p.name: drawn[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in drawn}
        with torch.no_grad():
            return make_seeded(0, lambda: method.translate(source, direction, **named))


def noise(spec: ImageSpec, seed: int = 0, height: int = _HEIGHT, width: int = _WIDTH) -> Tensor:
    """Return noise as networks see pictures of a kind that have been stored."""
    kind = kind_of(spec)
    return kind.planes(stack(kind.arrays(pictures(spec.planes, height, width, count=_COUNT, seed=seed), spec)), spec)


def _generator(method: Any) -> object:
    names = list(method.generators)
    return method.networks[names[0]] if names else None


def _drawn(specs: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Draw values for extras: pictures, whole numbers, floats, and choices of some names."""
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, Tensor] = {}
    for place, (name, spec) in enumerate(specs.items()):
        if isinstance(spec, ImageSpec):
            drawn[name] = noise(spec, seed=1000 * (place + 1) + seed)
        elif spec is float:
            drawn[name] = torch.rand(_COUNT, generator=generator)
        else:
            most = len(spec) if isinstance(spec, tuple | list) else 2
            drawn[name] = torch.randint(most, (_COUNT,), generator=generator)
    return drawn
