"""How many times as large as sources the targets are: the `scale` of a generator, and of a data set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from itrans.errors import PluginError

_LARGEST = 64
_FINEST_FLOAT = 4
"""The largest denominator that a float is taken for: 0.5, 0.25, 1.5; what is finer scales something else."""


def scale_of(component: object) -> Fraction:
    """Return how many times as high and wide as its source a target is, or what a network makes: 1 if nothing is said.

    Many a class has something of its own that is called `scale`, such as a parameter, or what values are divided by.
    What cannot be a ratio of sizes is taken for such a thing: numbers above 64, floats other than halves, thirds and
    quarters, and what is no number.

    Args:
        component: a generator or a data set, which may have `scale`: an int, a `fractions.Fraction`, or a float such as
            0.5. Or a method: the scale is that of the first of its generators whose own is not 1.

    Raises:
        PluginError: it has an int or a fraction that is not above 0, or a text.
    """
    given = getattr(component, "scale", None)
    networks = getattr(component, "networks", None)
    if given is None and isinstance(networks, Mapping):
        scales = [scale_of(networks[name]) for name in getattr(component, "generators", ())]
        return next((scale for scale in scales if scale != 1), Fraction(1))
    if isinstance(given, str) or (isinstance(given, int | Fraction) and not isinstance(given, bool) and given <= 0):
        raise PluginError(
            f"The scale of {type(component).__name__} is {given!r}, but should be how many times as large as sources "
            "the targets are: 1, 2, 3 ..., or a fraction such as fractions.Fraction(1, 2)."
        )
    if isinstance(given, bool) or not isinstance(given, int | float | Fraction) or not 0 < given <= _LARGEST:
        return Fraction(1)
    found = Fraction(given)
    if isinstance(given, float):
        found = found.limit_denominator(_FINEST_FLOAT)
        return found if math.isclose(found, given, rel_tol=1e-9) else Fraction(1)
    return found


def scaled(length: int, scale: Fraction) -> int:
    """Return how many pixels a side becomes: rounded up, so that every pixel of the source is in them."""
    return -(-length * scale.numerator // scale.denominator)


def is_scaled(source: tuple[int, ...], target: tuple[int, ...], scale: Fraction) -> bool:
    """Return whether a height and a width are exactly `scale` times others."""
    return all(other == side * scale for side, other in zip(source, target, strict=True))
