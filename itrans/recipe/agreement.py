"""Whether a recipe's losses and its method go together."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from itrans.errors import PluginError, Problem, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.recipe.document import Where
    from itrans.recipe.parts import Part

NO_LOSSES = "The list [[loss]] is missing."


def roles_of(method: Any) -> tuple[str, ...] | None:
    """Return the roles of the losses that a method, or its class, knows; None if it does not say."""
    roles = getattr(method, "roles", None)
    return None if roles is None else (roles,) if isinstance(roles, str) else tuple(roles)


def lacks_losses(losses: Any, parts: Sequence[Part]) -> bool:
    """Return whether a recipe has no losses and needs some: its method does not say that it takes none.

    Args:
        losses: the values of `loss` in the recipe, whatever they are; None if there are none.
        parts: those of its parts that can be read.
    """
    if losses not in (None, [], ()):
        return False
    with contextlib.suppress(PluginError):  # which is said elsewhere
        return all(roles_of(part.component) != () for part in parts if part.kind == "method")
    return True


def method_problems(parts: Sequence[Part], where: Where) -> list[Problem]:
    """Return what is wrong with the losses, and other parts, that a recipe has for its method."""
    method = next((part for part in parts if part.kind == "method"), None)
    if method is None:
        return []
    losses = [part for part in parts if part.kind == "loss"]
    faults = {
        part: role_fault(method, part, part.component)
        for part in losses
        if isinstance(part.component, type)  # of anything else the role is known when it is made
    }
    problems = [Problem(*where(part.key), fault) for part, fault in faults.items() if fault]
    if (check := getattr(method.component, "check", None)) is None:
        return problems
    messages = check(
        losses=[(part.name, part.component) for part in losses if not faults.get(part)],
        has_discriminator=any(part.kind == "discriminator" for part in parts),
    )
    return [*problems, *(Problem(*where(("loss",)), message) for message in messages)]


def role_fault(method: Part, part: Part, loss: Any) -> str | None:
    """Return what is wrong with the role of a loss, or of its class; None if the method knows it, or does not say."""
    roles = roles_of(method.component)
    role = getattr(loss, "role", None)
    if roles is None or role in roles:
        return None
    if not roles:
        return f'The method "{method.name}" takes no losses: leave "{part.name}" out.'
    *others, last = quoted(roles)
    known = f"{', '.join(others)} or {last}" if others else last
    said = "" if role is None else f', but role = "{role}"'
    return f'The loss "{part.name}" has no role that the method "{method.name}" knows ({known}){said}.'
