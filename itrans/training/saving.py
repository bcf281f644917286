"""When a run's state is written, and that nothing is written which is not a number."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import torch

from itrans.checkpoint.file import load_checkpoint, save_checkpoint
from itrans.checkpoint.places import step_of
from itrans.errors import CheckpointError, DataError, OutputError, RoomError, TrainingError
from itrans.training.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from torch import Tensor

    from itrans.checkpoint.file import CheckpointFile, Progress
    from itrans.errors import ItransError
    from itrans.recipe.schema import Checkpoint
    from itrans.training.losses import Losses
    from itrans.training.record import RunFolder
    from itrans.training.state import RunState


class Saver:
    """Writes a run's checkpoints; in all processes but the first it only keeps count.

    Args:
        state: what is saved.
        folder: where.
        settings: the recipe's table.
        losses: the run's; where one was not finite, nothing is saved any more.
    """

    def __init__(self, state: RunState, folder: RunFolder, settings: Checkpoint, losses: Losses) -> None:
        self._state, self._folder, self._settings, self._losses = state, folder, settings, losses
        self._writes = state.runtime.processes.is_first
        self._saved: tuple[Path, int] | None = None
        self._saved_at = time.monotonic()

    def found(self, path: Path, step: int) -> None:
        """Take note of a good checkpoint that was there before."""
        self._saved = (path, step)

    def save(self, path: Path, progress: Progress, *, resumable: bool = True) -> None:
        """Write the state.

        Raises:
            TrainingError: a number of the state is not finite; what was saved before is left as it is.
            OutputError: the file cannot be written.
        """
        if not self._losses.are_finite():
            raise self.not_finite(["a loss"], progress.step)
        self._state.runtime.refuse_idle()
        if self._writes:
            state = self._state.captured(progress, resumable=resumable)
            if wrong := not_finite(state):
                raise self.not_finite([wrong], progress.step)
            save_checkpoint(path, state)
        if resumable:
            self._saved = (path, progress.step)
        self._saved_at = time.monotonic()

    def save_last(self, progress: Progress) -> None:
        """Write the state to go on from, unless that of this step is written already; raises what `save` raises."""
        if progress.step and (self._saved is None or self._saved[1] != progress.step):
            self.save(self._folder.last, progress)

    def seconds_since(self) -> float:
        """Return how long ago the state was saved, or the run begun."""
        return time.monotonic() - self._saved_at

    def last_good(self) -> str:
        """Return a sentence that names the last good checkpoint."""
        if self._saved is None:
            return "No checkpoint had been saved yet."
        if not self._saved[0].is_file():
            return f"The last checkpoint, {self._saved[0]} (step {self._saved[1]}), is no longer there."
        return f"The last good checkpoint is {self._saved[0]} (step {self._saved[1]}); --resume goes on from it."

    def save_if_due(self, progress: Progress) -> None:
        """Write the state if so many steps, or so many minutes, have passed as the recipe says."""
        settings = self._settings
        if settings.every and progress.step % settings.every == 0:
            self.save(self._folder.step_checkpoint(progress.step), progress)
            if self._writes:
                self._folder.prune_step_checkpoints(settings.keep)
            self.save(self._folder.last, progress)
        elif self.seconds_since() > settings.minutes * 60:
            self.save(self._folder.last, progress)

    def with_what_is_saved(self, fault: ItransError, progress: Progress) -> ItransError:
        """Save the state, if that can be done, and return what ends the run with a word on how to go on.

        Args:
            fault: a pair that cannot be read, a worker that was killed, a file that cannot be written.
            progress: how far training has come.
        """
        with contextlib.suppress(OutputError, TrainingError):
            self.save_last(progress)
        if self._saved is None:
            told = "" if isinstance(fault, DataError) else "No checkpoint had been saved yet."
        elif isinstance(fault, OutputError):
            told = self.last_good()
        else:
            told = f"The run is saved in {self._saved[0]} (step {self._saved[1]}): go on with --resume."
            if isinstance(fault, DataError):
                told = told.removesuffix("go on with --resume.") + (
                    "mend or replace what is broken, under the same name, and go on with --resume. If the recipe has "
                    "to change, start anew: -o DIR."
                )
        return fault if told in str(fault) else type(fault)(f"{fault}\n{told}")

    def failed(self, error: BaseException, progress: Progress) -> ItransError:
        """Return what a component has raised as an error that names the last good checkpoint.

        Nothing is saved: some networks may have taken the step that it was raised in, and others not.
        """
        found = failure(error, f"Step {progress.step + 1}: the method, or a part that it works with,")
        if found is error:
            return found
        told = self.last_good()
        if isinstance(found, RoomError):
            told = f"A smaller train.batch_size, smaller pictures or narrower networks need less. {told}"
        return type(found)(f"{found}\n{told}")

    def not_finite(self, names: Iterable[str], step: int) -> TrainingError:
        """Return what to raise when something is no longer a finite number: it names the last good checkpoint."""
        return TrainingError(
            f"Step {step}: {', '.join(names)} is no longer finite, and training has stopped. {self.last_good()}\n"
            'A lower optimizer.lr, optimizer.clip_norm = 1.0 or train.precision = "fp32" may help.'
        )


def load_newest(folder: RunFolder, note: Callable[[str], None]) -> tuple[CheckpointFile, Path]:
    """Return the newest good checkpoint of a run and its path: the last one, unless one of a step is newer or better.

    Args:
        folder: the run's.
        note: told if it is not the last one.

    Raises:
        CheckpointError: there is none.
    """
    faults: list[CheckpointError] = []
    best: tuple[CheckpointFile, Path] | None = None
    for path in folder.resumable():
        if best is not None and step_of(path) <= best[0].progress.step:
            break
        try:
            best = load_checkpoint(path, mapped=False), path  # the run will write over it
        except CheckpointError as error:
            faults.append(error)
            continue
        if path != folder.last:
            break
    if best is None:
        raise faults[0]
    if best[1] != folder.last:
        why = str(faults[0]) if faults else f"{folder.last} is older, or not there."
        note(f"{why} Going on from {best[1]}.")
    return best


def not_finite(checkpoint: CheckpointFile) -> str | None:
    """Return where a state has a number that is not finite: a weight, a buffer, a moment of an optimiser; or None."""
    state = {"network": checkpoint.networks, "method": checkpoint.method, **checkpoint.training}
    return next((key for key, tensor in tensors_in(state) if not _is_finite(tensor)), None)


def tensors_in(value: object, key: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors of nested dicts and lists, each with its dotted key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list | tuple):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in entries:
            yield from tensors_in(inner, f"{key}.{name}" if key else str(name))


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    low, high = tensor.detach().aminmax()  # one pass and no copy, and either is NaN if anything is
    return bool(low.isfinite()) and bool(high.isfinite())
