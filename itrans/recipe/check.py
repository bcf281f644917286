"""Every fault of a recipe at once: the core's keys, then each component's table against its signature."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from itrans.errors import PluginError, Problem, RecipeError, did_you_mean
from itrans.recipe.arguments import Signature, shown_type
from itrans.recipe.schema import Augment, Component, LossComponent, Tables, Transform
from itrans.registry import LOCAL, REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from itrans.plugins import Origin
    from itrans.recipe.document import KeyPath

OFFERED = {
    "dataset": ("split",),
    "generator": ("in_channels", "out_channels", "initialize"),
    "discriminator": ("in_channels", "condition_channels", "initialize"),
    "loss": (),
    "method": ("build_generator", "build_discriminator", "losses", "source", "target"),
}
"""What itrans gives to the components of each kind when it builds them."""

RESERVED = {kind: {"name", "weight"} if kind == "loss" else {"name"} for kind in OFFERED}
"""Keys of a component's table that are the core's."""

OF_FILES = ("extends", "without", "sample")
"""What stands at the top of a recipe's file besides `Tables`; it is gone once the file's layers are laid."""

_TOP = (*Tables.model_fields, *OF_FILES)
"""All that can stand at the top of a recipe's file."""

_SUBTABLES: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Tables.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


@dataclass(frozen=True)
class Use:
    """A component that a recipe names.

    Attributes:
        key: where in the recipe: `("generator",)` or `("loss", 1)`.
        kind: what kind of component.
        table: its table.
        distribution: the one that brought it when a run or a checkpoint recorded it; None if nothing is recorded.
    """

    key: KeyPath
    kind: str
    table: Component
    distribution: str | None = None

    @property
    def name(self) -> str:
        """What the registry is asked for; raises `PluginError` if the recorded one is not here."""
        if self.distribution is None:
            return self.table.name
        return REGISTRIES[self.kind].recorded_name(self.table.name, self.distribution)

    @property
    def origin(self) -> Origin:
        """Where the component comes from; raises `PluginError` if that is not clear."""
        return REGISTRIES[self.kind].origin(self.name)

    @property
    def component(self) -> Callable[..., Any]:
        """The component, imported; raises `PluginError` if it cannot be."""
        return REGISTRIES[self.kind].get(self.name)


def check(
    data: dict[str, Any],
    where: Callable[[KeyPath], tuple[str, str]],
    *,
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] = tuple(OFFERED),
) -> Tables:
    """Return a recipe's tables, with the components' defaults filled in.

    Args:
        data: the recipe's values.
        where: tells the place and the dotted key of a value, for messages.
        recorded: the distributions of components by kind and name, of a run that goes on or of a checkpoint: of several
            components of one name it is the recorded one.
        kinds: of the components that are needed; of all others nothing but the name is looked at, and they may be
            missing. Without data sets, transforms are not looked at either.

    Raises:
        RecipeError: something is wrong; everything that is, is in it.
    """
    try:
        tables = Tables.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        problems = _schema_problems(error.errors(), data, where)
        problems.extend(_component_problems([use for use in _readable_uses(data) if use.kind in kinds], where))
        raise RecipeError(_in_file_order(problems)) from None
    needed = [use for use in uses(tables, recorded) if use.kind in kinds]
    problems = _component_problems(needed, where)
    if "dataset" in kinds:
        problems += _augment_problems(tables.augment, where)
    if not problems and "loss" in kinds:
        problems = _method_problems(needed, where)
    if problems:
        raise RecipeError(_in_file_order(problems))
    return _with_defaults(tables, needed)


def uses(tables: Tables, recorded: Mapping[tuple[str, str], str] | None = None) -> Iterator[Use]:
    """Yield every component that a recipe names.

    Args:
        tables: the recipe's.
        recorded: see `check`.
    """

    def use(key: KeyPath, kind: str, table: Component) -> Use:
        return Use(key, kind, table, (recorded or {}).get((kind, table.name)))

    yield use(("method",), "method", tables.method)
    yield use(("dataset",), "dataset", tables.dataset)
    yield use(("generator",), "generator", tables.generator)
    if tables.discriminator is not None:
        yield use(("discriminator",), "discriminator", tables.discriminator)
    for position, table in enumerate(tables.loss):
        yield use(("loss", position), "loss", table)


def owner(use: Use) -> str:
    """Return what a message calls a component: `The generator "unet" (itrans 0.1.0)`."""
    origin = use.origin
    package = "registered here" if origin.distribution == LOCAL else f"{origin.distribution} {origin.version}"
    return f'The {use.kind} "{use.table.name}" ({package})'


def _component_problems(found: list[Use], where: Callable[[KeyPath], tuple[str, str]]) -> list[Problem]:
    problems = []
    for use in found:
        try:
            signature = Signature(use.component, OFFERED[use.kind])
            faults = signature.faults(use.table.arguments, owner(use))
            if taken := RESERVED[use.kind].intersection(signature.parameters):
                raise PluginError(f'{owner(use)} has an argument "{taken.pop()}", which a recipe cannot give to it.')
        except PluginError as error:
            problems.append(Problem(*where((*use.key, "name")), str(error)))
            continue
        for name, message in faults:
            problems.append(Problem(*where((*use.key, name) if name else use.key), message))
    return problems


