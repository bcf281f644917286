"""Every fault of a recipe at once: the core's keys, then each component's table against its signature."""

from __future__ import annotations

import contextlib
import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from itrans.errors import PluginError, Problem, RecipeError, counted
from itrans.recipe.document import value_fault
from itrans.recipe.schema import MOST_ENTRIES, Augment, Component, LossComponent, Tables, Validation
from itrans.recipe.schema_faults import Hints, core_keys, schema_problems
from itrans.recipe.signature import Signature
from itrans.registry import LOCAL, METRICS, REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from itrans.plugins import Origin
    from itrans.recipe.document import KeyPath

OFFERED = {
    "dataset": ("split",),
    "generator": ("in_channels", "out_channels", "initialize"),
    "discriminator": ("in_channels", "condition_channels", "initialize"),
    "loss": (),
    "method": ("build_generator", "build_discriminator", "losses", "source", "target"),
    "metric": ("source", "target", "device", "announce"),
}
"""What itrans gives to the components of each kind when it builds them."""

RESERVED = {kind: {"name", "weight"} if kind == "loss" else {"name"} for kind in OFFERED}
"""Keys of a component's table that are the core's."""
_MOST_FAULTS = 100
_DIGITS = 9
"""Of a line's number; a `--set` may end in a number of thousands of digits."""


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
    if fault := value_fault(data):
        raise RecipeError(Problem(where(())[0], *fault))
    try:
        tables = Tables.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        readable = [use for use in _readable_uses(data) if use.kind in kinds]
        hints = Hints(functools.partial(_keys, readable))
        problems = schema_problems(error.errors()[:_MOST_FAULTS], data, where, hints)
        problems.extend(_component_problems(readable, where, hints))
        problems = _in_file_order(problems)
        if (more := error.error_count() - _MOST_FAULTS) > 0:
            problems.append(Problem(where(())[0], "", f"And {counted(more, 'more fault')}."))
        raise RecipeError(problems) from None
    needed = [use for use in uses(tables, recorded) if use.kind in kinds]
    problems = _component_problems(needed, where, Hints(functools.partial(_keys, needed)))
    if "dataset" in kinds:
        problems += _augment_problems(tables.augment, where)
    if "metric" in kinds:
        problems += _metric_problems(tables.validation, where)
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


def _component_problems(found: list[Use], where: Callable[[KeyPath], tuple[str, str]], hints: Hints) -> list[Problem]:
    problems: list[Problem] = []
    for use in found:
        try:
            signature = Signature(use.component, OFFERED[use.kind])
            faults = signature.faults(use.table.arguments, owner(use), hints)
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
    losses = data["loss"][:MOST_ENTRIES] if isinstance(data.get("loss"), list) else []
    entries += [(("loss", position), "loss", table) for position, table in enumerate(losses)]
    found = []
    for key, kind, table in entries:
        if isinstance(table, dict) and isinstance(table.get("name"), str) and table["name"]:
            model = Component
            if kind == "loss":
                model, table = LossComponent, {k: v for k, v in table.items() if k != "weight"}
            with contextlib.suppress(ValidationError):
                found.append(Use(key, kind, model.model_validate(table)))
    return found


def _keys(found: list[Use]) -> Iterator[str]:
    """Yield the dotted keys that a recipe's tables take: the core's, and the arguments of its components."""
    yield from core_keys()
    for use in found:
        owner = f"loss.{use.table.name}" if use.kind == "loss" else use.kind
        if use.kind == "loss":
            yield f"{owner}.weight"
        with contextlib.suppress(PluginError):
            yield from (f"{owner}.{name}" for name in Signature(use.component, OFFERED[use.kind]).parameters)


def _method_problems(found: list[Use], where: Callable[[KeyPath], tuple[str, str]]) -> list[Problem]:
    checks = next((getattr(use.component, "check", None) for use in found if use.kind == "method"), None)
    if checks is None:
        return []
    losses = [(use.table.name, use.component) for use in found if use.kind == "loss"]
    messages = checks(losses=losses, has_discriminator=any(use.kind == "discriminator" for use in found))
    return [Problem(*where(("loss",)), message) for message in messages]


def _metric_problems(validation: Validation, where: Callable[[KeyPath], tuple[str, str]]) -> list[Problem]:
    named: list[tuple[KeyPath, str]] = [(("validation", "metric"), validation.metric)]
    named += [(("validation", "metrics", place), name) for place, name in enumerate(validation.metrics or ())]
    problems = []
    for key, name in named:
        try:
            if name != "auto":
                signature = Signature(METRICS.get(name), OFFERED["metric"])
                if fault := next(iter(signature.faults({}, f'The metric "{name}"', Hints(lambda: ()))), None):
                    raise PluginError(fault[1])
        except PluginError as error:
            problems.append(Problem(*where(key), str(error)))
    return problems


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


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    def order(problem: Problem) -> tuple[str, int]:
        file, _, line = problem.where.rpartition(":")
        return (file, int(line)) if line.isdecimal() and len(line) < _DIGITS else (problem.where, 0)

    return sorted(dict.fromkeys(problems), key=order)
