"""How long a run is and how its learning rate goes: functions of the step, with nothing to remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itrans.errors import DataError, counted

if TYPE_CHECKING:
    from itrans.recipe.schema import Tables


@dataclass(frozen=True)
class Plan:
    """The length of a run.

    Attributes:
        steps_per_epoch: how many steps an epoch has.
        total: how many steps the run has.
        decay: over how many of the last steps the learning rate falls to zero; 0 if it is constant.
    """

    steps_per_epoch: int
    total: int
    decay: int

    def learning_rate_factor(self, step: int) -> float:
        """Return what the recipe's learning rate is multiplied with in a step, counted from 0."""
        if not self.decay:
            return 1.0
        return min(1.0, (self.total - step) / self.decay)


def plan(tables: Tables, length: int, processes: int) -> Plan:
    """Return the length of a run.

    Args:
        tables: the recipe's.
        length: how many training pairs there are.
        processes: how many processes train together.

    Raises:
        DataError: there are fewer pairs than one step takes, or fewer steps than the learning rate falls over.
    """
    together = tables.train.batch_size * processes
    steps_per_epoch = length // together
    if not steps_per_epoch:
        raise DataError(
            f"There {'is' if length == 1 else 'are'} {counted(length, 'training pair')}, but a step takes {together} "
            f"(train.batch_size = {tables.train.batch_size}, processes: {processes}). Choose a smaller batch_size."
        )
    total = tables.train.steps or steps_per_epoch * (tables.train.epochs or 0)
    decay = tables.schedule.decay_steps or steps_per_epoch * (tables.schedule.decay_epochs or 0)
    if decay > total:
        raise DataError(
            f"The schedule's learning rate falls over {counted(decay, 'step')}, but the run has only {total}. Set "
            "schedule.decay_epochs or schedule.decay_steps to fit train.epochs or train.steps."
        )
    return Plan(steps_per_epoch, total, decay)
