"""The parts of a recipe: what each of its tables names, looked up once."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from itrans.errors import ItransError, PluginError, Problem, RecipeError
from itrans.recipe.schema import MOST_ENTRIES, Component, LossComponent
from itrans.recipe.signature import Signature
from itrans.registry import LOCAL, REGISTRIES, accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from itrans.plugins import Origin
    from itrans.recipe.document import KeyPath, Where
    from itrans.recipe.schema import Tables, Validation

OFFERED = {
    "dataset": ("split",),
    "generator": ("in_channels", "out_channels", "initialize"),
    "discriminator": ("in_channels", "condition_channels", "initialize"),
    "loss": (),
    "metric": ("source", "target", "device", "announce"),
    "tracker": ("step",),
    "page": ("step",),
    "method": ("build_generator", "build_discriminator", "losses", "source", "target", "initialize"),
}
"""What itrans gives to the components of each kind when it builds them."""

RESERVED = {kind: {"name", "weight"} if kind == "loss" else {"name"} for kind in OFFERED}
"""Keys of a component's table that are the core's."""

LISTS: dict[str, type[Component]] = {"loss": LossComponent, "tracker": Component}
"""The kinds of which a recipe has a list, and the model of an entry."""

_SINGLE = ("method", "dataset", "generator", "discriminator")


@dataclass(frozen=True)
class Part:
    """A component that a recipe names. What it is comes from its registry when it is first asked for.

    Attributes:
        key: where in the recipe: `("generator",)` or `("loss", 1)`.
        kind: what kind of component.
        name: what the recipe calls it.
        arguments: what the recipe gives to it.
        distribution: the one that brought it when a run or a checkpoint recorded it; None if nothing is recorded.
    """

    key: KeyPath
    kind: str
    name: str
    arguments: Mapping[str, Any] = field(hash=False)
    distribution: str | None = None

    @functools.cached_property
    def origin(self) -> Origin:
        """Where the component comes from; raises `PluginError` if that is not clear, or the recorded one is gone."""
        registry = REGISTRIES[self.kind]
        if self.distribution is None:
            return registry.origin(self.name)
        return registry.origin(registry.recorded_name(self.name, self.distribution))

    @functools.cached_property
    def component(self) -> Callable[..., Any]:
        """The component, imported; raises `PluginError` if it cannot be."""
        return REGISTRIES[self.kind].get(self.origin.qualified)

    @functools.cached_property
    def signature(self) -> Signature:
        """What the component takes from a recipe."""
        return Signature(self.component, OFFERED[self.kind])

    @property
    def owner(self) -> str:
        """What a message calls it: `The generator "sketch" (itrans-sketch 1.0)`."""
        origin = self.origin
        package = "registered here" if origin.distribution == LOCAL else f"{origin.distribution} {origin.version}"
        return f'The {self.kind} "{self.name}" ({package})'

    def faults(self, hint: Callable[[str, Collection[str]], str]) -> Iterator[tuple[KeyPath, str]]:
        """Yield what is wrong with it, each with the key of where that is; see `Signature.faults` for `hint`."""
        has_table = self.kind != "metric"  # of which a recipe says the name alone
        try:
            found = self.signature.faults(self.arguments, self.owner, hint)
            if has_table and (taken := RESERVED[self.kind].intersection(self.signature.parameters)):
                raise PluginError(f'{self.owner} has an argument "{taken.pop()}", which a recipe cannot give to it.')
        except PluginError as error:
            yield (*self.key, "name") if has_table else self.key, str(error)
            return
        for name, message in found:
            yield (*self.key, name) if name else self.key, message

    def defaults(self) -> dict[str, Any]:
        """Return the arguments that the recipe could have given and has not, with what the component takes then."""
        return {name: value for name, value in self.signature.defaults().items() if name not in self.arguments}

    def build(self, where: Where, **offered: Any) -> Any:
        """Make the component; of what is offered, it gets what its signature names.

        Raises:
            RecipeError: the component refuses its arguments.
            ItransError: the component itself says what is wrong.
            PluginError: the component fails in another way.
        """
        try:
            given = self.signature.values(self.arguments)
            return self.component(**accepted_arguments(self.component, offered) | given)
        except ItransError:
            raise
        except ValueError as error:
            raise RecipeError(Problem(*where(self.key), f"{self.owner} refuses its arguments: {error}")) from error
        except (Exception, SystemExit, GeneratorExit) as error:
            raise PluginError(f"{self.owner} failed: {type(error).__name__}: {error}") from error


def parts_of(tables: Tables, recorded: Mapping[tuple[str, str], str] | None = None) -> tuple[Part, ...]:
    """Return every part of a recipe; of several components of one name it is the recorded one."""
    return tuple(
        Part(key, kind, table.name, table.arguments, (recorded or {}).get((kind, table.name)))
        for key, kind, table in _entries(vars(tables))
        if table is not None
    )


def _entries(tables: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str, Any]]:
    """Yield the key, the kind and the table of each component that may be named."""
    yield from (((kind,), kind, tables.get(kind)) for kind in _SINGLE)
    for kind in LISTS:
        if isinstance(entries := tables.get(kind), list | tuple):
            yield from (((kind, place), kind, table) for place, table in enumerate(entries[:MOST_ENTRIES]))


def metric_parts(validation: Validation) -> tuple[Part, ...]:
    """Return the metrics that a recipe names; a checkpoint does not record them, as they can be chosen anew."""
    named: list[tuple[KeyPath, str]] = [(("validation", "metric"), validation.metric)]
    named += [(("validation", "metrics", place), name) for place, name in enumerate(validation.metrics or ())]
    return tuple(Part(key, "metric", name, {}) for key, name in named if name != "auto")


def readable_parts(data: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return those parts of a recipe's values that can be read although something else in it is wrong."""
    found = []
    for key, kind, table in _entries(data):
        if isinstance(table, dict) and isinstance(table.get("name"), str) and table["name"]:
            model = LISTS.get(kind, Component)
            own = {name: value for name, value in table.items() if name == "name" or name not in model.model_fields}
            with contextlib.suppress(ValidationError):
                entry = model.model_validate(own)
                found.append(Part(key, kind, entry.name, entry.arguments))
    return tuple(found)


def with_defaults(tables: Tables, parts: Collection[Part]) -> Tables:
    """Return tables with the defaults of some parts written out, so that those of a later version change nothing."""
    defaults = {part.key: part.defaults() for part in parts}
    full: dict[str, Any] = dict.fromkeys(LISTS, ())
    for key, kind, table in _entries(vars(tables)):
        if table is not None:
            filled = table.model_copy(update=defaults.get(key, {}))
            full[kind] = (*full[kind], filled) if kind in LISTS else filled
    return tables.model_copy(update=full)
