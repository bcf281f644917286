"""The training loop: steps, epochs, validation, checkpoints, and stopping well."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from itrans.data.loader import load_batches
from itrans.data.sampler import TrainingSampler, derived_seed
from itrans.engine.build import build_dataset, build_items, build_method, with_credit
from itrans.engine.checkpoint import Progress, load_checkpoint
from itrans.engine.devices import choose_dtype, choose_memory_format, described
from itrans.engine.pace import Pace
from itrans.engine.runtime import Runtime
from itrans.engine.saving import Saver
from itrans.engine.schedule import plan
from itrans.engine.selection import Selection
from itrans.engine.state import RunState
from itrans.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from itrans.engine.interruption import StopRequest
    from itrans.engine.processes import Processes
    from itrans.engine.record import RunFolder
    from itrans.engine.reporter import Reporter
    from itrans.protocols import Batch
    from itrans.recipe.load import Recipe

Outcome: TypeAlias = Literal["finished", "early", "interrupted"]
"""How training ended: as planned, because nothing got better any more, or on request."""

_NETWORK_SEED, _STEP_SEED = 0, 1
_STEPS_BETWEEN_LOOKS = 10
"""How often a GPU's losses and other processes' wish to stop are looked at: each look makes the GPU wait."""


class Trainer:
    """Trains what a recipe describes.

    All randomness of a step is drawn from the recipe's seed, the step and the process, so that a run that goes on from
    a checkpoint continues bit for bit on a CPU.

    Args:
        recipe: what to train.
        folder: where to write.
        device: where to compute.
        processes: this run's.
        reporter: who is told.
        stop: who may ask to stop.
        sample: what the run's data stand in for, said wherever its results are shown; None if they are the recipe's.
        resume: go on from the folder's last checkpoint.

    Attributes:
        progress: how far training has come.
        sample: the note about sample data, with what the data set wants to be said with its pictures; or None.

    Raises:
        ItransError: the data, the recipe and the folder do not allow it.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        *,
        device: torch.device,
        processes: Processes,
        reporter: Reporter,
        stop: StopRequest,
        sample: str | None = None,
        resume: bool = False,
    ) -> None:
        self._recipe, self._folder, self._reporter, self._stop = recipe, folder, reporter, stop
        self._device, self._processes = device, processes
        tables = self._tables = recipe.tables
        self._dataset = build_dataset(recipe, "train")
        self.sample = sample = with_credit(sample, self._dataset)
        self._plan = plan(tables, len(self._dataset), processes.count)
        dtype = choose_dtype(tables.train.precision, device)
        memory_format = choose_memory_format(tables.train.channels_last, device, dtype)
        torch.manual_seed(derived_seed(tables.seed, _NETWORK_SEED))
        source, target = self._dataset.source, self._dataset.target
        self._method = build_method(recipe, source, target, device=device, initialize=not resume)
        self._runtime = Runtime(
            self._method,
            device=device,
            dtype=dtype,
            memory_format=memory_format,
            processes=processes,
            optimizer=tables.optimizer,
            train=tables.train,
        )
        self._computing = described(device, dtype, memory_format)
        self._state = RunState(recipe, self._dataset, self._method, self._runtime, sample)
        self.progress = Progress()
        self._saver = Saver(self._state, folder, tables.checkpoint)
        if resume:
            self._go_on()
        self._selection = Selection(recipe, self._method, self._runtime, self._saver, reporter.note)
        self._finite = torch.ones((), dtype=torch.bool, device=device)

    def train(self) -> Outcome:
        """Train to the end, or until asked to stop; the state is saved either way.

        Raises:
            TrainingError: a loss is no longer finite; the last good checkpoint is named.
            DataError: a pair cannot be read.
        """
        progress, first_step = self.progress, self.progress.step
        if not first_step and self._processes.is_first:
            self._folder.start(self._recipe.resolved, self.sample)
        if self._processes.is_first:
            self._log("start", pairs=len(self._dataset), device=str(self._device), processes=self._processes.count)
        together = f", {self._processes.count} processes" if self._processes.count > 1 else ""
        self._reporter.note(f"{len(self._dataset)} training pairs, {self._computing}{together}")
        self._reporter.begin(progress.step, self._plan.total)
        batches = self._batches()
        pace = Pace(self._tables.train.batch_size * self._processes.count)
        try:
            if self._selection.is_stale(progress):
                return self._ended("early")
            while True:
                if progress.batch == self._plan.steps_per_epoch or self._is_over():
                    if self._end_of_epoch():
                        return self._ended("early")
                    if not self._is_over() and self._asked_to_stop(progress.step - first_step):
                        return self._ended("interrupted")
                    pace.restart()
                if self._is_over():
                    return self._ended("finished")
                losses = self._step(self._next(batches))
                self._report(losses, pace)
                if self._asked_to_stop(progress.step - first_step):
                    self._save(self._folder.last)
                    return self._ended("interrupted")
                self._saver.save_if_due(progress)
        finally:
            self._reporter.end()

    def _next(self, batches: Iterator[Batch]) -> Batch:
        try:
            return next(batches)
        except DataError as error:
            if not self.progress.step or self._processes.count > 1:
                raise  # other processes have read their pairs, and wait for this one
            self._save(self._folder.last)
            saved = (
                f"The run is saved in {self._folder.last} (step {self.progress.step}): mend or replace what is broken, "
                "under the same name, and go on with --resume. If the recipe has to change, start anew: -o DIR."
            )
            raise DataError(f"{error}\n{saved}") from error

    def _step(self, batch: Batch) -> Mapping[str, Tensor]:
        progress = self.progress
        seed = derived_seed(self._tables.seed, _STEP_SEED, progress.step, self._processes.rank)
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # for plugins that draw from it
        self._runtime.set_learning_rate(self._plan.learning_rate_factor(progress.step))
        with self._runtime.autocast():
            losses = self._method.step(batch, self._runtime)
        progress.step += 1
        progress.batch += 1
        progress.samples += len(batch.keys) * self._processes.count
        return losses

    def _report(self, losses: Mapping[str, Tensor], pace: Pace) -> None:
        """Look at the losses now and then (on a CPU: always), tell the reporter, and stop at one that is not finite."""
        pace.step()
        names, values = list(losses), torch.stack([loss.detach().float() for loss in losses.values()])
        self._finite &= values.isfinite().all()
        step = self.progress.step
        due = step % self._tables.log.every == 0
        if not (due or self._device.type == "cpu" or step % _STEPS_BETWEEN_LOOKS == 0):
            return
        means = self._processes.mean(torch.cat([values, (~self._finite).float().reshape(1)])).tolist()
        found = dict(zip(names, means, strict=False))
        if means[-1]:
            wrong = [name for name, value in found.items() if not math.isfinite(value)] or ["a loss"]
            raise self._saver.not_finite(wrong, step)
        epoch = self.progress.epoch + 1
        self._reporter.step(step, epoch, found, pace.rate)
        if due and self._processes.is_first:
            rate = self._plan.learning_rate_factor(step - 1) * self._tables.optimizer.lr
            self._log("step", epoch=epoch, losses=found, lr=rate, images_per_second=round(pace.rate, 2))

    def _asked_to_stop(self, steps_taken: int) -> bool:
        wanted = self._stop.wanted(steps_taken)
        if self._processes.count == 1:
            return wanted
        if self._device.type != "cpu" and self.progress.step % _STEPS_BETWEEN_LOOKS:
            return False
        return self._processes.any(wanted, self._device)

    def _is_over(self) -> bool:
        return self.progress.step >= self._plan.total

    def _end_of_epoch(self) -> bool:
        """Validate, draw samples, save; return whether to stop early."""
        progress, selection = self.progress, self._selection
        complete = progress.batch == self._plan.steps_per_epoch
        if progress.step == progress.validated or not (complete or progress.batch):
            return False  # a run that has ended before
        self._save(self._folder.last)  # what follows may take long, or fail
        if complete:
            progress.epoch, progress.batch = progress.epoch + 1, 0
        better = selection.is_due(progress, is_over=self._is_over()) and self._validate()
        progress.validated = progress.step
        if better:
            self._save(self._folder.best, resumable=False)
        self._save(self._folder.last)
        return selection.is_stale(progress)

    def _validate(self) -> bool:
        """Validate, tell what was found, and return whether it is the best so far."""
        found = self._selection.validate(self.progress)
        epoch = self.progress.epoch + (self.progress.batch > 0)
        if self._processes.is_first:
            if found.metrics:
                self._log("validation", epoch=epoch, metrics=found.metrics, better=found.better)
            if found.rows:
                self._folder.write_samples(f"epoch-{epoch:04d}", found.rows, self.sample or "")
        if found.metrics:
            self._reporter.validated(epoch, found.metrics, found.better)
        return found.better

    def _ended(self, outcome: Outcome) -> Outcome:
        if self._processes.is_first:
            self._log("end", outcome=outcome)
        self._processes.wait()
        return outcome

    def _batches(self) -> Iterator[Batch]:
        tables, processes = self._tables, self._processes
        sampler = TrainingSampler(
            len(self._dataset),
            tables.train.batch_size,
            tables.seed,
            rank=processes.rank,
            world_size=processes.count,
            epoch=self.progress.epoch,
            batch=self.progress.batch,
        )
        items = build_items(self._recipe, self._dataset, training=True)
        return load_batches(
            items,
            sampler,
            self._device,
            self._runtime.memory_format,
            workers=tables.train.workers,
            processes=processes.count,
        )

    def _save(self, path: Path, *, resumable: bool = True) -> None:
        if not bool(self._finite):
            raise self._saver.not_finite(["a loss"], self.progress.step)
        self._saver.save(path, self.progress, resumable=resumable)

    def _go_on(self) -> None:
        path = self._folder.last
        checkpoint = load_checkpoint(path, mapped=False)  # this run will write over it
        self.progress = self._state.restored(checkpoint, path)
        if checkpoint.processes != self._processes.count:
            self._reporter.note(
                f"This run had {checkpoint.processes} processes and goes on with {self._processes.count}: "
                "its steps now hold other pairs than they would have."
            )
        self._saver.found(path, self.progress.step)
        if self._processes.is_first:
            self._folder.rewind_log(self.progress.step)

    def _log(self, event: str, **values: object) -> None:
        sample = {"sample": True} if self.sample is not None else {}
        self._folder.log(event, step=self.progress.step, **values, **sample)
