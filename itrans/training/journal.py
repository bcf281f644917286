"""The events of a run, as lines of its log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itrans.checkpoint.file import Progress
    from itrans.training.record import RunFolder
    from itrans.training.reporter import Reporter


class Journal:
    """Writes what happens, with the step and the seconds of this sitting, in the first process alone.

    Args:
        folder: the run's.
        reporter: told of pairs that are left out.
        is_sample: whether sample data stand in, which every line says.
        writes: whether this is the first process.
    """

    def __init__(self, folder: RunFolder, reporter: Reporter, *, is_sample: bool, writes: bool) -> None:
        self._folder, self._reporter, self._is_sample, self._writes = folder, reporter, is_sample, writes
        self._skipped: dict[str, None] = {}
        self._began = time.monotonic()

    def write(self, event: str, progress: Progress, **values: object) -> None:
        """Write an event.

        Raises:
            OutputError: the log cannot be written.
        """
        if not self._writes:
            return
        more: dict[str, object] = {"seconds": round(time.monotonic() - self._began, 3)}
        if self._is_sample:
            more["sample"] = True
        if self._skipped:
            more["skipped"] = len(self._skipped)
        self._folder.log(event, step=progress.step, **values, **more)

    def skip(self, fault: str) -> None:
        """Count a pair that is left out, by what is wrong with it; each is told once."""
        if fault not in self._skipped:
            self._skipped[fault] = None
            self._reporter.note(f"Skipped: {fault}")
