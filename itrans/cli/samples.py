"""Sample data in place of a recipe's own: the option that chooses, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from itrans.errors import Problem, RecipeError
from itrans.files import expanded, is_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.recipe.load import Recipe

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def sample_option(command: _Command) -> _Command:
    """Add the option `--sample / --no-sample`, whose value is True, False or None, to a command."""
    return click.option(
        "--sample/--no-sample",
        default=None,
        help="Use the recipe's [sample] / never use it.  [default: where the recipe's data are not there]",
    )(command)


def sample_note(recipe: Recipe) -> str | None:
    """Return the sentence that goes wherever a sample run's results are shown; None if the data are the recipe's."""
    if not recipe.is_sample:
        return None
    from itrans.registry import DATASETS

    name, root = recipe.tables.dataset.name, recipe.missing_root
    reason = "as --sample asks," if root is None else f"{root} is not there, so"
    attribution = getattr(DATASETS.get(name), "attribution", "")
    remedy = "" if root is None else _how_to_get(root, "To train on the recipe's own data:")
    note = f'SAMPLE DATA: {reason} this run uses the recipe\'s [sample], the data set "{name}".{remedy}'
    return f"{note} {attribution}".strip()


def missing_root(recipe: Recipe) -> Problem | None:
    """Return what there is to say if the data set's folder is not there: also how to get it, if there is a way."""
    root = recipe.tables.dataset.arguments.get("root")
    if not isinstance(root, str) or (root and is_there(expanded(root))):
        return None
    if not root:
        message = 'The data set\'s folder is an empty text. For the current folder, write "."'
        return Problem(*recipe.where(("dataset", "root")), message)
    return Problem(
        *recipe.where(("dataset", "root")),
        f"The data set's folder {root} is not there.{_how_to_get(root, 'Fetch it:')}",
    )


def refuse_missing_root(recipe: Recipe) -> None:
    """Raise `RecipeError` if the data set's folder is not there."""
    if problem := missing_root(recipe):
        raise RecipeError(problem)


def _how_to_get(root: str, purpose: str) -> str:
    """Return the command that fetches a data set's folder, if there is one, after what it is for."""
    from itrans_data.archives import ARCHIVES

    folder = Path(root)
    if folder.name not in ARCHIVES:
        return ""
    where = "" if folder.parent == Path("datasets") else f" -o {folder.parent}"
    return f" {purpose} itrans data fetch {folder.name}{where}."
