"""Every fault of a recipe at once: the core's keys, then each component's table against its signature.

What pydantic says of the core's keys is said here in sentences, each with its place.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from itrans.errors import PluginError, Problem, RecipeError, counted, did_you_mean, quoted, shortened
from itrans.recipe.agreement import NO_LOSSES, lacks_losses, method_problems
from itrans.recipe.arguments import all_parts
from itrans.recipe.document import value_fault
from itrans.recipe.optimizers import optimizer_faults
from itrans.recipe.parts import OFFERED, metric_parts, parts_of, readable_parts, with_defaults
from itrans.recipe.schema import Augment, Component, LossComponent, Optimizer, Tables, Transform
from itrans.recipe.signature import type_text, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from itrans.recipe.document import KeyPath, Where
    from itrans.recipe.parts import Part

_MOST_FAULTS = 100
_DIGITS = 9
"""Of a line's number; a `--set` may end in a number of thousands of digits."""
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


def check(
    data: dict[str, Any],
    where: Where,
    *,
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] = tuple(OFFERED),
) -> tuple[Tables, tuple[Part, ...]]:
    """Return a recipe's tables, with the components' defaults filled in, and its parts.

    Components of other `kinds` are not needed: only their names are looked at, and they may be missing. If data sets
    are not needed, transforms are not looked at either.

    Raises:
        RecipeError: something is wrong; everything that is, is in it.
    """
    if fault := value_fault(data):
        raise RecipeError(Problem(where(())[0], *fault))
    try:
        tables = Tables.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        readable = [part for part in readable_parts(data) if part.kind in kinds]
        hints = _Hints(functools.partial(_keys, readable))
        errors = error.errors()[:_MOST_FAULTS]
        if "loss" in kinds and lacks_losses(data.get("loss"), readable):
            how = "value_error" if "loss" in data else "missing"
            errors.append({"type": how, "loc": ("loss",), "msg": NO_LOSSES, "input": data.get("loss")})
        problems = _schema_problems(errors, data, where, hints)
        problems.extend(_part_problems(readable, where, hints))
        problems = _in_file_order(problems)
        if (more := error.error_count() - _MOST_FAULTS) > 0:
            problems.append(Problem(where(())[0], "", f"And {counted(more, 'more fault')}."))
        raise RecipeError(problems) from None
    parts = parts_of(tables, recorded)
    needed = [part for part in parts if ("dataset" if part.kind == "transform" else part.kind) in kinds]
    hints = _Hints(functools.partial(_keys, needed))
    measuring = metric_parts(tables.validation) if "metric" in kinds else ()
    problems = _part_problems([*needed, *measuring], where, hints)
    if "dataset" in kinds:
        problems += _transform_problems(tables.augment, where, hints)
    problems += _optimizer_problems(tables.optimizer, where)
    if "loss" in kinds and lacks_losses(tables.loss, needed):
        problems.append(Problem(*where(("loss",)), NO_LOSSES))
    if not problems and "loss" in kinds:
        problems = method_problems(needed, where)
    if problems:
        raise RecipeError(_in_file_order(problems))
    return with_defaults(tables, needed), parts


def _part_problems(parts: Iterable[Part], where: Where, hints: _Hints) -> list[Problem]:
    return [Problem(*where(key), message) for part in parts for key, message in part.faults(hints)]


