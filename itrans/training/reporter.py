"""What training tells whoever watches it, and how fast it goes; the command line shows it, a script may ignore it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


_FORGETTING = 0.9


class Reporter:
    """Somebody who watches a run; this one hears all of it and says nothing."""

    def note(self, text: str) -> None:
        """Hear a sentence."""

    def begin(self, done: int, total: int) -> None:
        """Hear how many steps are done, and how many there will be."""

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        """Hear of a step; the epoch counts from 1."""

    def validating(self, done: int, total: int) -> None:
        """Hear how many of the held-out pairs have been translated; the last call has as many as there are."""

    def validated(self, epoch: int, metrics: Mapping[str, float], better: bool) -> None:
        """Hear of a validation; `better` if it is the best so far."""

    def stopping(self, text: str) -> None:
        """Hear, in the middle of anything, that somebody has asked to stop."""

    def end(self) -> None:
        """Hear that no more steps follow."""


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
