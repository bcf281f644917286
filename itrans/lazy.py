"""Names of a module that are imported from others when they are asked for (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def getter(module: str, places: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module.

    Args:
        module: its name, for messages.
        places: the names that it has besides its own, by the modules, or packages of modules, that they are in.
    """
    modules = {name: place for place, names in places.items() for name in names}

    def attribute(name: str) -> Any:
        if name in modules:
            place = importlib.import_module(modules[name])
            return getattr(place, name) if hasattr(place, name) else importlib.import_module(f"{modules[name]}.{name}")
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return attribute
