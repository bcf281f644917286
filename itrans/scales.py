"""How many times as large as sources the targets are: the `scale` of a generator, and of a data set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from itrans.errors import PluginError

_FINEST = 64
"""The largest numerator and denominator; also of what a float is taken for."""


def scale_of(component: object) -> Fraction:
    """Return how many times as high and wide as its source a target is, or what a network makes: 1 if nothing is said.

    Args:
        component: a generator or a data set, which may have `scale`: an int, a `fractions.Fraction`, or a float that is
            one, such as 0.5. Or a method: the scale is that of the first of its generators whose own is not 1.

    Raises:
        PluginError: it has something else.
    """
    given = getattr(component, "scale", None)
    if given is None:
        networks, names = getattr(component, "networks", None), getattr(component, "generators", ())
        scales = [scale_of(networks[name]) for name in names] if isinstance(networks, Mapping) else []
        return next((scale for scale in scales if scale != 1), Fraction(1))
    is_number = isinstance(given, int | float | Fraction) and not isinstance(given, bool)
    if is_number and math.isfinite(given):
        found = Fraction(given).limit_denominator(_FINEST)
        if 0 < found <= _FINEST and found.numerator <= _FINEST and math.isclose(found, given, rel_tol=1e-9):
            return found
    raise PluginError(
        f"The scale of {type(component).__name__} is {given!r}, and should be how many times as large as sources the "
        "targets are: 1, 2, 3 ..., or a fraction such as fractions.Fraction(1, 2)."
    )


def scaled(length: int, scale: Fraction) -> int:
    """Return how many pixels a side becomes: rounded up, so that every pixel of the source is in them."""
    return -(-length * scale.numerator // scale.denominator)


def is_scaled(source: tuple[int, ...], target: tuple[int, ...], scale: Fraction) -> bool:
    """Return whether a height and a width are exactly `scale` times others."""
    return all(other == side * scale for side, other in zip(source, target, strict=True))
