"""What happens in a run, told to all who listen: its log, whoever watches, and its trackers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from itrans.training.trackers import Trackers

if TYPE_CHECKING:
    from itrans.checkpoint.file import Progress
    from itrans.pictures.spec import ImageArray
    from itrans.recipe.load import Recipe
    from itrans.training.losses import Look
    from itrans.training.record import RunFolder
    from itrans.training.reporter import Reporter
    from itrans.training.selection import Validation


class Journal:
    """Tells each event to the log, with the step and the seconds of this sitting, to the trackers and the reporter.

    In all processes but the first, only the reporter is told.

    Args:
        recipe: names the trackers.
        folder: the run's; None in all processes but the first.
        reporter: watches.
        sample: the note about sample data, which then every line of the log says; None if they are the recipe's.
        step: that the run goes on from; 0 for a new one.
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
