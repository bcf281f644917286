"""When a run's state is written, and that nothing is written which is not a number."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from itrans.engine.checkpoint import save_checkpoint
from itrans.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from itrans.engine.checkpoint import Progress
    from itrans.engine.record import RunFolder
    from itrans.engine.state import RunState
    from itrans.recipe.schema import Checkpoint


class Saver:
    """Writes a run's checkpoints; in all processes but the first it only keeps count.

    Args:
        state: what is saved.
        folder: where.
        settings: the recipe's table.
    """

    def __init__(self, state: RunState, folder: RunFolder, settings: Checkpoint) -> None:
        self._state, self._folder, self._settings = state, folder, settings
        self._writes = state.runtime.processes.is_first
        self._saved: tuple[Path, int] | None = None
        self._saved_at = time.monotonic()

    def found(self, path: Path, step: int) -> None:
        """Take note of a good checkpoint that was there before."""
        self._saved = (path, step)

    def save(self, path: Path, progress: Progress, *, resumable: bool = True) -> None:
        """Write the state.

        Raises:
            TrainingError: a weight is not finite; what was saved before is left as it is.
            OutputError: the file cannot be written.
        """
        if self._writes:
            if not self._state.runtime.is_finite():
                raise self.not_finite(["the update of the weights"], progress.step)
            save_checkpoint(path, self._state.captured(progress, resumable=resumable))
        self._saved = (path, progress.step)
        self._saved_at = time.monotonic()

    def save_if_due(self, progress: Progress) -> None:
        """Write the state if so many steps, or so many minutes, have passed as the recipe says."""
        settings = self._settings
        if settings.every and progress.step % settings.every == 0:
            self.save(self._folder.step_checkpoint(progress.step), progress)
            if self._writes:
                self._folder.prune_step_checkpoints(settings.keep)
            self.save(self._folder.last, progress)
        elif time.monotonic() - self._saved_at > settings.minutes * 60:
            self.save(self._folder.last, progress)

    def not_finite(self, names: Iterable[str], step: int) -> TrainingError:
        """Return what to raise when something is no longer a finite number: it names the last good checkpoint."""
        if self._saved is None:
            saved = "No checkpoint had been saved yet."
        else:
            saved = f"The last good checkpoint is {self._saved[0]} (step {self._saved[1]})."
        return TrainingError(
            f"Step {step}: {', '.join(names)} is no longer finite, and training has stopped. {saved}\n"
            'A lower optimizer.lr, optimizer.clip_norm = 1.0 or train.precision = "fp32" may help.'
        )
