"""What is wrong with the keys that the core knows: pydantic's errors as sentences, each with its place."""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from itrans.errors import Problem, did_you_mean, quoted, shortened
from itrans.recipe.schema import Component, LossComponent, Tables, Transform
from itrans.recipe.signature import type_text, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pydantic_core import ErrorDetails

    from itrans.recipe.document import KeyPath, Where

_MOST_HINTS = 3
_MOST_SHOWN = 100
_OVERRIDE = "--set "
_IN_SAMPLE = " [sample]"

OF_FILES = ("extends", "without", "sample")
"""What stands at the top of a recipe's file besides `Tables`; it is gone once the file's layers are laid."""

_TOP = (*Tables.model_fields, *OF_FILES)
"""All that can stand at the top of a recipe's file."""

_SUBTABLES: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Tables.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


def core_keys() -> Iterator[str]:
    """Yield the dotted keys of the tables with fixed keys."""
    for table, model in _SUBTABLES.items():
        if not issubclass(model, Component):
            yield from (f"{table}.{name}" for name in model.model_fields)


class Hints:
    """What to suggest for a name that a table does not take: one that it does, or the same name in another table."""

    def __init__(self, keys: Callable[[], Iterable[str]]) -> None:
        """Take what returns the dotted keys that all tables of the recipe take; it is called if need be."""
        self._keys = functools.cache(lambda: list(keys()))

    def __call__(self, name: str, known: Iterable[str]) -> str:
        """Return ` Did you mean "..."?`, or an empty string where no name is near."""
        if elsewhere := [key for key in self._keys() if key.rpartition(".")[2] == name][:_MOST_HINTS]:
            return f" Did you mean {' or '.join(quoted(elsewhere))}?"
        return did_you_mean(name, known)


def schema_problems(
    errors: Sequence[ErrorDetails],
    data: dict[str, Any],
    where: Where,
    hints: Hints,
) -> list[Problem]:
    """Return what is wrong, of errors that pydantic has found in a recipe's values."""
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    strangers = [details["loc"] for details in errors if details["type"] == "extra_forbidden"]
    if extends := [key for key in strangers if len(key) == 1 and _nearest(str(key[0]), _TOP) == ["extends"]]:
        errors = [details for details in errors if details["loc"] in extends]  # all that is missing is in that file
    for details in errors:
        key = _present(details["loc"], data)
        if details["type"] == "missing":
            key = (*key, details["loc"][-1])
        grouped.setdefault(key, []).append(details)
    found = []
    for key, group in grouped.items():
        if any(other != key and other[: len(key)] == key for other in grouped):
            continue  # said where it is, once
        place, dotted = where(key)
        is_top = (dotted,) == key and not place.startswith(_OVERRIDE)
        message = _schema_message(key, group, hints, is_top=is_top)
        if group[0]["type"] == "value_error" and isinstance(group[0]["input"], dict):
            place, dotted, more = _of_several(key, group[0]["input"], message, where)
            message += more
        found.append(Problem(place, dotted, message))
    return found


def _of_several(key: KeyPath, table: dict[str, Any], message: str, where: Where) -> tuple[str, str, str]:
    """Return place and dotted key of values that do not go together, and more to say if they stand in several layers.

    The key is that of their table; it is empty for values of several tables, whose names the message quotes.
    """
    if key:
        keys: list[KeyPath] = [(*key, name) for name in table]
    else:
        named = [tuple(name.split(".")) for name in re.findall(r'"([\w.]+)"', message)]
        keys = [name for name in named if _present(name, table) == name]
    places = {other: where(other) for other in keys}
    layers = {other: _layer(*place) for other, place in places.items()}
    own = where(key) if key or not keys else places[keys[0]]
    if len(set(layers.values())) < 2:
        return *own, ""
    # The topmost layer is where a person would look for what has gone wrong.
    top = where(())[0]
    order = [_OVERRIDE, top + _IN_SAMPLE, top]
    chosen = next((other for layer in order for other in keys if layers[other] == layer), None)
    chosen = chosen or next(other for other in keys if layers[other] != layers[keys[0]])
    listing = ", ".join(f"{'.'.join(map(str, other[len(key) :]))} ({place})" for other, (place, _) in places.items())
    more = f"\nWhere they stand: {listing}."
    if key and len(set(layers.values()) - {_OVERRIDE}) > 1 and not any(_IN_SAMPLE in name for name in layers.values()):
        more += f' Leave out those of below: without = ["{key[0]}"].'
    return places[chosen][0], own[1] if key else places[chosen][1], more


def _layer(place: str, dotted: str) -> str:
    """Return what a value's place belongs to: `--set`, or a file, or that file's `[sample]`."""
    if place.startswith(_OVERRIDE):
        return _OVERRIDE
    file, _, line = place.rpartition(":")
    return (file if line.isdecimal() else place) + (_IN_SAMPLE if dotted.startswith("sample.") else "")


def _schema_message(key: KeyPath, errors: list[ErrorDetails], hints: Hints, *, is_top: bool) -> str:
    """Say what is wrong with one key; a key that may be of several types has an error for each of them.

    `is_top` says whether it stands at the top of a file, not in its `[sample]` and not in a `--set`.
    """
    model, name = _model_at(key[:-1]), str(key[-1]) if key else ""
    kind, value = errors[0]["type"], errors[0]["input"]
    if kind == "extra_forbidden":
        if len(key) == 1 and name in OF_FILES:
            return f'"{name}" has its place at the top of a recipe\'s file, and nowhere else.'
        known = [*model.model_fields, *(OF_FILES if is_top else ())]
        owner = f"[{'.'.join(str(part) for part in key[:-1])}]" if len(key) > 1 else "A recipe"
        first = value[0] if isinstance(value, list) and value else value
        what = "table" if isinstance(first, dict) else "key"
        hint = hints(name, _nearest(name, known))
        return f'{owner} has no {what} "{shortened(name, _MOST_SHOWN)}".{hint}\nIt takes: {", ".join(known)}'
    if kind == "missing":
        what = f'key "{name}"' if len(key) > 1 else "list [[loss]]" if name == "loss" else f"table [{name}]"
        return f"The {what} is missing."
    if key == ("loss",) and isinstance(value, dict):
        return "Losses are a list: write [[loss]], with two brackets, above each of them."
    reasons = dict.fromkeys(error["msg"].removeprefix("Value error, ") for error in errors)
    reason = "; ".join(text[0].lower() + text[1:] for text in reasons)
    if kind == "value_error" or name not in model.model_fields:
        return f"{reason[0].upper()}{reason[1:]}."
    should = type_text(model.model_fields[name].annotation)
    return f'"{name}" is {shortened(value_text(value), _MOST_SHOWN)}, and should be {should} ({reason}).'


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the nearest name, if one is near: where all others are listed as well, more would be too many."""
    return difflib.get_close_matches(name, list(known), n=1)


def _present(key: KeyPath, data: Any) -> KeyPath:
    """Return as much of a key as stands in the recipe; pydantic appends the branch of a union that it tried."""
    for length, part in enumerate(key):
        items = data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list) else {}
        if part not in items:
            return key[:length]
        data = items[part]
    return key


def _model_at(key: KeyPath) -> type[BaseModel]:
    if not key:
        return Tables
    if key[0] == "loss":
        return LossComponent
    if key[:2] == ("augment", "transform"):
        return Transform
    return _SUBTABLES.get(str(key[0]), Component)
