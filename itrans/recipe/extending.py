"""A recipe and the recipes that it extends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from itrans.errors import Problem, RecipeError
from itrans.files import expanded
from itrans.recipe.document import Document, read_document

if TYPE_CHECKING:
    import os
    from pathlib import Path

_MOST_FILES = 20


def read_documents(path: str | os.PathLike[str]) -> list[Document]:
    """Read a recipe and all that it extends, the lowest first and the recipe itself last.

    A recipe extends another by `extends = "base.toml"`, a path from its own folder; `without = ["discriminator"]`
    leaves tables of that out.

    Raises:
        RecipeError: a file cannot be read, or a recipe extends itself on a way around.
    """
    document = read_document(path)
    found = [_without_extends(document)]
    while "extends" in document.data:
        if len(found) == _MOST_FILES:
            message = f"This is a chain of more than {_MOST_FILES} recipes that extend one another."
            raise RecipeError(Problem(document.where(("extends",)), "extends", message))
        document = _extended(document, [file.path for file in found])
        found.append(_without_extends(document))
    if "without" in found[-1].data:
        message = 'This recipe extends no other, of which tables could be left out: add extends = "base.toml".'
        raise RecipeError(Problem(found[-1].where(("without",)), "without", message))
    return found[::-1]


def _extended(document: Document, seen: list[Path]) -> Document:
    name, place = document.data["extends"], document.where(("extends",))
    if not isinstance(name, str) or not name:
        message = 'This should be the path of a recipe from this one\'s folder, such as "base.toml".'
        raise RecipeError(Problem(place, "extends", message))
    path = document.path.parent / expanded(name)
    try:
        extended = read_document(path)
    except RecipeError as error:
        found = [Problem(place, "extends", f"{problem.where}: {problem.message}") for problem in error.problems]
        raise RecipeError(found) from None
    if any(path.samefile(file) for file in seen):
        message = f"These recipes extend one another in a circle: {' -> '.join(map(str, [*seen, path]))}."
        raise RecipeError(Problem(place, "extends", message))
    return extended


def _without_extends(document: Document) -> Document:
    return replace(document, data={key: value for key, value in document.data.items() if key != "extends"})
