"""The length of a run, its learning rate, and how far it has come, as functions without a state."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itrans.errors import DataError, counted

if TYPE_CHECKING:
    from itrans.checkpoint.file import CheckpointFile, Progress
    from itrans.recipe.load import Recipe
    from itrans.recipe.schema import Tables
    from itrans.training.validation import Validation


@dataclass(frozen=True)
class Plan:
    """The length of a run, and its learning rate.

    Attributes:
        steps_per_epoch: how many steps an epoch has.
        total: how many steps the run has.
        decay: over how many of the last steps the learning rate falls to zero; 0 if it does not.
        warmup: over how many of the first steps it rises, in equal parts.
        is_cosine: whether it falls as half a wave of the cosine does, not linearly.
    """

    steps_per_epoch: int
    total: int
    decay: int
    warmup: int = 0
    is_cosine: bool = False

    def learning_rate_factor(self, step: int) -> float:
        """Return what the recipe's learning rate is multiplied with in a step, counted from 0."""
        left = min(1.0, (self.total - step) / self.decay) if self.decay else 1.0
        factor = (1 - math.cos(math.pi * left)) / 2 if self.is_cosine else left
        return factor * (step + 1) / self.warmup if step < self.warmup else factor


def plan(tables: Tables, length: int, processes: int) -> Plan:
    """Return the length of a run with so many training pairs, in so many processes together.

    Raises:
        DataError: there are fewer pairs than one step takes, or fewer steps than the learning rate changes over.
    """
    train, schedule = tables.train, tables.schedule
    together = train.batch_size * train.accumulate * processes
    steps_per_epoch = length // together
    if not steps_per_epoch:
        parts = f", train.accumulate = {train.accumulate}" if train.accumulate > 1 else ""
        raise DataError(
            f"There {'is' if length == 1 else 'are'} {counted(length, 'training pair')}, but a step takes {together} "
            f"(train.batch_size = {train.batch_size}{parts}, processes: {processes}). Choose a smaller batch_size."
        )
    total = train.steps or steps_per_epoch * (train.epochs or 0)
    decay = schedule.decay_steps or steps_per_epoch * (schedule.decay_epochs or 0)
    warmup = schedule.warmup_steps or 0
    if decay > total:
        raise DataError(
            f"The schedule's learning rate falls over {counted(decay, 'step')}, but the run has only {total}. Set "
            "schedule.decay_epochs or schedule.decay_steps to fit train.epochs or train.steps."
        )
    if warmup > total:
        raise DataError(
            f"The schedule's learning rate rises over {counted(warmup, 'step')}, but the run has only {total}. Set "
            "schedule.warmup_steps to fit train.epochs or train.steps."
        )
    is_cosine = schedule.name == "cosine"
    if not decay and schedule.name != "constant":
        decay = total - warmup if is_cosine else min(total - warmup, total - total // 2)
    return Plan(steps_per_epoch, total, decay, warmup, is_cosine)


def after_step(progress: Progress, pairs: int) -> Progress:
    """Return the progress after one more step, of so many pairs."""
    return replace(progress, step=progress.step + 1, batch=progress.batch + 1, samples=progress.samples + pairs)


def after_validation(progress: Progress, found: Validation) -> Progress:
    """Return the progress after one more validation."""
    if found.value is None:
        return progress
    if found.better:
        return replace(progress, best=found.value, best_step=progress.step, stale=0)
    return replace(progress, stale=progress.stale + 1)


def after_epoch(progress: Progress, *, complete: bool) -> Progress:
    """Return the progress at the end of an epoch, which the end of the run may have cut short."""
    if complete:
        progress = replace(progress, epoch=progress.epoch + 1, batch=0)
    return replace(progress, validated=progress.step)


def progress_of(checkpoint: CheckpointFile, recipe: Recipe, processes: int) -> Progress:
    """Return the progress with which a run of so many processes goes on from a checkpoint."""
    progress = checkpoint.progress
    then, now = (resolved.get("validation", {}) for resolved in (checkpoint.recipe, recipe.resolved))
    if any(then.get(key) != now.get(key) for key in ("metric", "split", "pairs")):
        progress = replace(progress, best=None, best_step=0, stale=0)  # what was best is not comparable
    return replace(progress, batch=progress.batch * checkpoint.processes // processes)