def _keys(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the dotted keys that a recipe's tables take: the core's, and the arguments of its components."""
    for table, model in _SUBTABLES.items():
        if not issubclass(model, Component):
            yield from (f"{table}.{name}" for name in model.model_fields)
    for part in parts:
        owner = f"loss.{part.name}" if part.kind == "loss" else part.kind
        if part.kind == "loss":
            yield f"{owner}.weight"
        with contextlib.suppress(PluginError):
            yield from (f"{owner}.{name}" for name in part.signature.parameters)
            for inner in list(all_parts([part]))[1:]:
                dotted = ".".join(map(str, inner.key))
                yield from (f"{dotted}.{name}" for name in inner.signature.parameters)


def _optimizer_problems(optimizer: Optimizer, where: Where) -> list[Problem]:
    return [Problem(*where(key), message) for key, message in optimizer_faults(optimizer)]


def _transform_problems(augment: Augment, where: Where, hints: _Hints) -> list[Problem]:
    if not augment.transform:
        return []
    from itrans.recipe.transforms import is_registered, transform_faults

    return [
        Problem(*where(("augment", "transform", place, *([argument] if argument else []))), message)
        for place, table in enumerate(augment.transform)
        if not is_registered(table.name)
        for argument, message in transform_faults(table.name, table.arguments, hints)
    ]


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    def order(problem: Problem) -> tuple[str, int]:
        file, _, line = problem.where.rpartition(":")
        return (file, int(line)) if line.isdecimal() and len(line) < _DIGITS else (problem.where, 0)

    return sorted(dict.fromkeys(problems), key=order)


class _Hints:
    """What to suggest for a name that a table does not take: one that it does, or the same name in another table."""

    def __init__(self, keys: Callable[[], Iterable[str]]) -> None:
        """Take what returns the dotted keys that all tables of the recipe take; it is called if need be."""
        self._keys = functools.cache(lambda: list(keys()))

    def __call__(self, name: str, known: Iterable[str]) -> str:
        """Return ` Did you mean "..."?`, or an empty string where no name is near."""
        if elsewhere := [key for key in self._keys() if key.rpartition(".")[2] == name][:_MOST_HINTS]:
            return f" Did you mean {' or '.join(quoted(elsewhere))}?"
        return did_you_mean(name, known)


def _schema_problems(
    errors: Sequence[ErrorDetails],
    data: dict[str, Any],
    where: Where,
    hints: _Hints,
) -> list[Problem]:
    """Return what is wrong, of errors that pydantic has found in a recipe's values."""
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    strangers = [details["loc"] for details in errors if details["type"] == "extra_forbidden"]
    if extends := [key for key in strangers if len(key) == 1 and _nearest(str(key[0]), _TOP) == ["extends"]]:
        errors = [details for details in errors if details["loc"] in extends]  # all that is missing is in that file
    for details in errors:
        key = _present_key(details["loc"], data)
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
            place, dotted, more = _place_of_several(key, group[0]["input"], message, where)
            message += more
        found.append(Problem(place, dotted, message))
    return found


def _place_of_several(key: KeyPath, table: dict[str, Any], message: str, where: Where) -> tuple[str, str, str]:
    """Return place and dotted key of values that do not go together, and more to say if they stand in several layers.

    The key is that of their table; it is empty for values of several tables, whose names the message quotes.
    """
    if key:
        keys: list[KeyPath] = [(*key, name) for name in table]
    else:
        named = [tuple(name.split(".")) for name in re.findall(r'"([\w.]+)"', message)]
        keys = [name for name in named if _present_key(name, table) == name]
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
    more = f"\nWhere they are: {listing}."
    if key and len(set(layers.values()) - {_OVERRIDE}) > 1 and not any(_IN_SAMPLE in name for name in layers.values()):
        more += f' To leave out those of the recipe that is extended: without = ["{key[0]}"].'
    return places[chosen][0], own[1] if key else places[chosen][1], more


def _layer(place: str, dotted: str) -> str:
    """Return what a value's place belongs to: `--set`, or a file, or that file's `[sample]`."""
    if place.startswith(_OVERRIDE):
        return _OVERRIDE
    file, _, line = place.rpartition(":")
    return (file if line.isdecimal() else place) + (_IN_SAMPLE if dotted.startswith("sample.") else "")


def _schema_message(key: KeyPath, errors: list[ErrorDetails], hints: _Hints, *, is_top: bool) -> str:
    """Say what is wrong with one key; a key that may be of several types has an error for each of them.

    `is_top` says whether it stands at the top of a file, not in its `[sample]` and not in a `--set`.
    """
    model, name = _model_at(key[:-1]), str(key[-1]) if key else ""
    kind, value = errors[0]["type"], errors[0]["input"]
    is_stranger = key[:1] == ("optimizer",) and name not in model.model_fields and not isinstance(value, dict)
    if kind == "extra_forbidden" or is_stranger:
        if len(key) == 1 and name in OF_FILES:
            return f'"{name}" belongs at the top of a recipe\'s file, and nowhere else.'
        known = [*model.model_fields, *(OF_FILES if is_top else ())]
        owner = f"[{'.'.join(str(part) for part in key[:-1])}]" if len(key) > 1 else "A recipe"
        first = value[0] if isinstance(value, list) and value else value
        what = "table" if isinstance(first, dict) else "key"
        hint = hints(name, _nearest(name, known))
        return f'{owner} has no {what} "{shortened(name, _MOST_SHOWN)}".{hint}\nIt takes: {", ".join(known)}'
    if kind == "missing":
        if key == ("loss",):
            return NO_LOSSES
        what = f'key "{name}"' if len(key) > 1 else f"table [{name}]"
        return f"The {what} is missing."
    if key == ("loss",) and isinstance(value, dict):
        return "Losses are a list: write [[loss]], with two brackets, above each of them."
    reasons = dict.fromkeys(error["msg"].removeprefix("Value error, ") for error in errors)
    reason = "; ".join(text[0].lower() + text[1:] for text in reasons).removesuffix(".")
    if kind == "value_error" or name not in model.model_fields:
        return f"{reason[0].upper()}{reason[1:]}."
    should = type_text(model.model_fields[name].annotation)
    return f'"{name}" is {shortened(value_text(value), _MOST_SHOWN)}, but should be {should} ({reason}).'


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the nearest name, if one is near: where all others are listed as well, more would be too many."""
    return difflib.get_close_matches(name, list(known), n=1)


def _present_key(key: KeyPath, data: Any) -> KeyPath:
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
