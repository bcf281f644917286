"""Gathering faults instead of stopping at the first."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from itrans.errors import ItransError

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSALS = (ValueError, ItransError)
"""What a component raises to say that it does not take something: that is its right, and no fault."""


class Findings:
    """The faults of one component.

    Attributes:
        faults: a sentence each.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    def expect(self, holds: object, fault: str) -> bool:
        """Note a fault unless something holds; return whether it does."""
        if not holds:
            self.faults.append(fault)
        return bool(holds)

    @contextlib.contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Note what is raised in the block as a fault: `what` raises it."""
        try:
            yield
        except Exception as error:
            self.faults.append(f"{what} raises {error_line(error)}")


def error_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    reason = (str(error).splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {reason}." if reason else f"{type(error).__name__}."


def first_names(names: list[str], most: int = 5) -> str:
    """Return the first few names, as a phrase."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
