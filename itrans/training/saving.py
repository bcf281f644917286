"""A run's checkpoints: when they are written, what errors say of them, and how a run is resumed from one."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from typing import TYPE_CHECKING

from itrans.checkpoint.file import CheckpointFile, save_checkpoint
from itrans.checkpoint.states import bytes_of, load_weights, misfit, not_finite
from itrans.checkpoint.writer import CheckpointWriter, copy_of
from itrans.errors import CheckpointError, DataError, ItransError, OutputError, RoomError, TrainingError
from itrans.pictures.extras import extras_of
from itrans.training.failures import failure
from itrans.training.resuming import pairs_digest, refuse_changes
from itrans.training.schedule import progress_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from itrans.checkpoint.file import Progress
    from itrans.protocols import Dataset, Method
    from itrans.recipe.load import Recipe
    from itrans.training.journal import Losses
    from itrans.training.record import RunFolder
    from itrans.training.runtime import Runtime

_NOTHING_SAVED = "No checkpoint had been saved yet."

_SHARE = 0.03
"""Of the time, that saving may take at the ends of epochs."""

_BYTES_PER_SECOND = 1e9
"""How fast a state is written, before one has been."""


class Saver:
    """Writes a run's checkpoints, and restores the state of one. Only the first process writes.

    The data set holds the training pairs; `sample` is the note about what they stand in for, or None. Once a loss is
    not finite, nothing is saved any more.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        method: Method,
        runtime: Runtime,
        sample: str | None,
        folder: RunFolder,
        losses: Losses,
    ) -> None:
        self._recipe, self._dataset, self._method, self._runtime = recipe, dataset, method, runtime
        self._sample, self._folder, self._losses = sample, folder, losses
        self._settings, self._writes = recipe.tables.checkpoint, runtime.processes.is_first
        self._writer = CheckpointWriter()
        self._best: list[CheckpointFile] = []
        self._lock = threading.Lock()  # of the best state, which the writer's thread looks at
        self._sent: Progress | None = None
        self._saved: tuple[Path, int] | None = None
        self._saved_at, self._cost = time.monotonic(), 0.0

    def save(self, progress: Progress, *, path: Path | None = None, wait: bool = False) -> None:
        """Have the state written to `last.pt`, and perhaps to another path.

        A best state that has been kept is written before it. Unless this is to `wait`, a copy is written while training
        goes on.

        Raises:
            TrainingError: a number of the state is not finite; what was saved before is left as it is.
            OutputError: what was to be written before could not be.
        """
        self._refuse_bad(progress)
        last = self._folder.last
        if self._writes:
            began = time.monotonic()
            self._settle()
            best = [(self._folder.best, self._finite(state)) for state in self._best]
            state = self._finite(self._state(progress, resumable=True))
            state = state if wait else copy_of(state)
            done = functools.partial(self._take_over, progress, [state for _, state in best])
            self._writer.write([*best, (path or last, state)], done, also=None if path is None else last)
            self._cost = time.monotonic() - began + (self._writer.seconds or self._cost)
        else:
            self._saved = (last, progress.step)
        self._sent, self._saved_at = progress, time.monotonic()
        if wait:
            self._settle()

    def save_last(self, progress: Progress) -> None:
        """Write the state, unless it is written already, and wait for it; raises what `save` raises."""
        if progress.step and self._sent != progress:
            self.save(progress, wait=True)
        self._settle()

    def save_if_due(self, progress: Progress) -> None:
        """Save if so many steps, or so many minutes, have passed as the recipe says; raises what `save` raises."""
        if self._writer.has_failed:
            self._settle()
        settings = self._settings
        if settings.every and progress.step % settings.every == 0:
            self.save(progress, path=self._folder.step_checkpoint(progress.step))
        elif self._seconds_since() > settings.minutes * 60:
            self.save(progress)

    def save_if_cheap(self, progress: Progress) -> None:
        """Save if that takes a small part of the time since the last time; raises what `save` raises."""
        self._cost = self._cost or bytes_of(self._state(progress, resumable=True)) / _BYTES_PER_SECOND
        if self._seconds_since() >= self._cost / _SHARE:
            self.save(progress)

    def keep_best(self, progress: Progress) -> None:
        """Keep the state as the best so far; it is written to `best.pt`, without optimisers, with what is saved next.

        Until then it takes memory of its own.

        Raises:
            TrainingError: a loss is not finite.
        """
        self._refuse_bad(progress)
        if self._writes:
            best = [copy_of(self._state(progress, resumable=False))]
            with self._lock:
                self._best = best

    def restore(self, checkpoint: CheckpointFile, path: Path, note: Callable[[str], None]) -> None:
        """Take over a checkpoint's state, which was read from `path`; note what is not as it was then.

        Raises:
            CheckpointError: it belongs to another recipe or other data, or does not fit.
        """
        refuse_changes(checkpoint, path, self._recipe, self._dataset, note)
        if "optimizers" not in checkpoint.training:
            raise CheckpointError(f"{path} can be translated with, but not resumed: it holds no optimisers.")
        try:
            for name, network in self._method.networks.items():
                load_weights(network, checkpoint.networks[name])
            self._runtime.load_state_dict(checkpoint.training)
            if load_state_dict := getattr(self._method, "load_state_dict", None):
                load_state_dict(checkpoint.method)
        except Exception as error:  # what a network or a method makes of another one's state is up to it
            raise CheckpointError(f"{path} does not fit the networks of this recipe: {misfit(error)}") from error
        progress = checkpoint.progress
        train = self._recipe.tables.train
        if progress.batch * checkpoint.processes * train.batch_size * train.accumulate > checkpoint.length:
            raise CheckpointError(
                f"{path} is damaged, or was altered: progress.batch is {progress.batch}, more than an epoch has."
            )
        count = self._runtime.processes.count
        if checkpoint.processes != count:
            note(
                f"This run had {checkpoint.processes} processes and continues with {count}: "
                "its steps now hold other pairs than they would have."
            )
        if train.steps:
            has_more, asked = progress.step > train.steps, f"train.steps = {train.steps}"
        else:
            has_more, asked = (progress.epoch, progress.batch) > (train.epochs, 0), f"train.epochs = {train.epochs}"
        if has_more:
            note(f"This run is at step {progress.step} of epoch {progress.epoch}, beyond {asked}: nothing is trained.")
        self._sent, self._saved = progress_of(checkpoint, self._recipe, count), (path, progress.step)

    def last_good(self) -> str:
        """Return a sentence that names the last good checkpoint."""
        with contextlib.suppress(ItransError):
            self._settle()
        with contextlib.suppress(ItransError):
            self._write_best()
        if self._saved is None:
            return _NOTHING_SAVED
        path, step = self._saved
        if not path.is_file():
            return f"The last checkpoint, {path} (step {step}), is no longer there."
        return f"The last good checkpoint is {path} (step {step}); --resume continues from it."

    def with_what_is_saved(self, fault: ItransError, progress: Progress) -> ItransError:
        """Save the state if possible, and return the fault with a word on how to go on.

        It is a pair that cannot be read, a worker that was killed, or a file that cannot be written.
        """
        with contextlib.suppress(OutputError, TrainingError):
            self.save_last(progress)
        if self._saved is None:
            advice = "" if isinstance(fault, DataError) else _NOTHING_SAVED
        elif isinstance(fault, OutputError):
            advice = self.last_good()
        else:
            advice = f"The run is saved in {self._saved[0]} (step {self._saved[1]}): continue with --resume."
            if isinstance(fault, DataError):
                advice = advice.removesuffix("continue with --resume.") + (
                    "mend or replace what is broken, under the same name, and continue with --resume. If the recipe "
                    "has to change, start a new run: -o DIR."
                )
        return fault if advice in str(fault) else type(fault)(f"{fault}\n{advice}")

    def with_last_good(self, error: BaseException, progress: Progress) -> ItransError:
        """Return an error that a component has raised, with the last good checkpoint added to its message.

        Nothing is saved: it came in the middle of a step, which some networks may have taken and others not.
        """
        found = failure(error, f"Step {progress.step + 1}: the method, or a part that it works with,")
        if found is error:
            return found
        advice = self.last_good()
        if isinstance(found, RoomError):
            advice = f"A smaller train.batch_size, smaller pictures or narrower networks need less. {advice}"
        return type(found)(f"{found}\n{advice}")

    def not_finite(self, names: Iterable[str], step: int) -> TrainingError:
        """Return what to raise when something is no longer a finite number: it names the last good checkpoint."""
        return TrainingError(
            f"Step {step}: {', '.join(names)} is no longer finite, and training has stopped. {self.last_good()}\n"
            'A lower optimizer.lr, optimizer.clip_norm = 1.0 or train.precision = "fp32" may help.'
        )

    def _refuse_bad(self, progress: Progress) -> None:
        """Raise `TrainingError` if a loss is not finite, or nothing has been trained."""
        if not self._losses.are_finite():
            raise self.not_finite(["a loss"], progress.step)
        self._runtime.refuse_idle()

    def _finite(self, state: CheckpointFile) -> CheckpointFile:
        """Return a state all of whose numbers are finite; raise `TrainingError` otherwise."""
        if wrong := not_finite(state):
            raise self.not_finite([wrong], state.progress.step)
        return state

    def _write_best(self) -> None:
        """Write a best state that is kept, where a run ends in a way that adds no last one."""
        for state in self._best:
            if not not_finite(state):
                save_checkpoint(self._folder.best, state)
        self._best = []

    def _take_over(self, progress: Progress, best: list[CheckpointFile]) -> None:
        """Take note, in the writer's thread, that a state is written, and perhaps the best one with it."""
        self._saved = (self._folder.last, progress.step)
        with self._lock:
            if best and self._best and self._best[0] is best[0]:
                self._best = []
        if self._settings.every:
            self._folder.prune_step_checkpoints(self._settings.keep)

    def _settle(self) -> None:
        """Wait until what is being written is written; raises `OutputError`."""
        try:
            self._writer.wait()
        except ItransError:
            self._sent = None
            raise

    def _seconds_since(self) -> float:
        """Return how long ago the state was saved, or the run begun."""
        return time.monotonic() - self._saved_at

    def _state(self, progress: Progress, *, resumable: bool) -> CheckpointFile:
        training = self._runtime.state_dict()
        method_state = getattr(self._method, "state_dict", dict)
        return CheckpointFile(
            recipe=self._recipe.resolved,
            sample=self._sample,
            components=self._recipe.components(),
            pairs=self._pairs,
            source=self._dataset.source,
            target=self._dataset.target,
            extras=extras_of(self._dataset),
            networks={name: network.state_dict() for name, network in self._method.networks.items()},
            method=method_state() if resumable else {},
            progress=progress,
            training=training if resumable else {"averages": training["averages"]},
            length=len(self._dataset),
            processes=self._runtime.processes.count,
        )

    @functools.cached_property
    def _pairs(self) -> str:
        return pairs_digest(self._dataset)
