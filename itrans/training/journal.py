"""What happens in a run, told to all who listen: its log, its trackers, and whoever watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError, error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from itrans.checkpoint.file import Progress
    from itrans.protocols import ImageArray, Tracker
    from itrans.recipe.load import Recipe
    from itrans.training.losses import Look
    from itrans.training.record import RunFolder
    from itrans.training.validation import Validation

_FORGETTING = 0.9


class Reporter:
    """Somebody who watches a run; this one hears all of it and says nothing."""

    def note(self, text: str) -> None:
        """Hear a sentence."""

    def begin(self, done: int, total: int) -> None:
        """Hear how many steps are done, and how many there will be."""

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Hear of a step; the epoch counts from 1."""

    def validating(self, done: int, total: int) -> None:
        """Hear how many of the held-out pairs have been translated; the last call has as many as there are."""

    def validated(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Hear of a validation; `better` if it is the best so far."""

    def stopping(self, text: str) -> None:
        """Hear, in the middle of anything, that somebody has asked to stop."""

    def end(self) -> None:
        """Hear that no more steps follow."""


class Pace:
    """How many pairs a second all processes together train on, over the last steps."""

    def __init__(self, pairs_per_step: int) -> None:
        self._pairs = pairs_per_step
        self._seconds: float | None = None
        self.restart()

    @property
    def rate(self) -> float:
        """Pairs a second; 0 before the first step."""
        return self._pairs / self._seconds if self._seconds else 0.0

    def restart(self) -> None:
        """Leave out what has passed since the last step."""
        self._then = time.monotonic()

    def step(self) -> None:
        """Count a step."""
        now = time.monotonic()
        seconds, self._then = now - self._then, now
        before = seconds if self._seconds is None else self._seconds
        self._seconds = _FORGETTING * before + (1 - _FORGETTING) * seconds


class Journal:
    """Tells each event to the log, with the step and the seconds of this sitting, to the trackers and the reporter.

    If there is a note about sample data, every line of the log says so. The folder is None in all processes but the
    first, and the step is the one that the run goes on from.
    """

    def __init__(
        self, recipe: Recipe, folder: RunFolder | None, reporter: Reporter, sample: str | None, step: int
    ) -> None:
        self._recipe, self._folder, self._reporter, self._sample = recipe, folder, reporter, sample
        self._trackers = None if folder is None else Trackers(recipe, reporter.note, step)
        self._skipped: dict[str, None] = {}
        self._began = time.monotonic()

    def start(self, progress: Progress, total: int, *, resumed: bool, **values: Any) -> None:
        """Begin the folder's files, and tell what the run is, and how long.

        Raises:
            OutputError: the folder cannot be written to.
        """
        if self._folder is not None and self._trackers is not None:
            self._folder.start(self._recipe.resolved, self._sample, resumed=resumed)
            self._trackers.start(self._folder.path)
        self._write("start", progress, **values)
        self._reporter.begin(progress.step, total)

    def losses(self, progress: Progress, found: Look, *, lr: float, rate: float) -> None:
        """Tell the losses of the steps since the last line; raises `OutputError`."""
        rate = round(rate, 2)
        self._write(
            "step",
            progress,
            epoch=progress.epoch + 1,
            losses=found.latest,
            means=found.means,
            lr=lr,
            images_per_second=rate,
        )
        if self._trackers is not None:
            losses = {f"loss/{name}": value for name, value in found.means.items()}
            self._trackers.scalars(progress.step, {**losses, "lr": lr, "images_per_second": rate})

    def validation(self, progress: Progress, epoch: int, found: Validation) -> None:
        """Tell what the held-out pairs have shown; raises `OutputError`."""
        self._write("validation", progress, epoch=epoch, metrics=found.metrics, better=found.better)
        self._reporter.validated(epoch, found.metrics, found.better)
        if self._trackers is not None:
            self._trackers.scalars(
                progress.step, {f"validation/{name}": value for name, value in found.metrics.items()}
            )

    def pictures(self, step: int, image: ImageArray) -> None:
        """Hand a grid of samples to the trackers."""
        if self._trackers is not None:
            self._trackers.pictures(step, "samples", image)

    def end(self, progress: Progress, outcome: str) -> None:
        """Tell how the run has ended; raises `OutputError`."""
        self._write("end", progress, outcome=outcome)

    def close(self, outcome: str) -> None:
        """Let whoever watches and the trackers know that nothing follows."""
        self._reporter.end()
        if self._trackers is not None:
            self._trackers.finish(outcome)

    def skip(self, fault: str) -> None:
        """Count a pair that is left out, by what is wrong with it; each is told once."""
        if fault not in self._skipped:
            self._skipped[fault] = None
            self._reporter.note(f"Skipped: {fault}")

    def _write(self, event: str, progress: Progress, **values: Any) -> None:
        if self._folder is None:
            return
        more: dict[str, object] = {"seconds": round(time.monotonic() - self._began, 3)}
        if self._sample is not None:
            more["sample"] = True
        if self._skipped:
            more["skipped"] = len(self._skipped)
        self._folder.log(event, step=progress.step, **values, **more)


class Trackers:
    """Hands on to the trackers of a recipe; one that fails is reported once, and left out from then on."""

    def __init__(self, recipe: Recipe, note: Callable[[str], None], step: int = 0) -> None:
        self._recipe, self._note = recipe, note
        self._trackers: dict[str, Tracker] = {}
        for position, table in enumerate(recipe.tables.tracker):
            name = table.name if table.name not in self._trackers else f"{table.name}-{position + 1}"
            self._guard(name, lambda p=position, n=name: self._build(n, p, step))  # type: ignore[misc]

    def start(self, folder: Path) -> None:
        """Say that the run begins, or goes on, in a folder."""
        self._tell(lambda tracker: tracker.start(self._recipe.resolved, folder))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Hand on numbers."""
        self._tell(lambda tracker: tracker.scalars(step, dict(values)))

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Hand on a picture, `(H, W, 3)` of uint8."""
        self._tell(lambda tracker: tracker.pictures(step, name, image.copy()))

    def finish(self, outcome: str) -> None:
        """Say how the run has ended."""
        self._tell(lambda tracker: tracker.finish(outcome))

    def _build(self, name: str, position: int, step: int) -> None:
        self._trackers[name] = self._recipe.build("tracker", position=position, step=step)

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guard(name, lambda tracker=tracker: call(tracker))  # type: ignore[misc]

    def _guard(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except (Exception, SystemExit) as error:  # of a library, or a server that is not there
            reason = str(error) if isinstance(error, ItransError) else error_text(error)
            self._note(f'The tracker "{name}" has failed, and is told nothing more; the run goes on. {reason}')
            self._trackers.pop(name, None)
