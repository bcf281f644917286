"""What a recipe's values come from: its file, the `[sample]` laid over it, and `--set` on top."""

from __future__ import annotations

import copy
import tomllib
from typing import TYPE_CHECKING, Any

from itrans.errors import Problem, RecipeError, did_you_mean
from itrans.recipe.document import parse_key

if TYPE_CHECKING:
    from itrans.recipe.document import Document, KeyPath

ALTERNATIVES = {"epochs": "steps", "steps": "epochs", "decay_epochs": "decay_steps", "decay_steps": "decay_epochs"}
"""Keys that stand for the same thing: a layer that sets one drops the other from the layers below."""


class Layers:
    """A recipe's values, each of which knows the layer that it comes from.

    Args:
        document: the recipe's file.

    Attributes:
        data: the values of all layers laid so far.
        sample: the file's `[sample]` table, or None.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.data: dict[str, Any] = copy.deepcopy(document.data)
        self.sample: dict[str, Any] | None = self.data.pop("sample", None)
        if self.sample is not None and not isinstance(self.sample, dict):
            raise RecipeError(Problem(document.where(("sample",)), "sample", "This should be a table: [sample]."))
        self._sampled: set[KeyPath] = set()
        self._assigned: dict[KeyPath, str] = {}

    def where(self, key: KeyPath) -> tuple[str, str]:
        """Return the place (`file:line` or `--set key=value`) that a value comes from, and its dotted key there."""
        dotted = ".".join(str(part) for part in key)
        for length in range(len(key), 0, -1):
            if assignment := self._assigned.get(key[:length]):
                return assignment, dotted
        for length in range(len(key), 0, -1):
            if key[:length] in self._sampled:
                return self._document.where(("sample", *key)), f"sample.{dotted}"
        return self._document.where(key), dotted

    def lay_sample(self) -> None:
        """Lay the file's `[sample]` over it: tables are merged, but one that names another component replaces all."""
        for name, value in (self.sample or {}).items():
            below = self.data.get(name)
            renamed = (
                isinstance(value, dict)
                and "name" in value
                and isinstance(below, dict)
                and (below.get("name") != value["name"])
            )
            if isinstance(value, dict) and isinstance(below, dict) and not renamed:
                for key, inner in value.items():
                    below[key] = copy.deepcopy(inner)
                    below.pop(ALTERNATIVES.get(key, ""), None)
                    self._sampled.add((name, key))
            else:
                self.data[name] = copy.deepcopy(value)
                self._sampled.add((name,))

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
