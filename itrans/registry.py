"""Finding components by name: five registries, filled by entry points and by decorators.

Names are listed without importing anything; `get` imports the one component that is asked for.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from itrans import __version__, plugins
from itrans.errors import PluginError, did_you_mean, quoted
from itrans.plugins import Origin
from itrans.protocols import Dataset, Discriminator, Generator, Loss, Method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

API_VERSION = 1
"""The version of the component protocols. A component may carry `itrans_api`; a higher one than this is refused."""

LOCAL = "local"
"""The distribution of a component that was registered with the decorator, not by an installed package."""

T = TypeVar("T")
C = TypeVar("C", bound="Callable[..., Any]")


class Registry(Generic[T]):
    """The components of one kind, by name.

    A name is what an entry point declares (`unet`), or that with its distribution in front (`itrans:unet`), which is
    unique even when two distributions bring the same name.

    Args:
        kind: what the components are, for messages: a key of `itrans.plugins.GROUPS`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._local: dict[str, Callable[..., T]] = {}

    def register(self, name: str, *, replace: bool = False) -> Callable[[C], C]:
        """Return a decorator that registers a component for this process, for notebooks, tests and `--code` files.

        Args:
            name: what recipes call it.
            replace: take the place of a component of that name; without it, a name that is taken is an error.

        Raises:
            PluginError: the name is taken or contains a colon.
        """
        if ":" in name or not name:
            raise PluginError(f'"{name}" cannot name a {self.kind}: a name is not empty and has no colon.')
        taken = [origin for origin in self.origins() if origin.name == name]
        if taken and not replace:
            raise PluginError(
                f'The {self.kind} "{name}" is registered already, by {_source(taken[0])}. '
                "Choose another name, or pass replace=True to take its place."
            )

        def keep(component: C) -> C:
            self._local[name] = component
            return component

        return keep

    def unregister(self, name: str) -> None:
        """Take back a `register`; a name that was not registered by decorator is left alone."""
        self._local.pop(name, None)

    def origins(self) -> list[Origin]:
        """Return where every component comes from, by name and distribution, without importing any.

        A name that was registered by decorator hides installed components of the same name.
        """
        local = [Origin(self.kind, name, LOCAL, "", _place(component)) for name, component in self._local.items()]
        found = [
            origin
            for origin in plugins.installed().origins
            if origin.kind == self.kind and origin.name not in self._local
        ]
        return sorted(local + found)

    def names(self) -> list[str]:
        """Return the names a recipe can use, sorted, without importing anything; ambiguous ones are qualified."""
        names = [origin.name for origin in self.origins()]
        return [origin.name if names.count(origin.name) == 1 else origin.qualified for origin in self.origins()]

    def origin(self, name: str) -> Origin:
        """Return where the component of this name, plain or qualified, comes from.

        Raises:
            PluginError: no component has the name, or several have.
        """
        origins = self.origins()
        if ":" in name:
            distribution, _, plain = name.partition(":")
            wanted = (plugins.normalized(distribution), plain)
            matches = [origin for origin in origins if (origin.distribution, origin.name) == wanted]
        else:
            matches = [origin for origin in origins if origin.name == name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise PluginError(
                f'Several packages bring a {self.kind} "{name}": {", ".join(_source(match) for match in matches)}.\n'
                f"Say which: {' or '.join(quoted(match.qualified for match in matches))}."
            )
        known = self.names()
        raise PluginError(
            f'There is no {self.kind} "{name}".{did_you_mean(name, known)}\n'
            f"Installed: {', '.join(known) or 'none'}."
            + "".join(f"\n{note}" for note in plugins.installed().unreadable)
        )

    def get(self, name: str) -> Callable[..., T]:
        """Import the component of this name, plain or qualified, and return it: a class or another callable.

        Raises:
            PluginError: no component has the name or several have, it fails on import, or it needs a newer itrans.
        """
        origin = self.origin(name)
        if origin.distribution == LOCAL:
            return self._local[origin.name]
        try:
            component = origin.load()
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # an imported module may raise anything, SystemExit too
            raise PluginError(
                f'The {self.kind} "{origin.name}" of {_source(origin)} cannot be imported from {origin.target}:\n'
                f"{type(error).__name__}: {error}"
            ) from error
        if not callable(component):
            raise PluginError(
                f'The {self.kind} "{origin.name}" of {_source(origin)} is {type(component).__name__} {origin.target}, '
                "not something that can be called to make one."
            )
        needs = getattr(component, "itrans_api", 1)
        if needs > API_VERSION:
            raise PluginError(
                f'The {self.kind} "{origin.name}" of {_source(origin)} needs the component API {needs}; '
                f"itrans {__version__} has {API_VERSION}. Update it: pip install --upgrade itrans"
            )
        return component

    def build(self, table: Mapping[str, Any], **offered: Any) -> T:
        """Make the component that a recipe's table names.

        Args:
            table: `name` and the component's arguments.
            offered: what the caller has to give besides. An argument goes in only if the component's signature takes
                it and the table does not set it, so more can be offered later without breaking a component.

        Raises:
            PluginError: see `get`.
        """
        component = self.get(table["name"])
        arguments = {key: value for key, value in table.items() if key != "name"}
        taken = accepted(component, offered)
        return component(**{**taken, **arguments})


def accepted(component: Callable[..., object], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the offered arguments that the component's signature names (`**kwargs` names none)."""
    parameters = inspect.signature(component).parameters
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: value for name, value in offered.items() if name in parameters and parameters[name].kind in by_name}


def _place(component: Callable[..., object]) -> str:
    named = component if hasattr(component, "__qualname__") else type(component)
    return f"{named.__module__}:{named.__qualname__}"


def _source(origin: Origin) -> str:
    return f"{origin.distribution} {origin.version}".strip()


GENERATORS: Registry[Generator] = Registry("generator")
DISCRIMINATORS: Registry[Discriminator] = Registry("discriminator")
LOSSES: Registry[Loss] = Registry("loss")
DATASETS: Registry[Dataset] = Registry("dataset")
METHODS: Registry[Method] = Registry("method")

REGISTRIES: dict[str, Registry[Any]] = {
    registry.kind: registry for registry in (GENERATORS, DISCRIMINATORS, LOSSES, DATASETS, METHODS)
}
"""The five registries by kind."""
