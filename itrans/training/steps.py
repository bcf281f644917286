"""One step: the random numbers, the learning rate and the batches that belong to its number."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch

from itrans.data.sampler import derived_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from itrans.protocols import Method
    from itrans.records import Batch
    from itrans.training.runtime import Runtime
    from itrans.training.schedule import Plan

_STEP_SEED = 1


class Steps:
    """Takes a run's steps.

    All randomness of a step is drawn from the recipe's seed, the step, the process and the batch, so that a run that
    goes on from a checkpoint continues bit for bit on a CPU.
    """

    def __init__(self, method: Method, runtime: Runtime, plan: Plan, seed: int) -> None:
        self._method, self._runtime, self._plan, self._seed = method, runtime, plan, seed
        runtime.steps = plan.total

    def take(self, step: int, batches: Sequence[Batch]) -> Mapping[str, Tensor]:
        """Take a step, counted from 0, with its batches, and return the mean of each of the losses."""
        self._runtime.set_learning_rate(self._plan.learning_rate_factor(step))
        found = [self._losses(step, number, batch) for number, batch in enumerate(batches)]
        self._runtime.end()
        return found[0] if len(found) == 1 else _means(found)

    def _losses(self, step: int, number: int, batch: Batch) -> Mapping[str, Tensor]:
        seed = derived_seed(self._seed, _STEP_SEED, step, self._runtime.processes.rank, *([number] if number else []))
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # for plugins that draw from it
        self._runtime.begin(step, number)
        with self._runtime.autocast():
            losses = self._method.step(batch, self._runtime)
        self._runtime.restore_frozen()
        return losses


def _means(found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each loss over the batches that had it."""
    values: dict[str, list[Tensor]] = {}
    for losses in found:
        for name, loss in losses.items():
            values.setdefault(name, []).append(loss.detach().float())
    return {name: torch.stack(each).mean() for name, each in values.items()}
