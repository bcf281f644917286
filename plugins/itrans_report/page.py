"""The page in every run's folder, written as the run goes."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

from itrans.commands import RunFolder, replacing
from itrans_report.document import run_page
from itrans_report.pairs import PairFiles, forget_pairs
from itrans_report.record import note_outcome, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itrans.api import ImageArray, MeasuredPairs

_SECONDS, _FIRST = 30.0, 3.0
"""Between two writings at least, and from the start to the first one."""

_PART = 200
"""A writing that has taken long is followed by a pause of so many times as long: all take half a hundredth of a run."""

_ENCODING = 0.2
"""How many seconds a run waits for grids to be encoded; what is left is encoded by later writings."""

_AT_THE_END, _AFTER_A_STOP = 0.004, 1.0
"""How long the last writing may encode: a part of the run's time; after a stop, so many seconds at most."""


class Page:
    """Keeps `index.html` in the run's folder: curves, grids of samples, the best and worst pairs, and how to go on.

    It is drawn from the log and the samples, and from the few pairs of each validation, which it keeps in `page/`.

    Args:
        step: the step at which the run begins.
    """

    def __init__(self, *, step: int = 0) -> None:
        self._begins_anew, self._step = step == 0, step
        self._folder: Path | None = None

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Remove what an earlier run has left of its page."""
        self._folder = folder
        self._pairs = PairFiles(folder)
        self._began = time.monotonic()
        self._due = self._began + _FIRST
        note_outcome(folder, None, 0)
        if self._begins_anew:
            forget_pairs(folder)
            RunFolder(folder).page.unlink(missing_ok=True)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write the page if it is time: the log has the numbers."""
        self._step = step
        self._write_if_due()

    def pairs(self, step: int, found: MeasuredPairs) -> None:
        """Keep the pairs for the page."""
        self._pairs.add(step, found)

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Write the page if it is time: the run's folder has the grid."""
        self._write_if_due()

    def finish(self, outcome: str) -> str | None:
        """Write the page for the last time, and return where it is and what else shows the run."""
        if self._folder is None:
            return None  # the run has failed before it began
        if outcome == "failed":
            note_outcome(self._folder, outcome, self._step)
        seconds = max(_ENCODING, _AT_THE_END * (time.monotonic() - self._began))
        is_over = outcome in {"finished", "early"}
        self._write(self._folder, outcome, seconds if is_over else min(seconds, _AFTER_A_STOP))
        page = RunFolder(self._folder).page
        run = shlex.quote(str(self._folder))
        return f"How it went: open {page}\nTry it in the browser: itrans serve {run} --open"

    def _write_if_due(self) -> None:
        began = time.monotonic()
        if self._folder is None or began < self._due:
            return
        self._write(self._folder, "running", _ENCODING)
        now = time.monotonic()
        self._due = now + max(_SECONDS, _PART * (now - began))

    def _write(self, folder: Path, state: str, seconds: float) -> None:
        record = read_record(folder, state)
        self._pairs.write(record)
        write_page(RunFolder(folder).page, run_page(record, seconds))


def write_page(file: Path, page: bytes) -> None:
    """Write a page whole, or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(file) as written:
        written.write(page)
