"""Showing a run as it goes: a progress bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from itrans.cli.console import is_terminal
from itrans.engine.metrics import SOURCE_L1
from itrans.engine.reporter import Silent as Quiet
from itrans.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.progress import Progress

    from itrans.engine.reporter import Reporter

__all__ = ["Lines", "Quiet", "TerminalBar", "reporter_here", "validation_line"]


def reporter_here(every: int) -> Reporter:
    """Return what suits standard output.

    Args:
        every: in a pipe, a line every so many steps.
    """
    return TerminalBar() if is_terminal() else Lines(every)


def validation_line(epoch: int, metrics: Mapping[str, float], better: bool) -> str:
    """Return a sentence about a validation."""
    parts = [f"{name} {value:.4f}" for name, value in metrics.items() if name != SOURCE_L1]
    if "l1" in metrics and metrics.get(SOURCE_L1):
        below = 1 - metrics["l1"] / metrics[SOURCE_L1]
        side = "below" if below >= 0 else "above"
        parts.insert(1, f"({abs(below):.1%} {side} the source itself, {metrics[SOURCE_L1]:.4f})")
    return f"epoch {epoch}, held-out pairs: {' '.join(parts)}{', the best so far' if better else ''}"


class Lines:
    """A line every so many steps.

    Args:
        every: how many.
    """

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
            f"{images_per_second:.1f} images/s  {minutes}:{seconds:02d} left"
        )

    def validated(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Print what was measured."""
        click.echo(validation_line(epoch, metrics, better))

    def end(self) -> None:
        """Do nothing."""


class TerminalBar:
    """A progress bar with losses, rate and time left."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def note(self, text: str) -> None:
        """Print a sentence above the bar."""
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text)

    def begin(self, done: int, total: int) -> None:
        """Draw the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f} images/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            expand=True,
        )
        self._task = self._progress.add_task("", total=total, completed=done, epoch="-", rate=0.0, losses="")
        self._progress.start()

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Move the bar."""
        if self._progress is not None:
            shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            self._progress.update(self._task, completed=step, epoch=str(epoch), rate=images_per_second, losses=shown)

    def validated(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Print what was measured above the bar."""
        self.note(validation_line(epoch, metrics, better))

    def end(self) -> None:
        """Leave the bar as it stands."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
