"""Gathering faults instead of stopping at the first."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError
from itrans.recipe.arguments import Builder, all_parts
from itrans.recipe.parts import Part
from itrans.recipe.signature import Signature
from itrans.registry import accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itrans.recipe.signature import Slot

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
        """Make the component as itrans would: of what is offered, it gets what it names.

        Tables among its arguments that stand for components become what makes these.
        """
        slots = Signature(self.component).slots
        handed = {name: value for name, value in offered.items() if name == "split"}
        made = {
            name: _made(name, slots[name], value, handed) if name in slots else value
            for name, value in self.arguments.items()
        }
        return self.component(**accepted_arguments(self.component, offered), **made)

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


def _made(name: str, slot: Slot, value: Any, handed: Mapping[str, Any]) -> Any:
    """Return what makes the components of a table, or of a list of tables."""
    if slot.is_list and isinstance(value, list | tuple):
        return tuple(_made(name, slot._replace(is_list=False), one, handed) for one in value)
    if not isinstance(value, Mapping) or "name" not in value:
        return value
    own = {key: inner for key, inner in value.items() if key != "name"}
    part = Part((name,), slot.kind, str(value["name"]), own, {})
    return Builder(part, {one.key: ("", ".".join(map(str, one.key))) for one in all_parts([part])}, handed)


def error_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    reason = (str(error).splitlines() or [""])[0].rstrip(".")
    end = "" if reason.endswith("?") else "."
    return f"{type(error).__name__}: {reason}{end}" if reason else f"{type(error).__name__}."


def first_names(names: list[str], most: int = 5) -> str:
    """Return the first few names, as a phrase."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
