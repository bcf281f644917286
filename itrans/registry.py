"""Finding components by name: a registry for each kind, filled by entry points and by decorators.

Names are listed without importing anything; `get` imports the one component that is asked for.
"""

from __future__ import annotations

import collections
import contextlib
import inspect
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from itrans import __version__, plugins
from itrans.errors import PluginError, did_you_mean, error_text, printable, quoted
from itrans.metadata import metadata_fault
from itrans.plugins import Origin
from itrans.protocols import Dataset, Discriminator, Generator, Loss, Method, Metric, Tracker, Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

API_VERSION = 1
"""The version of the component protocols. A component may carry `itrans_api`; a higher one than this is refused."""

LOCAL = plugins.LOCAL
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

    @property
    def group(self) -> str:
        """The group of entry points that its components are declared in."""
        return plugins.GROUPS[self.kind]

    def register(self, name: str, *, replace: bool = False) -> Callable[[C], C]:
        """Return a decorator that registers a component for this process, for notebooks, tests and `--code` files.

        Args:
            name: what recipes call it.
            replace: take the place of a component of that name; without it, a name that is taken is an error.

        Raises:
            PluginError: the name is taken, or is not a name.
        """
        if not plugins.is_name(name):
            raise PluginError(f'"{printable(name)}" cannot name a {self.kind}: {plugins.NAMING}.')
        taken = [origin for origin in self._namesakes(name) if self._is_seen(origin)]
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

        A name that was registered by decorator hides installed components of the same name, but for their qualified
        names.
        """
        installed = [origin for origin in plugins.installed().origins if origin.kind == self.kind]
        everything = [*map(self._local_origin, self._local), *installed]
        return sorted(origin for origin in everything if self._is_seen(origin))

    def names(self) -> list[str]:
        """Return the names a recipe can use, sorted, without importing anything; ambiguous ones are qualified."""
        origins = self.origins()
        count = collections.Counter(origin.name for origin in origins)
        return [origin.name if count[origin.name] == 1 else origin.qualified for origin in origins]

    def origin(self, name: str) -> Origin:
        """Return where the component of this name, plain or qualified, comes from.

        Raises:
            PluginError: no component has the name, or several have.
        """
        if ":" in name:
            distribution, _, plain = name.partition(":")
            wanted = plugins.normalized(distribution)
            matches = [origin for origin in self._namesakes(plain) if origin.distribution == wanted]
        else:
            matches = [origin for origin in self._namesakes(name) if self._is_seen(origin)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise PluginError(
                f'Several packages bring a {self.kind} "{name}": {", ".join(_source(match) for match in matches)}.\n'
                f"Say which: {' or '.join(quoted(match.qualified for match in matches))}."
            )
        known, found = self.names(), plugins.installed()
        notes = [*found.unreadable, *found.missing]
        if found.only is not None:
            notes.insert(0, f"{plugins.RESTRICTION} restricts the packages that are seen to {', '.join(found.only)}.")
        if not (nearest := did_you_mean(name, known)):
            notes.append("If it is in a file of your own, name the file: --code FILE.")
        raise PluginError(
            f'There is no {self.kind} "{printable(name)}".{nearest}\n'
            f"Installed: {', '.join(known) or 'none'}." + "".join(f"\n{note}" for note in notes)
        )

    def recorded_name(self, name: str, distribution: str) -> str:
        """Return the name to look a component up by that a checkpoint or a run has recorded.

        Raises:
            PluginError: the recorded distribution does not bring it here.
        """
        if ":" in name:
            return name
        namesakes = self._namesakes(name)
        if any(origin.distribution == distribution for origin in namesakes):
            return f"{distribution}:{name}"
        if distribution == LOCAL and len(namesakes) == 1 and namesakes[0].distribution != plugins.OURS:
            return name  # what was tried in a file has since been made a package
        if not namesakes and distribution == plugins.OURS:
            return name  # of another version of itrans; whoever looks it up is told what there is
        here = f'There is no {self.kind} "{printable(name)}" here.'
        if namesakes:
            others = ", ".join(map(_source, namesakes))
            here = f'The {self.kind} "{printable(name)}" of {others} is not the one that is meant.'
        if distribution == LOCAL:
            raise PluginError(f"{here} It was registered by a file of your own: give that, --code FILE.")
        package = printable(distribution)
        raise PluginError(f"{here} It came from {package}, which is not installed: pip install {package}")

    def get(self, name: str) -> Callable[..., T]:
        """Import the component of this name, plain or qualified, and return it: a class or another callable.

        Raises:
            PluginError: no component has the name or several have, it fails on import, or it needs a newer itrans.
        """
        origin = self.origin(name)
        if origin.distribution == LOCAL:
            return self._local[origin.name]
        who = f'The {self.kind} "{origin.name}" of {_source(origin)}'
        with _somebodys_code(f"{who} cannot be imported from {origin.target}:", origin):
            component: Any = origin.load()
        if not callable(component):
            advice = "" if ":" in origin.target else f" {_entry_point_advice(origin)}"
            raise PluginError(
                f"{who} is {printable(type(component).__name__)} {origin.target}, "
                f"not something that can be called to make one.{advice}"
            )
        with _somebodys_code(f"{who} cannot be used, because its itrans_api or its arguments cannot be read:"):
            needs = getattr(component, "itrans_api", 1)
            inspect.signature(component)
        if not isinstance(needs, int):
            kind = printable(type(needs).__name__)
            raise PluginError(f"{who} cannot be used, because its itrans_api is of type {kind}, not a whole number.")
        if needs > API_VERSION:
            raise PluginError(
                f"{who} needs the component API {needs}; "
                f"itrans {__version__} has {API_VERSION}. Update it: pip install --upgrade itrans"
            )
        return cast("Callable[..., T]", component)

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
        taken = accepted_arguments(component, offered)
        return component(**{**taken, **arguments})

    def _namesakes(self, name: str) -> list[Origin]:
        """Return all components of a plain name, those that a decorator hides among them."""
        local = [self._local_origin(name)] if name in self._local else []
        return [*local, *plugins.installed().by_name.get((self.kind, name), ())]

    def _local_origin(self, name: str) -> Origin:
        component = self._local[name]
        named = component if hasattr(component, "__qualname__") else type(component)
        return Origin(self.kind, name, LOCAL, "", f"{named.__module__}:{named.__qualname__}")

    def _is_seen(self, origin: Origin) -> bool:
        return origin.distribution == LOCAL or origin.name not in self._local


@contextlib.contextmanager
def _somebodys_code(told: str, origin: Origin | None = None) -> Iterator[None]:
    """Raise `PluginError` instead of whatever the block raises, a `KeyboardInterrupt` of its own making too.

    Ctrl-C is let through. With an origin, the block imports that.
    """
    pressed = False

    def press(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    listens = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if listens:
        signal.signal(signal.SIGINT, press)
    try:
        yield
    except BaseException as error:
        if pressed:
            raise KeyboardInterrupt from error
        place = _imported_from(origin, error) + _advice(origin, error) if origin is not None else ""
        raise PluginError(metadata_fault(error) or f"{told}\n{error_text(error)}{place}") from error
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def accepted_arguments(component: Callable[..., object], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the offered arguments that the component's signature names (`**kwargs` names none)."""
    parameters = inspect.signature(component).parameters
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: value for name, value in offered.items() if name in parameters and parameters[name].kind in by_name}


