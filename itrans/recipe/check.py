"""Every fault of a recipe at once: the core's keys, then each component's table against its signature."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from itrans.errors import PluginError, Problem, RecipeError, counted
from itrans.recipe.document import value_fault
from itrans.recipe.parts import OFFERED, metric_parts, parts_of, readable_parts, with_defaults
from itrans.recipe.schema import Augment, Tables
from itrans.recipe.schema_faults import Hints, core_keys, schema_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from itrans.recipe.document import Where
    from itrans.recipe.parts import Part

_MOST_FAULTS = 100
_DIGITS = 9
"""Of a line's number; a `--set` may end in a number of thousands of digits."""


def check(
    data: dict[str, Any],
    where: Where,
    *,
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] = tuple(OFFERED),
) -> tuple[Tables, tuple[Part, ...]]:
    """Return a recipe's tables, with the components' defaults filled in, and its parts.

    Of components of other `kinds` than are needed nothing but the name is looked at, and they may be missing. Without
    data sets, transforms are not looked at either.

    Raises:
        RecipeError: something is wrong; everything that is, is in it.
    """
    if fault := value_fault(data):
        raise RecipeError(Problem(where(())[0], *fault))
    try:
        tables = Tables.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        readable = [part for part in readable_parts(data) if part.kind in kinds]
        hints = Hints(functools.partial(_keys, readable))
        problems = schema_problems(error.errors()[:_MOST_FAULTS], data, where, hints)
        problems.extend(_part_problems(readable, where, hints))
        problems = _in_file_order(problems)
        if (more := error.error_count() - _MOST_FAULTS) > 0:
            problems.append(Problem(where(())[0], "", f"And {counted(more, 'more fault')}."))
        raise RecipeError(problems) from None
    parts = parts_of(tables, recorded)
    needed = [part for part in parts if part.kind in kinds]
    hints = Hints(functools.partial(_keys, needed))
    measuring = metric_parts(tables.validation) if "metric" in kinds else ()
    problems = _part_problems([*needed, *measuring], where, hints)
    if "dataset" in kinds:
        problems += _transform_problems(tables.augment, where, hints)
    if not problems and "loss" in kinds:
        problems = _method_problems(needed, where)
    if problems:
        raise RecipeError(_in_file_order(problems))
    return with_defaults(tables, needed), parts


def _part_problems(parts: Iterable[Part], where: Where, hints: Hints) -> list[Problem]:
    return [Problem(*where(key), message) for part in parts for key, message in part.faults(hints)]


def _keys(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the dotted keys that a recipe's tables take: the core's, and the arguments of its components."""
    yield from core_keys()
    for part in parts:
        owner = f"loss.{part.name}" if part.kind == "loss" else part.kind
        if part.kind == "loss":
            yield f"{owner}.weight"
        with contextlib.suppress(PluginError):
            yield from (f"{owner}.{name}" for name in part.signature.parameters)


def _method_problems(parts: Sequence[Part], where: Where) -> list[Problem]:
    checks = next((getattr(part.component, "check", None) for part in parts if part.kind == "method"), None)
    if checks is None:
        return []
    losses = [(part.name, part.component) for part in parts if part.kind == "loss"]
    messages = checks(losses=losses, has_discriminator=any(part.kind == "discriminator" for part in parts))
    return [Problem(*where(("loss",)), message) for message in messages]


def _transform_problems(augment: Augment, where: Where, hints: Hints) -> list[Problem]:
    if not augment.transform:
        return []
    from itrans.recipe.transforms import transform_faults

    return [
        Problem(*where(("augment", "transform", place, *([argument] if argument else []))), message)
        for place, table in enumerate(augment.transform)
        for argument, message in transform_faults(table.name, table.arguments, hints)
    ]


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    def order(problem: Problem) -> tuple[str, int]:
        file, _, line = problem.where.rpartition(":")
        return (file, int(line)) if line.isdecimal() and len(line) < _DIGITS else (problem.where, 0)

    return sorted(dict.fromkeys(problems), key=order)
