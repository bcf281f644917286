"""Showing a run as it goes: a progress bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import contextlib
import importlib
import os
import shlex
import time
from typing import TYPE_CHECKING, Any

import click

from itrans.cli.console import Bar, has_widgets, is_notebook, is_terminal
from itrans.errors import counted
from itrans.metrics.measuring import SOURCE_L1
from itrans.training.journal import Reporter
from itrans.translating.companions import needed_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.pictures.spec import ImageArray
    from itrans.training.record import RunFolder
    from itrans.training.trainer import Trainer


def reporter_here(every: int) -> Reporter:
    """Return what suits standard output: a bar or, in a pipe, a line every so many steps."""
    if is_notebook():
        return Reporters(TerminalBar() if has_widgets() else Lines(every), NotebookPictures())
    return TerminalBar() if is_terminal() else Lines(every)


def validation_line(epoch: int, metrics: Mapping[str, float], better: bool) -> str:
    """Return a sentence about a validation."""
    parts = [f"{name} {value:.4f}" for name, value in metrics.items() if name != SOURCE_L1]
    if compared := compared_with_source(metrics.get("l1"), metrics.get(SOURCE_L1)):
        parts.insert(1, f"({compared}, {metrics[SOURCE_L1]:.4f})")
    return f"epoch {epoch}, held-out pairs: {' '.join(parts)}{', the best so far' if better else ''}"


def compared_with_source(l1: float | None, source_l1: float | None) -> str:
    """Return how an L1 distance compares with that of the source itself, or an empty text where that is not known."""
    if l1 is None or not source_l1:
        return ""
    below = 1 - l1 / source_l1
    return f"{abs(below):.1%} {'better' if below >= 0 else 'worse'} than copying the source"


def duration(seconds: float) -> str:
    """Return a time for people: `48 s`, `2 min 22 s`, `3 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def ending(trainer: Trainer, folder: RunFolder, seconds: float, *, is_adversarial: bool) -> str:
    """Return what is said at the end of a run: how long it took, how good it is, and where to look.

    Distances such as L1 prefer soft pictures, so that of adversarial training a later state is often the better one.
    """
    progress, selection = trainer.progress, trainer.selection
    lines = [f"Done: {counted(progress.step, 'step')} in {duration(seconds)}."]
    if trainer.samples.latest is not None:
        lines.append(f"  pictures    {trainer.samples.latest}")
    if progress.best is not None:
        source_l1 = selection.source_l1 if selection.metric == "l1" else None
        compared = compared_with_source(progress.best, source_l1)
        detail = f", {compared}" if compared else ""
        lines.append(f"  best        {selection.metric} {progress.best:.4f} at step {progress.best_step}{detail}")
        if source_l1 and progress.best > source_l1:
            lines.append("  warning     the sources themselves are nearer to the targets: train longer, or differently")
    lines.append(f"  checkpoint  {folder.result}")
    if is_adversarial and progress.best is not None and progress.best_step < progress.step:
        lines.append(f"  or          {folder.last}, of the last step, which is often sharper")
    lines.append(f"  log         {folder.log_path}")
    more = "".join(f" {argument}" for argument in needed_arguments(trainer.accepted))
    lines.append(f"Translate with it: itrans translate {shlex.quote(str(folder.result))} PICTURES -o DIR{more}")
    return "\n".join(lines)


def write_at_once(text: str) -> None:
    """Write a line to standard error from a signal's handler, which may have come in the middle of another write."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


class Lines(Reporter):
    """A line every so many steps."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._total = 0

    def note(self, text: str) -> None:
        """Print a sentence."""
        click.echo(text)

    def begin(self, done: int, total: int) -> None:
        """Say how many steps there will be."""
        self._total = total
        self._done, self._began = done, time.monotonic()
        click.echo(counted(total, "step") + (f", {done} of them done" if done else ""))

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Print a line if it is time for one."""
        if step % self._every and step != self._total:
            return
        left = (time.monotonic() - self._began) / max(1, step - self._done) * (self._total - step)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        minutes, seconds = divmod(round(left), 60)
        click.echo(
            f"epoch {epoch}  step {step}/{self._total}  {shown}  "
            f"{images_per_second:.1f} pairs/s  {minutes}:{seconds:02d} left"
        )

    def validation(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Print what was measured."""
        click.echo(validation_line(epoch, metrics, better))

    def stop(self, text: str) -> None:
        """Say it on standard error."""
        write_at_once(text)


class TerminalBar(Reporter):
    """A progress bar with rate and time left, and the losses below it; they fit into 80 columns."""

    def __init__(self) -> None:
        self._bar = Bar(err=False)
        self._is_drawn = False
        self._losses, self._stopping = "", ""

    def note(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._bar.note(text)

    def begin(self, done: int, total: int) -> None:
        """Draw the bar."""
        self._bar.begin("epoch -", total, done)
        self._is_drawn = True

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Move the bar."""
        self._losses = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        self._draw_below()
        self._bar.update(step, label=f"epoch {epoch}", rate=f"{images_per_second:.1f} pairs/s")

    def validation_step(self, done: int, total: int) -> None:
        """Move the row of a validation, which is there for as long as it takes."""
        self._bar.part("validation", done, total)

    def validation(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Print what was measured above the bar."""
        self.note(validation_line(epoch, metrics, better))

    def stop(self, text: str) -> None:
        """Have it drawn below the bar a moment later: printed from here, it could land inside another line."""
        if not self._is_drawn:
            write_at_once(text)
        self._stopping = text
        self._draw_below()

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._bar.end()
        self._is_drawn = False

    def _draw_below(self) -> None:
        self._bar.below = [(self._losses, "dim"), *([(self._stopping, "bold")] if self._stopping else [])]


class NotebookPictures(Reporter):
    """Shows the latest grid of samples in a notebook, always at the same place."""

    def __init__(self) -> None:
        self._place: Any = None

    def pictures(self, step: int, image: ImageArray) -> None:
        """Show a grid."""
        from itrans.pictures.writing import encode_image

        notebook: Any = importlib.import_module("IPython.display")
        shown = notebook.Image(data=encode_image(image))
        if self._place is None:
            self._place = notebook.display(shown, display_id=True)
        else:
            self._place.update(shown)


class Reporters(Reporter):
    """Several that watch a run together."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def note(self, text: str) -> None:
        """Tell each a sentence."""
        for reporter in self._reporters:
            reporter.note(text)

    def begin(self, done: int, total: int) -> None:
        """Tell each how long the run is."""
        for reporter in self._reporters:
            reporter.begin(done, total)

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Tell each of a step."""
        for reporter in self._reporters:
            reporter.step(step, epoch, losses, images_per_second)

    def validation_step(self, done: int, total: int) -> None:
        """Tell each how far a validation is."""
        for reporter in self._reporters:
            reporter.validation_step(done, total)

    def validation(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Tell each of a validation."""
        for reporter in self._reporters:
            reporter.validation(epoch, metrics, better)

    def pictures(self, step: int, image: ImageArray) -> None:
        """Show each a grid."""
        for reporter in self._reporters:
            reporter.pictures(step, image)

    def stop(self, text: str) -> None:
        """Tell each that somebody has asked to stop."""
        for reporter in self._reporters:
            reporter.stop(text)

    def end(self) -> None:
        """Tell each that no more steps follow."""
        for reporter in self._reporters:
            reporter.end()
