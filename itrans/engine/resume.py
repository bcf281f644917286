"""Whether a checkpoint can be gone on from with a recipe: only if nothing that training depends on has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from itrans.engine.checkpoint import CheckpointFile
    from itrans.recipe.load import Recipe

_FREE = (("title",), ("train", "workers"), ("checkpoint",), ("log",), ("validation",))
"""What may change, because no weight depends on it."""

_LENGTH = (("train", "epochs"), ("train", "steps"))
"""What may change besides if the learning rate is constant: then a longer run is a shorter one, gone on with."""


def refuse_changes(recipe: Recipe, length: int, checkpoint: CheckpointFile, path: Path) -> None:
    """Compare a recipe and its data with what a checkpoint was made from.

    Args:
        recipe: of now.
        length: how many training pairs there are now.
        checkpoint: what has been read.
        path: where from, for the message.

    Raises:
        CheckpointError: they differ; every difference is named.
    """
    free = _FREE + (_LENGTH if recipe.tables.schedule.name == "constant" else ())
    differences = [
        f"{'.'.join(map(str, key))}: {_shown(before)} then, {_shown(now)} now"
        for key, before, now in _differences((), checkpoint.recipe, recipe.resolved)
        if not any(key[: len(prefix)] == prefix for prefix in free)
    ]
    if not differences and length != checkpoint.length:
        differences = [f"the number of training pairs: {checkpoint.length} then, {length} now"]
    if differences:
        listing = "\n".join(f"  {difference}" for difference in differences)
        raise CheckpointError(
            f"{path} cannot be resumed, because the run would be another one:\n{listing}\n"
            "Undo the change, or start a new run in another folder with -o DIR."
        )


_ABSENT = object()


def _differences(key: tuple[Any, ...], before: Any, now: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [*before, *(name for name in now if name not in before)]:
            yield from _differences((*key, name), before.get(name, _ABSENT), now.get(name, _ABSENT))
    elif before != now:
        yield key, before, now


def _shown(value: Any) -> str:
    return "not set" if value is _ABSENT else json.dumps(value)
