"""The training loop: steps, epochs, validation, checkpoints, and stopping well."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from itrans.checkpoint.file import Progress
from itrans.data.sampler import derived_seed
from itrans.errors import DataError, ItransError, OutputError, counted
from itrans.methods.conditions import Accepted
from itrans.pictures.extras import extras_of
from itrans.recipe.optimizers import refuse_unknown_networks
from itrans.training.build import build_dataset, build_method, training_batches, with_credit
from itrans.training.devices import choose_dtype, choose_memory_format, where_and_how
from itrans.training.failures import failure
from itrans.training.fine_tuning import FrozenParts
from itrans.training.journal import Journal, Losses, Pace
from itrans.training.resuming import load_newest
from itrans.training.runtime import Runtime
from itrans.training.samples import Samples
from itrans.training.saving import Saver
from itrans.training.schedule import after_epoch, after_step, after_validation, plan, progress_of
from itrans.training.steps import Steps
from itrans.training.validation import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from itrans.recipe.load import Recipe
    from itrans.records import Batch
    from itrans.training.fine_tuning import Weights
    from itrans.training.journal import Look, Reporter
    from itrans.training.processes import Processes
    from itrans.training.record import RunFolder
    from itrans.training.stopping import StopRequest
    from itrans.training.validation import Validation

Outcome: TypeAlias = Literal["finished", "early", "interrupted"]
"""How training ended: as planned, because nothing got better any more, or on request."""

_NETWORK_SEED = 0
_STEPS_BETWEEN_LOOKS = 10
"""How often a GPU's losses are looked at: each look makes the GPU wait."""


