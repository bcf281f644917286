"""What happens in a run, and who is told of it: the log, the trackers, and whoever watches."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from itrans.errors import ItransError, RecipeError, counted, error_text, printable
from itrans.registry import PAGES
from itrans.training.record import circumstances
from itrans.training.scalars import refuse_no_scalars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from itrans.checkpoint.file import Progress
    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Tracker
    from itrans.recipe.load import Recipe
    from itrans.records import MeasuredPairs
    from itrans.training.processes import Processes
    from itrans.training.record import RunFolder
    from itrans.training.validation import Validation

_FORGETTING = 0.9
_MOST_LINES, _MOST_CHARACTERS = 6, 500
"""Of what a tracker says at the end."""

_PAGE = "page "


class Reporter:
    """Somebody who watches a run; this one hears all of it and says nothing."""

    def note(self, text: str) -> None:
        """Hear a sentence."""

    def begin(self, done: int, total: int) -> None:
        """Hear how many steps are done, and how many there will be."""

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Hear of a step; the epoch counts from 1."""

    def validation_step(self, done: int, total: int) -> None:
        """Hear how many of the held-out pairs have been translated, out of how many."""

    def validation(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Hear of a validation; `better` if it is the best so far."""

    def pictures(self, step: int, image: ImageArray) -> None:
        """See a grid of samples, `(H, W, 3)` of uint8."""

    def stop(self, text: str) -> None:
        """Hear that somebody has asked to stop; this may come in the middle of anything."""

    def end(self) -> None:
        """Hear that no more steps follow."""


class Pace:
    """The recent speed of training, in pairs a second of all processes together."""

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


class Look(NamedTuple):
    """What a look at the losses has found, over all processes.

    Attributes:
        latest: the latest value of each, also of one that only some steps have.
        means: the mean of each since the last `restart`, over the steps that had it.
        are_finite: whether every loss so far was a finite number in every process.
    """

    latest: dict[str, float]
    means: dict[str, float]
    are_finite: bool


class Losses:
    """Counts losses on their device, so that a GPU need not wait for anybody to look."""

    def __init__(self, device: torch.device) -> None:
        self._latest: dict[str, Tensor] = {}
        self._sums: dict[str, tuple[Tensor, int]] = {}
        self._finite = torch.ones((), dtype=torch.bool, device=device)

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Count a step's losses; raise `PluginError` if they are no scalars by name."""
        refuse_no_scalars(losses)
        for name, loss in losses.items():
            value = loss.detach().float()
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._latest[name] = value
            self._sums[name] = (total + value, count + 1)
            self._finite = self._finite & value.isfinite()

    def are_finite(self) -> bool:
        """Return whether every loss of this process was a finite number."""
        return bool(self._finite)

    def look(self, processes: Processes) -> Look:
        """Return what there is; all processes must look at the same time."""
        means = [total / count for total, count in self._sums.values()]
        values = [*self._latest.values(), *means, (~self._finite).float()]
        found = processes.mean(torch.stack(values)).tolist()
        latest, rest = found[: len(self._latest)], found[len(self._latest) : -1]
        return Look(
            dict(zip(self._latest, latest, strict=True)), dict(zip(self._sums, rest, strict=True)), not found[-1]
        )

    def restart(self) -> None:
        """Begin new means."""
        self._sums = {}


class Journal:
    """Tells each event to the log, with the step and the seconds of this sitting, to the trackers and the reporter.

    With a note about sample data, every line of the log is marked as such. The folder is None in all processes but the
    first. A tracker that fails is reported once, and told nothing more. The installed pages are told what trackers are,
    unless the recipe says `log.page = false`.

    Attributes:
        last_words: what the trackers say to the user when the run is over.
    """

    def __init__(
        self, recipe: Recipe, folder: RunFolder | None, reporter: Reporter, sample: str | None, step: int
    ) -> None:
        self._recipe, self._folder, self._reporter, self._sample = recipe, folder, reporter, sample
        self._skipped: dict[str, None] = {}
        self._began = time.monotonic()
        self._trackers: dict[str, Tracker] = {}
        self.last_words: list[str] = []
        if folder is not None:
            self._build_trackers(step)

    def start(self, progress: Progress, total: int, *, resumed: bool, **values: Any) -> None:
        """Begin the folder's files, and tell what the run is, and how long.

        Raises:
            OutputError: the folder cannot be written to.
        """
        if (folder := self._folder) is not None:
            if resumed:
                self._compare_threads(folder.last_start().get("threads"))
            folder.start(self._recipe.resolved, self._sample, resumed=resumed)
            self._tell_trackers(lambda tracker: tracker.start(self._recipe.resolved, folder.path))
        self._write("start", progress, **values, **circumstances())
        self._reporter.begin(progress.step, total)

    def losses(self, progress: Progress, found: Look, *, lr: float, rate: float) -> None:
        """Tell the losses of the steps since the last line; raises `OutputError`."""
        speed = {"lr": lr, "images_per_second": round(rate, 2)}
        self._write("step", progress, epoch=progress.epoch + 1, losses=found.latest, means=found.means, **speed)
        self._tell_scalars(progress, {f"loss/{name}": value for name, value in found.means.items()} | speed)

    def validation(self, progress: Progress, epoch: int, found: Validation) -> None:
        """Tell what the held-out pairs have shown; raises `OutputError`."""
        self._write("validation", progress, epoch=epoch, metrics=found.metrics, better=found.better)
        self._reporter.validation(epoch, found.metrics, found.better)
        self._tell_scalars(progress, {f"validation/{name}": value for name, value in found.metrics.items()})
        if (pairs := found.pairs) is not None:
            self._tell_trackers(lambda tracker: _tell_pairs(tracker, progress.step, pairs))

    def pictures(self, step: int, image: ImageArray) -> None:
        """Hand a grid of samples, `(H, W, 3)` of uint8, to the trackers and the reporter."""
        self._reporter.pictures(step, image)
        self._tell_trackers(lambda tracker: tracker.pictures(step, "samples", image.copy()))

    def end(self, progress: Progress, outcome: str) -> None:
        """Tell how the run has ended; raises `OutputError`."""
        self._write("end", progress, outcome=outcome)

    def close(self, outcome: str) -> None:
        """Let whoever watches and the trackers know that nothing follows, and keep what trackers have to say."""
        self._reporter.end()
        words: list[str | None] = []
        self._tell_trackers(lambda tracker: words.append(tracker.finish(outcome)))
        self.last_words = [_shown(text) for text in words if isinstance(text, str) and text.strip()]

    def skip(self, fault: str) -> None:
        """Count a pair that is left out; report each fault once."""
        if fault not in self._skipped:
            self._skipped[fault] = None
            self._reporter.note(f"Skipped: {fault}")

    def _compare_threads(self, before: int | None) -> None:
        """Note that a run goes on with another number of threads, which add numbers up in another order."""
        if before is not None and before != (threads := torch.get_num_threads()):
            self._reporter.note(
                f"This run computed with {counted(before, 'thread')} and continues with {threads}: its numbers may "
                f"differ in the last digits. train.threads = {before} keeps them."
            )

    def _build_trackers(self, step: int) -> None:
        """Make the trackers that the recipe names, and every page that is installed."""
        for position, table in enumerate(self._recipe.tables.tracker):
            name = f'tracker "{table.name}"'
            who = name if name not in self._trackers else f'tracker "{table.name}-{position + 1}"'
            with self._guard(who):
                self._trackers[who] = self._recipe.build("tracker", position=position, step=step)
        for name in PAGES.names() if self._recipe.tables.log.page else ():
            who = f'{_PAGE}"{name}"'
            with self._guard(who):
                self._trackers[who] = PAGES.build({"name": name}, step=step)

    def _write(self, event: str, progress: Progress, **values: Any) -> None:
        if self._folder is None:
            return
        more: dict[str, object] = {"seconds": round(time.monotonic() - self._began, 3)}
        if self._sample is not None:
            more["sample"] = True
        if self._skipped:
            more["skipped"] = len(self._skipped)
        self._folder.log(event, step=progress.step, **values, **more)

    def _tell_scalars(self, progress: Progress, values: dict[str, float]) -> None:
        self._tell_trackers(lambda tracker: tracker.scalars(progress.step, dict(values)))

    def _tell_trackers(self, call: Callable[[Tracker], None]) -> None:
        for who, tracker in [*self._trackers.items()]:
            with self._guard(who):
                call(tracker)

    @contextlib.contextmanager
    def _guard(self, who: str) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as error:  # of a library, or a server that is not there
            if isinstance(error, RecipeError) and not who.startswith(_PAGE):
                raise  # it refuses what the recipe gives to it, which is a mistake to mend
            reason = str(error) if isinstance(error, ItransError) else error_text(error)
            self._reporter.note(f"The {who} has failed and is left out from now on; the run continues. {reason}")
            self._trackers.pop(who, None)


def _tell_pairs(tracker: Tracker, step: int, pairs: MeasuredPairs) -> None:
    if told := getattr(tracker, "pairs", None):
        told(step, pairs)


def _shown(text: str) -> str:
    """Return the first lines of a text, without what would move a terminal's cursor."""
    return "\n".join(printable(line[:_MOST_CHARACTERS]) for line in text.strip().splitlines()[:_MOST_LINES])
