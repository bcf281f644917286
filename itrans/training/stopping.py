"""Ctrl-C and SIGTERM as a request to stop after the step at hand."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ANSWER = "Stopping after this step; Ctrl-C again stops at once, without saving."


class StopRequest:
    """Whether training is to stop: a signal has come, the time is up, or this process has taken enough steps.

    `answer` is called from the signal's handler, at once and in the middle of anything, with what the signal will do.

    Attributes:
        reason: why, once there is a reason.
    """

    def __init__(
        self, steps: int | None = None, seconds: float | None = None, *, answer: Callable[[str], None] = lambda _: None
    ) -> None:
        self._steps, self._answer = steps, answer
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._previous: dict[int, Any] = {}
        self.reason = ""

    def is_wanted(self, steps_taken: int) -> bool:
        """Whether to stop after so many steps of this process."""
        if self._steps is not None and steps_taken >= self._steps:
            self.reason = self.reason or "--stop-after"
        return self.is_urgent()

    def is_urgent(self) -> bool:
        """Whether to stop at once, even in the middle of a validation: after a signal, or when the time is up."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.reason = self.reason or "--stop-after"
        return bool(self.reason)

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Take signals as requests for as long as the block lasts; a second Ctrl-C stops at once, saving nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._hear)
        try:
            yield
        finally:
            for heard, handler in self._previous.items():
                signal.signal(heard, handler)

    def _hear(self, number: int, frame: Any) -> None:
        if self.reason and number == signal.SIGINT:
            if callable(before := self._previous.get(number)):
                before(number, frame)  # knows how to end in the middle of an import
            raise KeyboardInterrupt
        self.reason = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        self._answer(_ANSWER)
