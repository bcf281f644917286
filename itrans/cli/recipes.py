"""Recipes on the command line: which there are, and what is laid over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_MOST_NAMED = 20


def recipe_given(context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """Return a command's recipe; where none is given, say which there are here."""
    if value is not None:
        return value
    here = [path.as_posix() for folder in (Path("recipes"), Path()) for path in sorted(folder.glob("*.toml"))]
    found = [path for path in here if path != "pyproject.toml"]
    more = ["  ..."] if len(found) > _MOST_NAMED else []
    listing = "\n".join([*(f"  {path}" for path in found[:_MOST_NAMED]), *more])
    there = f"Those here:\n{listing}" if found else "There is none in this folder or in its recipes/."
    raise click.UsageError(f"Say which recipe: `{context.command_path} RECIPE`. {there}", context)


def without_option(command: _Command) -> _Command:
    """Add the option `--without`, whose value is a tuple of names, to a command."""
    return click.option(
        "--without",
        multiple=True,
        metavar="TABLE",
        callback=lambda _context, _parameter, values: tuple(name for value in values for name in _names(value)),
        help="Leave a table out, or several with commas: --without discriminator",
    )(command)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
