"""What a recipe's values come from: the files it extends, itself, the `[sample]` over them, and `--set` on top."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from itrans.errors import Problem, RecipeError, did_you_mean, quoted
from itrans.files import expanded
from itrans.recipe.document import (
    MOST_LEVELS,
    TOO_DEEP,
    Document,
    assigned_value,
    document_of,
    parse_key,
    plain,
    read_document,
    value_fault,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from itrans.recipe.document import KeyPath, Where

ALTERNATIVES = {"epochs": "steps", "steps": "epochs", "decay_epochs": "decay_steps", "decay_steps": "decay_epochs"}
"""Keys that stand for the same thing: a layer that sets one drops the other from the layers below."""

_MOST_FILES = 20
_MOST_NAMED = 10
_DIGITS = 9


def read_layers(recipe: str | os.PathLike[str] | Mapping[str, Any]) -> Layers:
    """Read a recipe, a file or the tables of one, and all that it extends.

    A recipe extends another by `extends = "base.toml"`, a path from its own folder; `without = ["discriminator"]`
    leaves tables of that out.

    Raises:
        RecipeError: a file cannot be read, or a recipe extends itself on a way around.
    """
    found = [document_of(recipe) if isinstance(recipe, Mapping) else read_document(recipe)]
    while "extends" in found[-1].data:
        found.append(_extended_document(found))
    if "without" in found[-1].data:
        message = 'This recipe extends no other whose tables could be left out: add extends = "base.toml".'
        raise RecipeError(Problem(found[-1].where(("without",)), "without", message))
    for document in found:
        document.data.pop("extends", None)
    return Layers(*reversed(found))


def _extended_document(chain: list[Document]) -> Document:
    """Return what the last of some recipes extends."""
    document, key = chain[-1], ("extends",)
    name, place = document.data["extends"], document.where(key)
    if len(chain) == _MOST_FILES:
        message = f"This is a chain of more than {_MOST_FILES} recipes that extend one another."
        raise RecipeError(Problem(place, "extends", message))
    if not isinstance(name, str) or not name:
        message = 'This should be the path of a recipe from this one\'s folder, such as "base.toml".'
        raise RecipeError(Problem(place, "extends", message))
    path = document.path.parent / expanded(name)
    try:
        extended = read_document(path)
    except RecipeError as error:
        found = [Problem(place, "extends", f"{problem.where}: {problem.message}") for problem in error.problems]
        raise RecipeError(found) from None
    files = [file.path for file in chain]
    if any(file.exists() and path.samefile(file) for file in files):
        message = f"These recipes extend one another in a circle: {' -> '.join(map(str, [*files, path]))}."
        raise RecipeError(Problem(place, "extends", message))
    return extended


class Layers:
    """A recipe's values, each of which knows the layer that it comes from.

    Attributes:
        data: the values of all layers laid so far.
        sample: the files' `[sample]` tables, laid over one another, or None.
    """

    def __init__(self, *documents: Document) -> None:
        """Lay files over one another, the recipe's own last."""
        self.data: dict[str, Any] = {}
        self.sample: dict[str, Any] | None = None
        self._numbers = itertools.count()
        self._origins: dict[KeyPath, tuple[int, Where]] = {}
        self._note([()], documents[-1].place)
        for document in documents:
            self._lay_document(document)

    def where(self, key: KeyPath) -> tuple[str, str]:
        """Return the place (`file:line` or `--set key=value`) that a value comes from, and its dotted key there.

        It is where the value itself, or a table around it, was set last.
        """
        noted = (self._origins.get(key[:length]) for length in range(len(key) + 1))
        return max(filter(None, noted), key=itemgetter(0))[1](key)

    def _note(self, keys: Iterable[KeyPath], where: Where) -> None:
        self._origins.update({key: (next(self._numbers), where) for key in keys})

    def lay_sample(self) -> None:
        """Lay the `[sample]` over the recipe, as a file over what it extends, but with a data set of its own.

        The recipe's own data set is not there, and its arguments would be of no use to another.
        """
        for name, value in (self.sample or {}).items():
            if name == "dataset" and isinstance(value, dict) and "name" in value:
                self.data.pop(name, None)
            self._note(_lay(self.data, name, value), lambda key: self.where(("sample", *key)))

    def _lay_document(self, document: Document) -> None:
        data = copy.deepcopy(document.data)
        for name in _tables_left_out(data.pop("without", []), self._tables(), document):
            self._drop(name, document.place)
        sample = data.pop("sample", None)
        if sample is not None and not isinstance(sample, dict):
            raise RecipeError(Problem(document.where(("sample",)), "sample", "This should be a table: [sample]."))
        for name, value in data.items():
            self._note(_lay(self.data, name, value), document.place)
        if sample is not None:
            self.sample = self.sample or {}
            for name, value in sample.items():
                self._note([("sample", *key) for key in _lay(self.sample, name, value)], document.place)

    def leave_out(self, names: Iterable[str]) -> None:
        """Leave tables out, of the recipe and of its `[sample]`.

        Raises:
            RecipeError: there is no such table.
        """
        for name in names:
            known, place = self._tables(), f"--without {name}"
            if name not in known:
                message = f"This recipe has no {quoted([name])[0]}.{did_you_mean(name, known)}"
                raise RecipeError(Problem(place, "", f"{message}\nIt has: {', '.join(known)}"))
            self._drop(name, _on_command_line(place))

    def _tables(self) -> list[str]:
        return [*self.data, *(["sample"] if self.sample is not None else [])]

    def _drop(self, name: str, where: Where) -> None:
        self.data.pop(name, None)
        if name == "sample":
            self.sample = None
        elif self.sample is not None:
            self.sample.pop(name, None)
        self._note([(name,)], where)

    def override(self, assignment: str) -> None:
        """Lay one `key=value` on top. The value is TOML, or else text; a list's items go by position or by name.

        Raises:
            RecipeError: it is no assignment, or there is nothing of that name to assign to.
        """
        place = f"--set {assignment}"
        name, equals, text = assignment.partition("=")
        parts = _parts_of(name)
        if not equals or not parts:
            raise RecipeError(Problem(place, "", "This should read key=value, for example train.epochs=2."))
        if len(parts) > MOST_LEVELS:
            raise RecipeError(Problem(place, "", TOO_DEEP))
        if not _is_text(assignment):
            raise RecipeError(Problem(place, "", "This has bytes that are not UTF-8, which a recipe cannot hold."))
        self._assign(parts, assigned_value(text, place), place)

    def assign(self, name: str, value: Any) -> None:
        """Lay a value on top, by its dotted key; raises what `override` raises."""
        place = f"set {name} = {value!r}"
        parts = _parts_of(name)
        if not 0 < len(parts) <= MOST_LEVELS:
            raise RecipeError(Problem(place, "", 'This should be a dotted key, for example "train.epochs".'))
        value = plain(value)
        if fault := value_fault(value):
            raise RecipeError(Problem(place, *fault))
        self._assign(parts, value, place)

    def _assign(self, parts: tuple[str, ...], value: Any, place: str) -> None:
        table: Any = self.data
        path: list[str | int] = []
        for part in parts[:-1]:
            table = self._enter(table, part, path, place)
        if not isinstance(table, dict):
            message = "This is a value, not a table with keys."
            if isinstance(table, list):
                message = f"This is a list. Say which entry: {_entries(table)}."
            raise RecipeError(Problem(place, ".".join(parts[:-1]), message))
        table[parts[-1]] = value
        table.pop(ALTERNATIVES.get(parts[-1], ""), None)
        self._note([(*path, parts[-1])], _on_command_line(place))

    def _enter(self, table: Any, part: str, path: list[str | int], place: str) -> Any:
        if isinstance(table, list):
            names = [str(item.get("name")) if isinstance(item, dict) else "" for item in table]
            if part.isdecimal() and len(part) < _DIGITS and int(part) < len(table):
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
            self._note([tuple(path)], _on_command_line(place))
        return table[part]


