"""What a pair has besides its two pictures, and how a data set says so. Imports neither torch nor numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from itrans.errors import PluginError, did_you_mean
from itrans.pictures.spec import LARGEST_FLOAT, ImageSpec

if TYPE_CHECKING:
    from itrans.pictures.spec import ImageArray

ExtraSpec: TypeAlias = ImageSpec | type[int] | type[float] | tuple[str, ...]
"""What an extra is: a picture, a whole number, a number, or one of several names, of which the pair has the index."""

Extra: TypeAlias = "ImageArray | int | float"
"""An extra of one pair, as the data set gives it: an array `(H, W, C)`, or a number."""

TAKEN = frozenset(
    {
        *("self", "source", "target", "key", "keys", "image", "images", "planes", "direction", "seed", "tile"),
        *("overlap", "count", "batch_size", "dtype", "statistics"),
    }
)
"""What no extra can be called: `translate` means something else by it."""


def extras_of(component: object) -> dict[str, ExtraSpec]:
    """Return what a data set, or a method, says of its extras, by their names; empty for one that has none.

    Raises:
        PluginError: it says something else.
    """
    found: Any = getattr(component, "extras", None) or {}
    who = type(component).__name__
    if not isinstance(found, Mapping):
        raise PluginError(f"The extras of {who} should be a table of names and what they are, but are {found!r}.")
    for name, spec in found.items():
        if not isinstance(name, str) or not name.isidentifier() or name in TAKEN:
            raise PluginError(f"{who} has an extra {name!r}, which cannot be its name: choose another.")
        if not (is_picture(spec) or spec in (int, float) or _is_choice(spec)):
            raise PluginError(
                f'{who} says that the extra "{name}" is {spec!r}. It should be an ImageSpec for a picture, int, float, '
                "or a tuple of names to choose from."
            )
    return dict(found)


def is_picture(spec: object) -> bool:
    """Return whether an extra is a picture."""
    return isinstance(spec, ImageSpec)


def number_fault(value: Any, spec: ExtraSpec) -> str | None:
    """Return what is wrong with an extra that is a number, as the end of a sentence; None if nothing is."""
    if isinstance(spec, tuple):
        if not _is_whole(value) or not 0 <= int(value) < len(spec):
            return f"is {value!r}, but should be from 0 to {len(spec) - 1}, the place of one of {', '.join(spec)}"
    elif spec is int:
        if not _is_whole(value):
            return f"is {value!r}, but should be a whole number"
    else:
        try:
            is_finite = not isinstance(value, str | bytes) and math.isfinite(value) and abs(value) <= LARGEST_FLOAT
        except TypeError:
            is_finite = False
        if not is_finite:
            return f"is {value!r}, but should be a finite number"
    return None


def named_number(value: object, spec: ExtraSpec) -> Any:
    """Return the number that a value stands for where a name may be given; other values come back as they are.

    Raises:
        ValueError: there is no such name.
    """
    if isinstance(spec, tuple) and isinstance(value, str):
        if value not in spec:
            raise ValueError(f'there is no "{value}".{did_you_mean(value, spec)} There are {", ".join(spec)}')
        return spec.index(value)
    return value


def stored_extras(specs: Mapping[str, ExtraSpec]) -> dict[str, Any]:
    """Return what extras are, in the plain values that a file holds."""
    return {
        name: spec.as_data() if isinstance(spec, ImageSpec) else [*spec] if isinstance(spec, tuple) else spec.__name__
        for name, spec in specs.items()
    }


def described(spec: ExtraSpec) -> str:
    """Return what an extra is, as a person would say it."""
    if isinstance(spec, tuple):
        return f"one of {', '.join(spec)}"
    if isinstance(spec, ImageSpec):
        return f"a {'label map' if spec.kind == 'labels' else 'picture'}"
    return "a whole number" if spec is int else "a number"


def _is_choice(spec: object) -> bool:
    return (
        isinstance(spec, tuple)
        and bool(spec)
        and len(set(spec)) == len(spec)
        and all(isinstance(name, str) and name for name in spec)
    )


def _is_whole(value: Any) -> bool:
    if isinstance(value, bool | str | bytes):
        return False
    try:
        return bool(int(value) == value)
    except (TypeError, ValueError, OverflowError):
        return False
