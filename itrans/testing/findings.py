"""Gathering faults instead of stopping at the first."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError
from itrans.registry import accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REFUSALS = (ValueError, ItransError)
"""What a component raises to say that it does not take something: that is its right, and no fault."""


class Findings:
    """A component that is tried, and its faults.

    Attributes:
        component: the class, or another callable.
        arguments: its own, as a recipe would give them.
        given: arguments that the caller gives instead of what itrans would offer.
        tried: what the caller gives for the component to be tried with, and no argument of it: `batches`, `record`.
        size: the height and width of the pictures to try, instead of several.
        faults: a sentence each.
    """

    def __init__(
        self,
        component: Callable[..., Any],
        arguments: Mapping[str, Any],
        given: Mapping[str, Any],
        size: int | None = None,
        tried: Mapping[str, Any] | None = None,
    ) -> None:
        self.component, self.arguments, self.given, self.size = component, arguments, given, size
        self.tried = tried or {}
        self.faults: list[str] = []

    def build(self, **offered: Any) -> Any:
        """Make the component as itrans would: of what is offered, it gets what it names."""
        return self.component(**accepted_arguments(self.component, offered), **self.arguments)

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
    end = "" if reason.endswith("?") else "."
    return f"{type(error).__name__}: {reason}{end}" if reason else f"{type(error).__name__}."


def first_names(names: list[str], most: int = 5) -> str:
    """Return the first few names, as a phrase."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
