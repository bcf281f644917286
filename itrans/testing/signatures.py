"""What can be told of a component from its signature, its attributes and its import alone."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from itrans.recipe.arguments import Signature
from itrans.recipe.check import OFFERED, RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable

_NEEDED = {"generator": ("in_channels", "out_channels"), "dataset": ("split",), "method": ("build_generator",)}
"""Of what is offered, what a component that works cannot do without."""

_METHODS_OF = {
    "generator": ("__call__",),
    "discriminator": ("__call__",),
    "loss": (),
    "dataset": ("__len__", "__getitem__"),
    "method": ("step", "translate"),
}


def signature_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what keeps recipes from giving arguments to a component, and from checking them."""
    try:
        signature = Signature(component, OFFERED[kind])
    except (TypeError, ValueError) as error:
        return [f"Its signature cannot be read ({error}), so recipes cannot be checked against it."]
    found = []
    if signature.open:
        found.append("It takes any keyword (**), so a mistyped key of a recipe would pass. Name its arguments.")
    found += [
        f'Its argument "{name}" is a key that itrans keeps for itself. Call it otherwise.'
        for name in RESERVED[kind].intersection(signature.parameters)
    ]
    found += [
        f'Its argument "{name}" has no annotation that a value from a recipe can be checked against. '
        "int, float, bool, str, Literal, list, tuple, X | None and Annotated with bounds can."
        for name in signature.unchecked()
    ]
    found += [
        f'The default of "{name}" is not what its annotation says: {message}' for name, message in _own(signature)
    ]
    if not signature.open:
        taken = _taken(component)
        found += [
            f'It takes no "{name}", which itrans offers and a {kind} needs.'
            for name in _NEEDED.get(kind, ())
            if name not in taken
        ]
    return found


def attribute_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what attributes a class lacks, or has wrong. Of a function that makes components nothing is known."""
    if not isinstance(component, type):
        return []
    found = [
        f"It has no {name}, which itrans calls."
        for name in _METHODS_OF[kind]
        if not callable(getattr(component, name, None))
    ]
    if kind == "loss":
        role = getattr(component, "role", None)
        if not isinstance(role, str):
            found.append('It has no role: say role = "image" or role = "adversarial" in the class.')
        elif role == "adversarial":
            found += [
                f"It has no {name}(), which itrans calls."
                for name in ("generator", "discriminator")
                if not hasattr(component, name)
            ]
        elif not callable(getattr(component, "__call__", None)):  # noqa: B004  # type.__call__ is not meant
            found.append("It cannot be called with a Translated record.")
    multiple = getattr(component, "size_multiple", 1)
    if kind == "generator" and not isinstance(multiple, property) and not _is_multiple(multiple):
        found.append(f"size_multiple is {multiple!r}; it should be a whole number from 1.")
    return found


def argument_faults(kind: str, component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what a recipe with these arguments would be told."""
    try:
        signature = Signature(component, OFFERED[kind])
    except (TypeError, ValueError):
        return []  # told by signature_faults
    return [message for _, message in signature.faults(arguments, f"The {kind}")]


def import_faults(component: Callable[..., Any]) -> list[str]:
    """Return what importing the component's module does that it should not: connect to a network, or print."""
    module = getattr(component, "__module__", "__main__")
    if module == "__main__" or getattr(sys.modules.get(module), "__spec__", None) is None:
        return []  # a notebook's or a script's own
    return list(_import_faults_of(module, tuple(sys.path)))


@functools.cache
def _import_faults_of(module: str, path: tuple[str, ...]) -> tuple[str, ...]:
    program = f"""
import socket, sys
sys.path[:] = {list(path)!r}
def refuse(*_, **__):
    raise ConnectionError("itrans.testing: a connection during import")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
import importlib
importlib.import_module({module!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        reason = "connects to a network" if "itrans.testing: a connection" in done.stderr else "fails in a new process"
        return (f"Importing {module} {reason}: {last}",)
    if done.stdout:
        return (f"Importing {module} prints {done.stdout.splitlines()[0]!r}: an import is silent.",)
    return ()


def _own(signature: Signature) -> list[tuple[str, str]]:
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty and parameter.default is not None
    }
    unchecked = set(signature.unchecked())
    found = signature.faults({k: v for k, v in defaults.items() if k not in unchecked}, "It")
    return [(name, message) for name, message in found if name]


def _taken(component: Callable[..., Any]) -> set[str]:
    import inspect

    return set(inspect.signature(component).parameters)


def _is_multiple(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
