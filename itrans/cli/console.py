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
    from itrans.plugins import printable

    rows = [[_encodable(printable(cell)) for cell in row] for row in rows]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table()
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    cells = [headings, *([" ".join(cell.split()) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _encodable(text: str) -> str:
    """Return a text with a question mark for each character that standard output has no code for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