class Trainer:
    """Trains what a recipe describes.

    `sample` says what the run's data stand in for, and is None if they are the recipe's own. With `weights`, networks
    begin with those that fit. With `resume`, training goes on from the folder's last checkpoint. With `skip_bad`, pairs
    that cannot be read are left out.

    Attributes:
        progress: how far training has come.
        sample: the note about sample data, with what the data set wants to be said with its pictures; or None.
        selection: which state is the best.
        samples: the grids that are drawn.

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
        weights: Weights | None = None,
        resume: bool = False,
        skip_bad: bool = False,
    ) -> None:
        self._recipe, self._folder, self._reporter, self._stop = recipe, folder, reporter, stop
        self._device, self._processes, self._resumes = device, processes, resume
        tables = self._tables = recipe.tables
        before, path = load_newest(folder, reporter.note) if resume else (None, folder.last)
        self._dataset = build_dataset(recipe, "train")
        if before is not None and sample is None:
            sample = before.sample  # the recipe of a sample's run knows no sample any more
        self.sample = sample = with_credit(sample, self._dataset)
        self._plan = plan(tables, len(self._dataset), processes.count)
        source, target = self._dataset.source, self._dataset.target
        dtype = self._dtype = choose_dtype(tables.train.precision, device, source, target)
        torch.manual_seed(derived_seed(tables.seed, _NETWORK_SEED))
        self._method = build_method(recipe, source, target, device=device, resumes=resume, dataset=self._dataset)
        refuse_unknown_networks(recipe, self._method.networks)
        self._origin = {} if weights is None else {"weights": str(weights.path)}
        if weights is not None:
            reporter.note(weights.copy_into(self._method))
        self._runtime = Runtime(
            self._method,
            device=device,
            dtype=dtype,
            memory_format=choose_memory_format(tables.train.channels_last, device, dtype),
            processes=processes,
            optimizer=tables.optimizer,
            train=tables.train,
            frozen=FrozenParts(recipe, self._method.networks),
        )
        self._steps = Steps(self._method, self._runtime, self._plan, tables.seed)
        self.progress = Progress()
        self._losses = Losses(device)
        self._saver = Saver(recipe, self._dataset, self._method, self._runtime, sample, folder, self._losses)
        if before is not None:
            self._saver.restore(before, path, reporter.note)
            self.progress = progress_of(before, recipe, processes.count)
            if processes.is_first:
                folder.rewind_log(self.progress.step, self.progress.validated)
        written = folder if processes.is_first else None
        self.journal = Journal(recipe, written, reporter, sample, self.progress.step)
        self._skip = self.journal.skip if skip_bad else None
        self.selection = Selection(recipe, self._method, self._runtime, self._saver, reporter.note, self._skip)
        self.samples = Samples(tables.log, self.selection.validator, written, sample or "", self.journal.pictures)
        self._pace = Pace(tables.train.batch_size * tables.train.accumulate * processes.count)
        self._first_step = self._logged = self.progress.step

    @property
    def accepted(self) -> Accepted:
        """What translating with the result takes besides pictures."""
        return Accepted(self._method, extras_of(self._dataset))

    def train(self) -> Outcome:
        """Train to the end, or until asked to stop; the state is saved either way.

        Raises:
            TrainingError: a loss is no longer finite, or a process that reads ahead was killed; the last good
                checkpoint is named.
            DataError: a pair cannot be read.
            OutputError: a file cannot be written; the last good checkpoint is named.
        """
        outcome: Outcome | Literal["failed"] = "failed"
        try:
            self._tell_start()
            with contextlib.closing(
                training_batches(self._recipe, self._dataset, self._runtime, self.progress, self._skip)
            ) as batches:
                outcome = self._loop(batches)
                self._saver.save_last(self.progress)
        except OutputError as error:
            raise self._saver.with_what_is_saved(error, self.progress) from error
        except (Exception, SystemExit) as error:
            found = self._saver.with_last_good(error, self.progress)
            raise found from (error.__cause__ if found is error else error)
        finally:
            self.journal.close(outcome)
        self.journal.end(self.progress, outcome)
        self._processes.wait()
        return outcome

    def _loop(self, batches: Iterator[Batch]) -> Outcome:
        if self.selection.is_stale(self.progress):
            return "early"
        self._draw()
        outcome = self._outcome()
        while outcome is None:
            together = self._next(batches)
            if together is None:
                return "interrupted"
            self._report(self._step(together))
            self._saver.save_if_due(self.progress)
            self._draw()
            outcome = self._outcome()
        return outcome

    def _outcome(self) -> Outcome | None:
        """Return how training ends here, or None if it goes on; what is to do at the end of an epoch is done first."""
        if self.progress.batch == self._plan.steps_per_epoch or self._is_over():
            if not self._end_of_epoch():
                return "interrupted"
            if self.selection.is_stale(self.progress):
                return "early"
            self._pace.restart()
        return "finished" if self._is_over() else None

    def _tell_start(self) -> None:
        pairs, processes = len(self._dataset), self._processes.count
        self._reporter.note(f"{counted(pairs, 'training pair')}, {where_and_how(self._device, self._dtype, processes)}")
        self.journal.start(
            self.progress,
            self._plan.total,
            resumed=self._resumes,
            pairs=pairs,
            device=str(self._device),
            processes=processes,
            precision=str(self._dtype).removeprefix("torch."),
            **self._origin,
        )

    def _next(self, batches: Iterator[Batch]) -> Sequence[Batch] | None:
        """Return the batches of the next step, or None if a process wants to stop or cannot go on.

        Then the state is saved. It never is in the middle of a step: no batch of one is used before all are there.
        """
        found, fault = None, None
        if not self._stop.is_wanted(self.progress.step - self._first_step):
            try:
                found = [next(batches) for _ in range(self._tables.train.accumulate)]
            except (Exception, SystemExit) as error:
                fault = failure(error, "Reading pairs")
        if not self._processes.any(found is None):
            return found
        self._saver.save_last(self.progress)
        self._processes.wait()
        if fault is not None:
            raise self._saver.with_what_is_saved(fault, self.progress) from fault
        self._log_losses()
        return None

    def _step(self, batches: Sequence[Batch]) -> Mapping[str, Tensor]:
        losses = self._steps.take(self.progress.step, batches)
        pairs = sum(len(batch.keys) for batch in batches)
        self.progress = after_step(self.progress, pairs * self._processes.count)
        self._pace.step()
        return losses

    def _report(self, losses: Mapping[str, Tensor]) -> None:
        """Count a step's losses, and look at them now and then (on a CPU: always)."""
        self._losses.add(losses)
        step = self.progress.step
        if step % self._tables.log.every == 0 or self._is_over():
            self._log_losses()
        elif self._device.type == "cpu" or step % _STEPS_BETWEEN_LOOKS == 0:
            self._look()

    def _log_losses(self) -> None:
        """Write a line of losses, if none has been written since the last step."""
        if self._logged == self.progress.step:
            return
        found = self._look()
        self._losses.restart()
        self._logged = step = self.progress.step
        lr = self._plan.learning_rate_factor(step - 1) * self._tables.optimizer.lr
        self.journal.losses(self.progress, found, lr=lr, rate=self._pace.rate)

    def _look(self) -> Look:
        """Return a look at the losses, tell the reporter of it, and stop at one that is not finite."""
        found = self._losses.look(self._processes)
        if not found.are_finite:
            wrong = [name for name, value in found.latest.items() if not math.isfinite(value)] or ["a loss"]
            raise self._saver.not_finite(wrong, self.progress.step)
        self._reporter.step(self.progress.step, self.progress.epoch + 1, found.latest, self._pace.rate)
        return found

    def _is_over(self) -> bool:
        return self.progress.step >= self._plan.total

    def _end_of_epoch(self) -> bool:
        """Validate, draw samples and save; return False if training is to stop here, with the validation not done."""
        progress, saver = self.progress, self._saver
        number, complete = progress.epoch + 1, progress.batch == self._plan.steps_per_epoch
        if progress.step == progress.validated or not (complete or progress.batch):
            return True  # a run that has ended before
        found, now = None, after_epoch(progress, complete=complete)
        if self.selection.is_due(now.epoch, is_over=self._is_over()):
            saver.save_if_cheap(progress)  # a validation may take long
            found = self._validate(number)
            if found is None:
                saver.save_last(progress)
                return False
            now = after_validation(now, found)
            if found.better:
                saver.keep_best(now)
        self.progress = now
        saver.save_if_cheap(now)
        if found is not None:
            self._draw(f"epoch-{number:04d}")
        return True

    def _validate(self, epoch: int) -> Validation | None:
        """Validate and tell what was found; return None if training is to stop before that is done."""
        try:
            found = self.selection.validate(self.progress, self._stop.is_urgent, self._reporter.validation_step)
        except ItransError as error:
            if self._processes.count > 1:
                raise  # the others wait for what this one has measured
            raise self._saver.with_what_is_saved(error, self.progress) from error
        if found is not None and found.metrics:
            self.journal.validation(self.progress, epoch, found)
        return found

    def _draw(self, name: str | None = None) -> None:
        """Draw a grid of samples: of that name, or if it is time for one."""
        try:
            if name is None:
                self.samples.draw_if_due(self.progress.step)
            else:
                self.samples.draw(name, self.progress.step)
        except DataError as error:
            raise self._saver.with_what_is_saved(error, self.progress) from error