def _source(origin: Origin) -> str:
    return f"{origin.distribution} {origin.version}".strip()


def _advice(origin: Origin, error: BaseException) -> str:
    """Return what is wrong with how an entry point is written, as a sentence after that of the error."""
    module, colon, attribute = origin.target.partition("[")[0].partition(":")
    if not colon or not attribute.strip():
        return f". {_entry_point_advice(origin)}"
    if isinstance(error, AttributeError) and getattr(error.obj, "__name__", None) == module.strip():
        # Of the module itself: what its classes lack is another matter.
        return did_you_mean(error.name or "", [name for name in vars(error.obj) if not name.startswith("_")])
    return ""


def _entry_point_advice(origin: Origin) -> str:
    """Return how an entry point without a colon should be written: a dot or a blank may stand for it."""
    before, _, last = origin.target.rstrip(": ").replace(" ", ".").rpartition(".")
    meant = f"{before}:{last}" if before and last[:1].isupper() else f"{origin.module}:Class"
    return f"An entry point names a class in a module: write {meant}."


def _imported_from(origin: Origin, error: BaseException) -> str:
    """Return the file of the package in which something lacks: it may be another package of the same name."""
    if not isinstance(error, ImportError | AttributeError):
        return ""
    lacking = error.name if isinstance(error, ImportError) else getattr(error.obj, "__name__", None)
    package = (lacking if isinstance(lacking, str) else origin.module).partition(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None)
    return f" ({package} is {printable(file)})" if isinstance(file, str) and file not in str(error) else ""


GENERATORS: Registry[Generator] = Registry("generator")
DISCRIMINATORS: Registry[Discriminator] = Registry("discriminator")
LOSSES: Registry[Loss] = Registry("loss")
DATASETS: Registry[Dataset] = Registry("dataset")
METHODS: Registry[Method] = Registry("method")
TRANSFORMS: Registry[Transform] = Registry("transform")
METRICS: Registry[Metric] = Registry("metric")
TRACKERS: Registry[Tracker] = Registry("tracker")
PAGES: Registry[Tracker] = Registry("page")

REGISTRIES: dict[str, Registry[Any]] = {
    registry.kind: registry
    for registry in (GENERATORS, DISCRIMINATORS, LOSSES, DATASETS, METHODS, TRANSFORMS, METRICS, TRACKERS, PAGES)
}
"""The registries by kind."""