def _parts_of(name: str) -> tuple[str, ...]:
    """Return the parts of a dotted key; none if it is no key."""
    try:
        return parse_key(str(name).strip())
    except ValueError:
        return ()


def _on_command_line(place: str) -> Where:
    return lambda key: (place, ".".join(map(str, key)))


def _is_text(text: str) -> bool:
    """Whether a text of the command line is one, and has no bytes that the system could not decode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(table: list[Any]) -> str:
    """Return the positions and names of a list's entries."""
    names = [item.get("name") if isinstance(item, dict) else None for item in table]
    return ", ".join(f"{place} ({name})" if name else str(place) for place, name in enumerate(names)) or "none"


def _lay(tables: dict[str, Any], name: str, value: Any) -> list[KeyPath]:
    """Lay a value over tables, in place, and return the keys that are new or other ones now.

    Tables are merged, key by key; one that names another component, and anything else, replaces what is below. Of the
    tables within tables, those of components are merged likewise.
    """
    below = tables.get(name)
    if (
        not isinstance(value, dict)
        or not isinstance(below, dict)
        or value.get("name", below.get("name")) != below.get("name")
    ):
        tables[name] = copy.deepcopy(value)
        return [(name,)]
    changed: list[KeyPath] = []
    for key, inner in value.items():
        below.pop(ALTERNATIVES.get(key, ""), None)
        there = below.get(key)
        if isinstance(there, dict) and "name" in there:
            changed += [(name, *within) for within in _lay(below, key, inner)]
        else:
            below[key] = copy.deepcopy(inner)
            changed.append((name, key))
    return changed


def _tables_left_out(without: Any, below: list[str], document: Document) -> list[str]:
    """Return the tables that a file leaves out of what it extends.

    Raises:
        RecipeError: `without` is no list of tables that are there.
    """
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        message = 'This should be a list of tables of the recipe that is extended, such as ["discriminator"].'
        raise RecipeError(Problem(document.where(("without",)), "without", message))
    unknown = [name for name in without if name not in below]
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        listing = f"{', '.join(quoted(unknown[:_MOST_NAMED]))}{more}"
        message = f"What this recipe extends has no {listing}.{did_you_mean(unknown[0], below)}"
        raise RecipeError(Problem(document.where(("without",)), "without", f"{message}\nIt has: {', '.join(below)}"))
    return list(dict.fromkeys(without))
