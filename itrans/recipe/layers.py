"""What a recipe's values come from: its file, the `[sample]` laid over it, and `--set` on top."""

from __future__ import annotations

import copy
import tomllib
from typing import TYPE_CHECKING, Any

from itrans.errors import Problem, RecipeError, did_you_mean, quoted
from itrans.recipe.document import parse_key

if TYPE_CHECKING:
    from itrans.recipe.document import Document, KeyPath

ALTERNATIVES = {"epochs": "steps", "steps": "epochs", "decay_epochs": "decay_steps", "decay_steps": "decay_epochs"}
"""Keys that stand for the same thing: a layer that sets one drops the other from the layers below."""


class Layers:
    """A recipe's values, each of which knows the layer that it comes from.

    Args:
        documents: the recipe's files: what it extends first, itself last; see `itrans.recipe.extending`.

    Attributes:
        data: the values of all layers laid so far.
        sample: the files' `[sample]` tables, laid over one another, or None.
    """

    def __init__(self, *documents: Document) -> None:
        self._document = documents[-1]
        self.data: dict[str, Any] = {}
        self.sample: dict[str, Any] | None = None
        self._files: dict[KeyPath, Document] = {}
        self._sampled: set[KeyPath] = set()
        self._assigned: dict[KeyPath, str] = {}
        for document in documents:
            self._lay_document(document)

    def where(self, key: KeyPath) -> tuple[str, str]:
        """Return the place (`file:line` or `--set key=value`) that a value comes from, and its dotted key there."""
        dotted = ".".join(str(part) for part in key)
        for length in range(len(key), 0, -1):
            if assignment := self._assigned.get(key[:length]):
                return assignment, dotted
        for length in range(len(key), 0, -1):
            if key[:length] in self._sampled:
                return self._file(("sample", *key)).where(("sample", *key)), f"sample.{dotted}"
        return self._file(key).where(key), dotted

    def lay_sample(self) -> None:
        """Lay the `[sample]` over the recipe, as a file over what it extends, but with a data set of its own.

        The recipe's data set is not there, so that nothing of it would be of use to another.
        """
        for name, value in (self.sample or {}).items():
            if name == "dataset" and isinstance(value, dict) and "name" in value:
                self.data.pop(name, None)
            self._sampled.update(_laid(self.data, name, value))

    def _lay_document(self, document: Document) -> None:
        data = copy.deepcopy(document.data)
        below = [*self.data, *(["sample"] if self.sample is not None else [])]
        for name in _left_out(data.pop("without", []), below, document):
            self.data.pop(name, None)
            if name == "sample":
                self.sample = None
            elif self.sample is not None:
                self.sample.pop(name, None)
            self._forget((name,))
        sample = data.pop("sample", None)
        if sample is not None and not isinstance(sample, dict):
            raise RecipeError(Problem(document.where(("sample",)), "sample", "This should be a table: [sample]."))
        for name, value in data.items():
            self._note(_laid(self.data, name, value), document)
        if sample is not None:
            self.sample = self.sample or {}
            for name, value in sample.items():
                self._note([("sample", *key) for key in _laid(self.sample, name, value)], document)

    def _note(self, keys: list[KeyPath], document: Document) -> None:
        """Remember the file that values stand in."""
        for key in keys:
            self._forget(key)
            self._files[key] = document

    def _forget(self, key: KeyPath) -> None:
        """Forget the files of a value and of all in it, which is there no longer."""
        self._files = {other: file for other, file in self._files.items() if other[: len(key)] != key}

    def _file(self, key: KeyPath) -> Document:
        """Return the file that a value stands in."""
        for length in range(len(key), 0, -1):
            if document := self._files.get(key[:length]):
                return document
        return self._document

    def override(self, assignment: str) -> None:
        """Lay one `key=value` on top. The value is TOML, or else text; a list's items go by position or by name.

        Raises:
            RecipeError: it is no assignment, or there is nothing of that name to assign to.
        """
        place = f"--set {assignment}"
        name, equals, text = assignment.partition("=")
        try:
            parts = parse_key(name.strip())
        except ValueError:
            parts = ()
        if not equals or not parts:
            raise RecipeError(Problem(place, "", "This should read key=value, for example train.epochs=2."))
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            value = text
        table: Any = self.data
        path: list[str | int] = []
        for part in parts[:-1]:
            table = self._entered(table, part, path, place)
        if isinstance(table, list):
            raise RecipeError(
                Problem(place, ".".join(parts[:-1]), f"This is a list. Say which entry: {_entries(table)}.")
            )
        if not isinstance(table, dict):
            raise RecipeError(Problem(place, ".".join(parts[:-1]), "This is a value, not a table with keys."))
        table[parts[-1]] = value
        table.pop(ALTERNATIVES.get(parts[-1], ""), None)
        self._assigned[(*path, parts[-1])] = place

    def _entered(self, table: Any, part: str, path: list[str | int], place: str) -> Any:
        if isinstance(table, list):
            names = [str(item.get("name")) if isinstance(item, dict) else "" for item in table]
            if part.isdecimal() and int(part) < len(table):
                position = int(part)
            elif names.count(part) == 1:
                position = names.index(part)
            else:
                message = f'No entry is called "{part}".{did_you_mean(part, names)} There are: {_entries(table)}.'
                raise RecipeError(Problem(place, ".".join(map(str, path)), message))
            path.append(position)
            return table[position]
        if not isinstance(table, dict):
            raise RecipeError(Problem(place, ".".join(map(str, path)), "This is a value, not a table with keys."))
        path.append(part)
        if part not in table:
            table[part] = {}
            self._assigned[tuple(path)] = place
        return table[part]


def _entries(table: list[Any]) -> str:
    """Return the positions and names of a list's entries."""
    names = [item.get("name") if isinstance(item, dict) else None for item in table]
    return ", ".join(f"{place} ({name})" if name else str(place) for place, name in enumerate(names)) or "none"


def _laid(tables: dict[str, Any], name: str, value: Any) -> list[KeyPath]:
    """Lay a value over tables, in place, and return the keys that are new or other ones now.

    Tables are merged, key by key; one that names another component, and anything else, replaces what is below.
    """
    below = tables.get(name)
    if (
        not isinstance(value, dict)
        or not isinstance(below, dict)
        or value.get("name", below.get("name")) != below.get("name")
    ):
        tables[name] = copy.deepcopy(value)
        return [(name,)]
    for key, inner in value.items():
        below.pop(ALTERNATIVES.get(key, ""), None)
        below[key] = copy.deepcopy(inner)
    return [(name, key) for key in value]


def _left_out(without: Any, below: list[str], document: Document) -> list[str]:
    """Return the tables that a file leaves out of what it extends.

    Raises:
        RecipeError: `without` is no list of tables that are there.
    """
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        message = 'This should be a list of tables of the recipe that is extended, such as ["discriminator"].'
        raise RecipeError(Problem(document.where(("without",)), "without", message))
    unknown = [name for name in without if name not in below]
    if unknown:
        message = (
            f"What this recipe extends has no {', '.join(quoted(unknown))}.{did_you_mean(unknown[0], below)}\n"
            f"It has: {', '.join(below)}"
        )
        raise RecipeError(Problem(document.where(("without",)), "without", message))
    return list(dict.fromkeys(without))
