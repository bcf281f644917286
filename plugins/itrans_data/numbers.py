"""Extras of pairs that are numbers, or names of a choice, for `itrans data check`."""

from __future__ import annotations

from collections import Counter
from typing import Any

_MOST_NAMED = 5


class Numbers:
    """What the extras of one name are like that are no pictures, told as a side of the pairs is.

    Args:
        name: the extra's.
        spec: what it is: `int`, `float`, or the names of a choice.

    Attributes:
        name: the one that was given.
        count: how many there are.
    """

    def __init__(self, name: str, spec: Any) -> None:
        self.name, self._spec, self.count = name, spec, 0
        self._found: Counter[Any] = Counter()

    def add(self, value: float) -> None:
        """Look at one."""
        self.count += 1
        self._found[value] += 1

    def sizes(self) -> str:
        """Return nothing: numbers have no size."""
        return ""

    def kind(self) -> str:
        """Return what they are."""
        return f"one of {len(self._spec)}" if isinstance(self._spec, tuple) else str(self._spec.__name__)

    def values(self) -> str:
        """Return how often each name occurs, or the least and the greatest number."""
        if not isinstance(self._spec, tuple):
            return f"{min(self._found):g} to {max(self._found):g}"
        counts = [f"{name} {self._found[place]}" for place, name in enumerate(self._spec)]
        return ", ".join(counts[:_MOST_NAMED]) + (", ..." if len(counts) > _MOST_NAMED else "")
