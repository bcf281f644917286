"""How fast training goes."""

from __future__ import annotations

import time

_FORGETTING = 0.9


class Pace:
    """How many pairs a second are trained on, over the last steps.

    Args:
        pairs_per_step: of all processes together.
    """

    def __init__(self, pairs_per_step: int) -> None:
        self._pairs = pairs_per_step
        self._seconds: float | None = None
        self.restart()

    @property
    def rate(self) -> float:
        """Pairs a second; 0 before the first step."""
        return self._pairs / self._seconds if self._seconds else 0.0

    def restart(self) -> None:
        """Leave out what has passed since the last step."""
        self._then = time.monotonic()

    def step(self) -> None:
        """Count a step."""
        now = time.monotonic()
        seconds, self._then = now - self._then, now
        before = seconds if self._seconds is None else self._seconds
        self._seconds = _FORGETTING * before + (1 - _FORGETTING) * seconds
