"""The optional members of data sets and methods, and what they are where a component has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from itrans.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.protocols import Dataset, Method

Side: TypeAlias = Literal["source", "target"]
"""A picture of a pair."""


def is_paired(dataset: Dataset) -> bool:
    """Whether a data set's targets belong to their sources."""
    return bool(getattr(dataset, "paired", True))


def attribution_of(dataset: Dataset | Callable[..., Dataset]) -> str:
    """Return whom a data set, or its class, has to be credited to; empty if it does not say."""
    return str(getattr(dataset, "attribution", ""))


def directions_of(method: Method) -> tuple[str, ...]:
    """Return the names of the directions that a method translates in."""
    return tuple(sides_of(method))


def sides_of(method: Method) -> dict[str, tuple[Side, Side]]:
    """Return the directions of a method: what each takes, and what it makes.

    Raises:
        PluginError: it says something else.
    """
    said: Any = getattr(method, "directions", None) or ("forward",)
    if not isinstance(said, Mapping):
        return {name: ("target", "source") if place == 1 else ("source", "target") for place, name in enumerate(said)}
    for name, sides in said.items():
        if not isinstance(name, str) or not isinstance(sides, tuple | list) or [*sides] not in _SIDES:
            raise PluginError(
                f"The direction {name!r} of {type(method).__name__} has the sides {sides!r}. They should be two, what "
                'it takes and what it makes: ("source", "target"), for example.'
            )
    return {name: (sides[0], sides[1]) for name, sides in said.items()}


_SIDES = [[taken, made] for taken in ("source", "target") for made in ("source", "target")]
