"""How a recipe differs from the one that a run was made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError
from itrans.recipe.load import recipe_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from itrans.recipe.document import KeyPath
    from itrans.recipe.load import Recipe

_ABSENT = object()

_FREE: tuple[KeyPath, ...] = (
    ("title",),
    ("train", "workers"),
    ("train", "threads"),
    ("checkpoint",),
    ("log",),
    ("tracker",),
    ("validation",),
)
"""What may change, because no weight depends on it."""

_LENGTH: tuple[KeyPath, ...] = (("train", "epochs"), ("train", "steps"))
"""What may change besides if the learning rate is constant: then a longer run is a shorter one, gone on with."""


def changes(then: Mapping[str, Any], now: Recipe, *, source: str, free: Sequence[KeyPath] | None = None) -> list[str]:
    """Return what differs, each as `train.steps: 4 then, 600 now`.

    Arguments that components have got since count as their defaults.

    Args:
        then: the recipe of the run, as `Recipe.resolved` was.
        now: the recipe.
        source: where `then` is from, for messages.
        free: keys, and tables, that may differ; left out, those of which an interrupted run may have others.
    """
    try:
        before = recipe_of(then, source, recorded=now.recorded).resolved
    except ItransError:  # of an itrans or a plugin that took other arguments: all that can be compared is the text
        before = dict(then)
    return [
        f"{'.'.join(map(str, key))}: {_value_text(old)} then, {_value_text(new)} now"
        for key, old, new in _differences((), before, now.resolved)
        if not any(key[: len(prefix)] == prefix for prefix in (may_change(now) if free is None else free))
    ]


def may_change(recipe: Recipe) -> tuple[KeyPath, ...]:
    """Return the keys, and tables, of which an interrupted run may have others when it goes on."""
    return _FREE + (_LENGTH if recipe.tables.schedule.name == "constant" else ())


def _differences(key: KeyPath, before: Any, now: Any) -> Iterator[tuple[KeyPath, Any, Any]]:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [*before, *(name for name in now if name not in before)]:
            yield from _differences((*key, name), before.get(name, _ABSENT), now.get(name, _ABSENT))
    elif before != now:
        yield key, before, now


def _value_text(value: Any) -> str:
    return "not set" if value is _ABSENT else json.dumps(value)
