"""What can be told of a component from its signature alone."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

from itrans.recipe.parts import OFFERED, RESERVED
from itrans.recipe.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDED = {
    "generator": ("in_channels", "out_channels"),
    "discriminator": ("in_channels", "condition_channels"),
    "loss": (),
    "dataset": ("split",),
    "method": ("build_generator", "losses"),
    "metric": (),
    "tracker": (),
}
"""Of what is offered, what a component that works cannot do without."""


def signature_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what keeps a component from being called as itrans does: by keywords, with what a recipe gives."""
    try:
        parameters = inspect.signature(component).parameters
        signature = Signature(component, OFFERED[kind])
    except (TypeError, ValueError) as error:
        return [f"Its arguments cannot be read ({error}), so recipes cannot be checked against them."]
    if signature.open:
        return ["It takes any keyword (**), so a mistyped key of a recipe would pass: name its arguments."]
    found = [
        f'Its argument "{name}" cannot be given as a keyword, which is how recipes give arguments.'
        for name, parameter in parameters.items()
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
    ]
    found += [
        f'Its argument "{name}" is a key that itrans keeps for itself: call it otherwise.'
        for name in sorted(RESERVED[kind].intersection(signature.parameters))
    ]
    found += [
        f'It takes no "{name}", which itrans offers: take it, and raise ValueError for what cannot be done.'
        for name in NEEDED[kind]
        if name not in parameters
    ]
    return found


def annotation_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what keeps recipes from checking the values of arguments."""
    signature = _signature(kind, component)
    if signature is None:
        return []
    unchecked = signature.unchecked()
    found = [
        f'Its argument "{name}" has no annotation that a recipe\'s value can be checked against: int, float, bool, '
        "str, Literal, list, tuple, X | None and Annotated with bounds can be."
        for name in unchecked
    ]
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty and name not in unchecked
    }
    for name, value in defaults.items():
        try:
            messages = [message for key, message in signature.faults({name: value}, "") if key == name]
        except (TypeError, ValueError) as error:
            messages = [f': "{name}" cannot be written in a recipe ({error}).']
        found += [f"A default should be what its annotation says{message}" for message in messages]
    return found


def argument_faults(kind: str, component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what a recipe with these arguments would be told."""
    signature = _signature(kind, component)
    if signature is None:
        return []
    return [" ".join(message.split()) for _, message in signature.faults(arguments, f"The {kind}")]


def _signature(kind: str, component: Callable[..., Any]) -> Signature | None:
    with contextlib.suppress(TypeError, ValueError):  # told by signature_faults
        return Signature(component, OFFERED[kind])
    return None
