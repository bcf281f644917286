"""Printing: rich on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


INTERRUPTED = 130
"""The exit code of a command that was stopped, and of a run that has saved and stopped."""


def is_terminal() -> bool:
    """Whether somebody reads standard output on a terminal."""
    return sys.stdout.isatty()


def printable(text: str) -> str:
    """Return a text without control characters, which a package's metadata may hold to fool a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings: a rich table on a terminal, aligned columns in a pipe."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*headings)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    for row in [headings, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