def _readable_uses(data: dict[str, Any]) -> list[Use]:
    """Return those component tables that can be read although something else in the recipe is wrong."""
    entries: list[tuple[KeyPath, str, Any]] = [
        ((kind,), kind, data.get(kind)) for kind in ("method", "dataset", "generator", "discriminator")
    ]
    losses = data.get("loss")
    entries += [(("loss", i), "loss", table) for i, table in enumerate(losses if isinstance(losses, list) else [])]
    found = []
    for key, kind, table in entries:
        if isinstance(table, dict) and isinstance(table.get("name"), str) and table["name"]:
            model = Component
            if kind == "loss":
                model, table = LossComponent, {k: v for k, v in table.items() if k != "weight"}
            found.append(Use(key, kind, model.model_validate(table)))
    return found


def _method_problems(found: list[Use], where: Callable[[KeyPath], tuple[str, str]]) -> list[Problem]:
    checks = next((getattr(use.component, "check", None) for use in found if use.kind == "method"), None)
    if checks is None:
        return []
    losses = [(use.table.name, use.component) for use in found if use.kind == "loss"]
    messages = checks(losses=losses, has_discriminator=any(use.kind == "discriminator" for use in found))
    return [Problem(*where(("loss",)), message) for message in messages]


def _augment_problems(augment: Augment, where: Callable[[KeyPath], tuple[str, str]]) -> list[Problem]:
    if not augment.transform:
        return []
    from itrans.data.augment import transform_fault

    problems = []
    for position, table in enumerate(augment.transform):
        if fault := transform_fault(table.name, table.arguments):
            problems.append(Problem(*where(("augment", "transform", position)), fault))
    return problems


def _with_defaults(tables: Tables, found: list[Use]) -> Tables:
    """Write out what components take when the recipe is silent, so that a later version's defaults change nothing."""
    data = tables.model_dump(mode="json", exclude_none=True)
    for use in found:
        table = data
        for part in use.key:
            table = table[part]  # type: ignore[index]
        signature = Signature(use.component, OFFERED[use.kind])
        for name, value in signature.defaults().items():
            table.setdefault(name, value)
    return Tables.model_validate_json(json.dumps(data), strict=True)


def _schema_problems(
    errors: list[ErrorDetails], data: dict[str, Any], where: Callable[[KeyPath], tuple[str, str]]
) -> list[Problem]:
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
        message = _schema_message(key, group, is_top=(dotted,) == key and not place.startswith("--set "))
        if group[0]["type"] == "value_error" and isinstance(group[0]["input"], dict):
            place, more = _of_several_files(key, group[0]["input"], where)
            message += more
        found.append(Problem(place, dotted, message))
    return found


def _of_several_files(
    key: KeyPath, table: dict[str, Any], where: Callable[[KeyPath], tuple[str, str]]
) -> tuple[str, str]:
    """Return where a table is wrong whose keys do not go together, and what to do if they are of several files."""
    place = where(key)[0]
    places = {name: where((*key, name))[0] for name in table}
    above = [other for other in places.values() if other.rpartition(":")[0] != place.rpartition(":")[0]]
    if not above:
        return place, ""
    listing = ", ".join(f"{name} ({other})" for name, other in places.items())
    return above[0], f'\nIts keys: {listing}. Leave out those of below: without = ["{key[0]}"].'


def _schema_message(key: KeyPath, errors: list[ErrorDetails], *, is_top: bool) -> str:
    """Say what is wrong with one key; a key that may be of several types has an error for each of them.

    Args:
        key: where it is among the tables.
        errors: what pydantic says of it.
        is_top: whether it stands at the top of a file, not in its `[sample]` and not in a `--set`.
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
        return (
            f'{owner} has no {what} "{name}".{did_you_mean(name, _nearest(name, known))}\nIt takes: {", ".join(known)}'
        )
    if kind == "missing":
        what = f'key "{name}"' if len(key) > 1 else "list [[loss]]" if name == "loss" else f"table [{name}]"
        return f"The {what} is missing."
    if key == ("loss",) and isinstance(value, dict):
        return "Losses are a list: write [[loss]], with two brackets, above each of them."
    reasons = dict.fromkeys(error["msg"].removeprefix("Value error, ") for error in errors)
    reason = "; ".join(text[0].lower() + text[1:] for text in reasons)
    if kind == "value_error" or name not in model.model_fields:
        return f"{reason[0].upper()}{reason[1:]}."
    shown = json.dumps(value, default=str, ensure_ascii=False)
    return f'"{name}" is {shown}, and should be {shown_type(model.model_fields[name].annotation)} ({reason}).'


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


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    def order(problem: Problem) -> tuple[str, int]:
        file, _, line = problem.where.rpartition(":")
        return (file, int(line)) if line.isdecimal() else (problem.where, 0)

    return sorted(dict.fromkeys(problems), key=order)
