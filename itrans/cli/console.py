"""Printing: rich on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


INTERRUPTED = 130
"""The exit code of a command that was stopped, and of a run that has saved and stopped."""


def is_terminal() -> bool:
    """Whether somebody reads standard output on a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}


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
        if stacked := _stacked(headings, rows, console.width):
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
    for line in _aligned(headings, rows):
        click.echo(line)


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns, with two spaces or more between them; an empty cell is a dash."""
    cells = [headings, *([" ".join(cell.split()) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _stacked(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return lines in which the first cell of each row stands above the others, where only that fits into a width.

    Folding would break names and numbers into pieces of a few letters. None are returned where a table would fit, and
    where this would not either.
    """
    longest = [
        max(len(line) for cell in column for line in cell.split("\n")) for column in zip(headings, *rows, strict=True)
    ]
    if sum(longest) + 3 * len(longest) + 1 <= width:
        return []
    heads, *others = (f"  {line}" for line in _aligned(headings[1:], [row[1:] for row in rows]))
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
