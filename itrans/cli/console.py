"""Printing: rich on a terminal, plain lines in a pipe."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self, TextIO

    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.progress import Progress


INTERRUPTED = 130
"""The exit code of a command that was stopped, and of a run that has saved and stopped."""


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether a stream, by default standard output, is a terminal that can move its cursor."""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}


def is_notebook() -> bool:
    """Whether this is a notebook, which shows pictures and widgets where a terminal moves its cursor."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def has_widgets() -> bool:
    """Whether this is a notebook that can move a bar."""
    return is_notebook() and importlib.util.find_spec("ipywidgets") is not None


class Bar:
    """A progress bar: how much is done, how fast, and how long the rest will take. In a pipe there is none.

    ```python
    with console.Bar("val", len(pairs)) as bar:
        for pair in pairs:
            ...
            bar.advance()
    ```

    Args:
        label: what is at work, in front of the bar.
        total: how much there is to do; None until somebody knows.
        unit: what is counted; the rate is "12.3 pictures/s". Of "bytes" it is "1.2 MB/s".
        err: draw on standard error, and wipe the bar away at the end; else on standard output, where it stays.
        is_shown: whether to draw it at all: of several processes, one does.

    Attributes:
        below: lines under the bar, each with its style.
    """

    def __init__(
        self,
        label: str = "",
        total: int | None = None,
        *,
        unit: str = "pictures",
        err: bool = True,
        is_shown: bool = True,
    ) -> None:
        self.below: list[tuple[str, str]] = []
        self._has_part = False
        self._label, self._total, self._unit, self._err = label, total, unit, err
        self._console: Console | None = None
        self._live: Live | None = None
        if is_shown and (is_terminal(sys.stderr if err else sys.stdout) or has_widgets()):
            from rich.console import Console

            self._console = Console(stderr=err)

    def __enter__(self) -> Self:
        self.begin(self._label, self._total)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, label: str, total: int | None, done: int = 0) -> None:
        """Add a row, which is the one that moves from now on; what is done already does not count for its rate."""
        if self._console is None:
            return
        if self._live is None:
            from rich.live import Live

            self._progress = self._rows()
            self._live = Live(
                get_renderable=self._drawing, console=self._console, refresh_per_second=4, transient=self._err
            )
            self._live.start()
        self._progress.add_task(label, total=total, completed=done, rate="")

    def end(self) -> None:
        """Leave the bar as it stands, or wipe it away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def drop(self) -> None:
        """Remove the last row; the one before it moves again."""
        if self._live is not None:
            self._progress.remove_task(self._progress.task_ids[-1])

    def part(self, label: str, done: int, total: int) -> None:
        """Move a row below, which is there for as long as a part of the work takes: until all of it is done."""
        if self._live is None:
            return
        if not self._has_part and done < total:
            self.begin(label, total)
            self._has_part = True
        if self._has_part:
            self.update(done)
        if self._has_part and done == total:
            self.drop()
            self._has_part = False

    def advance(self, count: int = 1) -> None:
        """Move the bar by a count."""
        if self._live is not None:
            self.update(int(self._progress.tasks[-1].completed) + count)

    def update(self, done: int, total: int | None = None, *, label: str | None = None, rate: str | None = None) -> None:
        """Move the bar to what is done; a total and a label that are not given stay, and a rate is measured."""
        if self._live is None:
            return
        task = self._progress.tasks[-1]
        if rate is None:
            rate = f"{task.speed:.1f} {self._unit}/s" if task.speed else ""
        self._progress.update(task.id, completed=done, total=total, description=label, rate=rate)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        if self._console is None:
            click.echo(text, err=self._err)
        else:
            self._console.print(text, markup=False, highlight=False)

    def _rows(self) -> Progress:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        how_far = (
            (DownloadColumn(), TransferSpeedColumn())
            if self._unit == "bytes"
            else (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
        )
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            *how_far,
            TimeRemainingColumn(elapsed_when_finished=True),
            expand=True,
        )

    def _drawing(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        return Group(self._progress, *(Text(text, style=style) for text, style in self.below))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings: a rich table on a terminal, aligned columns in a pipe.

    Columns in a pipe have two spaces or more between them; an empty cell is a dash.
    """
    from itrans.errors import printable

    rows = [[_encodable(printable(cell)) for cell in row] for row in rows]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console()
        if stacked := _stack(headings, rows, console.width):
            for line in stacked:
                click.echo(line)
            return
        table = Table()
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        return
    for line in _columns(headings, rows):
        click.echo(line)


def _columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns, with two spaces or more between them; an empty cell is a dash."""
    cells = [headings, *([" ".join(cell.split()) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _stack(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return lines in which the first cell of each row stands above the others, if only that fits into a width.

    Folding would break names and numbers into pieces of a few letters. There are no lines if a table would fit, or if
    this would not fit either.
    """
    longest = [
        max(len(line) for cell in column for line in cell.split("\n")) for column in zip(headings, *rows, strict=True)
    ]
    if sum(longest) + 3 * len(longest) + 1 <= width:
        return []
    heads, *others = (f"  {line}" for line in _columns(headings[1:], [row[1:] for row in rows]))
    if max(map(len, (heads, *others))) > width:
        return []
    lines = [headings[0], heads]
    for number, (row, other) in enumerate(zip(rows, others, strict=True)):
        lines += [row[0], other] if not number or row[0] != rows[number - 1][0] else [other]
    return lines


def _encodable(text: str) -> str:
    """Return a text with a question mark for each character that standard output has no code for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
