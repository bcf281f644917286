"""The parts of a recipe: what each of its tables names, looked up once."""

from __future__ import annotations

import contextlib
import functools
import itertools
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from itrans.errors import ItransError, PluginError, Problem, RecipeError, shortened
from itrans.recipe.arguments import Builder, all_parts, tables_in
from itrans.recipe.schema import MOST_ENTRIES, Component, LossComponent
from itrans.recipe.signature import Signature, value_text
from itrans.recipe.transforms import is_registered
from itrans.registry import LOCAL, REGISTRIES, accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from itrans.plugins import Origin
    from itrans.recipe.document import KeyPath, Where
    from itrans.recipe.schema import Tables, Validation
    from itrans.recipe.signature import Slot

OFFERED = {
    "dataset": ("split",),
    "generator": ("in_channels", "out_channels", "initialize"),
    "discriminator": ("in_channels", "condition_channels", "initialize"),
    "loss": (),
    "transform": (),
    "metric": ("source", "target", "device", "announce"),
    "tracker": ("step",),
    "page": ("step",),
    "method": ("build_generator", "build_discriminator", "losses", "source", "target", "extras", "initialize"),
}
"""What itrans gives to the components of each kind when it builds them."""

RESERVED = {kind: {"name"} for kind in OFFERED} | {"loss": {"name", "weight"}, "transform": {"name", "on"}}
"""Keys of a component's table that are the core's."""

LISTS: dict[str, type[Component]] = {"loss": LossComponent, "tracker": Component}
"""The kinds of which a recipe has a list, and the model of an entry."""

_HANDED_DOWN = ("split", "initialize")
"""What a component that is an argument is offered because the one around it was."""

_MOST_SHOWN = 100
_SINGLE = ("method", "dataset", "generator", "discriminator")


@dataclass(frozen=True)
class Part:
    """A component that a recipe names. What it is comes from its registry when it is first asked for.

    Attributes:
        key: where in the recipe: `("generator",)` or `("loss", 1)`.
        kind: what kind of component.
        name: what the recipe calls it.
        arguments: what the recipe gives to it.
        recorded: the distributions of components by kind and name, as a run or a checkpoint recorded them.
        is_argument: whether it is an argument of another component.
    """

    key: KeyPath
    kind: str
    name: str
    arguments: Mapping[str, Any] = field(hash=False)
    recorded: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)
    is_argument: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Return its fields alone, for a pickle: what it has found by them, it finds again."""
        return {field.name: vars(self)[field.name] for field in fields(self)}

    @functools.cached_property
    def origin(self) -> Origin:
        """Where the component comes from; raises `PluginError` if that is not clear, or the recorded one is gone."""
        registry = REGISTRIES[self.kind]
        distribution = self.recorded.get((self.kind, self.name))
        if distribution is None:
            return registry.origin(self.name)
        return registry.origin(registry.recorded_name(self.name, distribution))

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

    @functools.cached_property
    def inner(self) -> Mapping[str, tuple[Part, ...]]:
        """The components among its arguments; raises what `component` raises if there may be some."""
        tables = {name: [*tables_in(value)] for name, value in self.arguments.items()}
        if not any(tables.values()):
            return {}  # without importing anything
        return {
            argument: tuple(self._part_of((argument, *place), slot, table) for place, table in tables[argument])
            for argument, slot in self.signature.slots.items()
            if argument in tables
        }

    def _part_of(self, key: KeyPath, slot: Slot, table: Mapping[str, Any]) -> Part:
        arguments = {name: value for name, value in table.items() if name != "name"}
        return Part((*self.key, *key), slot.kind, table["name"], arguments, self.recorded, is_argument=True)

    def faults(self, hint: Callable[[str, Collection[str]], str]) -> Iterator[tuple[KeyPath, str]]:
        """Yield what is wrong with it, each with the key of where that is; see `Signature.faults` for `hint`."""
        has_table = self.key[0] != "validation"  # of whose metrics a recipe says the names alone
        reserved = {"name"} if self.is_argument else RESERVED[self.kind]
        try:
            found = self.signature.faults(self.arguments, self.owner, hint)
            if has_table and (taken := reserved.intersection(self.signature.parameters)):
                raise PluginError(f'{self.owner} has an argument "{taken.pop()}", which a recipe cannot give to it.')
            inner = self.inner
        except PluginError as error:
            yield (*self.key, "name") if has_table else self.key, str(error)
            return
        for name, message in found:
            yield (*self.key, name) if name else self.key, message
        for argument, slot in self.signature.slots.items():
            if argument in self.arguments:
                yield from self._slot_faults(argument, slot)
        for part in itertools.chain.from_iterable(inner.values()):
            yield from part.faults(hint)

    def _slot_faults(self, argument: str, slot: Slot) -> Iterator[tuple[KeyPath, str]]:
        """Yield what keeps an argument from being read as a component, or as a list of components."""
        key, value = (*self.key, argument), self.arguments[argument]
        dotted = ".".join(map(str, key))
        wanted = f"the name of a {slot.kind} and its arguments: [{dotted}]"
        if slot.is_list:
            wanted = f"the name of a {slot.kind} and its arguments in each: [[{dotted}]]"
        if isinstance(value, list) is not slot.is_list:
            what = "list of tables" if slot.is_list else "table"
            shown = shortened(value_text(value), _MOST_SHOWN)
            yield key, f'{self.owner}: "{argument}" is {shown}, but should be a {what} with {wanted}.'
            return
        if slot.is_list and len(value) > MOST_ENTRIES:
            yield key, f'{self.owner}: "{argument}" has {len(value)} entries; {MOST_ENTRIES} are the most.'
        good = {place for place, _ in tables_in(value)}
        for place in [(number,) for number in range(len(value))] if slot.is_list else [()]:
            if place not in good:
                yield (*key, *place), f'{self.owner}: "{argument}" should be a table with {wanted}; "name" is missing.'

    def filled(self) -> dict[str, Any]:
        """Return the arguments that the recipe could have given and has not, with what the component takes then.

        Components among the arguments are there as well, as tables in which nothing is left out.
        """
        found = {name: value for name, value in self.signature.defaults().items() if name not in self.arguments}
        for argument, parts in self.inner.items():
            tables = [{"name": part.name, **part.arguments, **part.filled()} for part in parts]
            found[argument] = tables if self.signature.slots[argument].is_list else tables[0]
        return found

    def build(self, where: Where, **offered: Any) -> Any:
        """Make the component; of what is offered, it gets what its signature names, and may hand some of it down.

        Raises:
            RecipeError: the component refuses its arguments.
            ItransError: the component itself says what is wrong.
            PluginError: the component fails in another way.
        """
        try:
            given = self.signature.values(self.arguments) | self._builders(where, offered)
            taken = {name: value for name, value in offered.items() if name in OFFERED[self.kind]}
            return self.component(**accepted_arguments(self.component, taken) | given)
        except ItransError:
            raise
        except ValueError as error:
            raise RecipeError(Problem(*where(self.key), f"{self.owner} refuses its arguments: {error}")) from error
        except (Exception, SystemExit, GeneratorExit) as error:
            raise PluginError(f"{self.owner} failed: {type(error).__name__}: {error}") from error

    def _builders(self, where: Where, offered: Mapping[str, Any]) -> dict[str, Builder | tuple[Builder, ...]]:
        """Return what makes the components among its arguments."""
        handed = {name: offered[name] for name in _HANDED_DOWN if name in offered}
        found: dict[str, Builder | tuple[Builder, ...]] = {}
        for argument, parts in self.inner.items():
            places = {part.key: where(part.key) for part in all_parts(parts)}
            builders = tuple(Builder(part, places, handed) for part in parts)
            found[argument] = builders if self.signature.slots[argument].is_list else builders[0]
        empty = (name for name, slot in self.signature.slots.items() if slot.is_list and self.arguments.get(name) == [])
        return dict.fromkeys(empty, ()) | found


def parts_of(tables: Tables, recorded: Mapping[tuple[str, str], str] | None = None) -> tuple[Part, ...]:
    """Return every part of a recipe; of several components of one name it is the recorded one."""
    named = [*_entries(vars(tables)), *_transforms(tables)]
    return tuple(
        Part(key, kind, table.name, table.arguments, recorded or {}) for key, kind, table in named if table is not None
    )


def _transforms(tables: Tables) -> Iterator[tuple[KeyPath, str, Any]]:
    """Yield what `_entries` does of each transform that is a component, not a class of albumentations."""
    for place, table in enumerate(tables.augment.transform):
        if is_registered(table.name):
            yield ("augment", "transform", place), "transform", table


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
    filled: dict[KeyPath, dict[str, Any]] = {part.key: part.filled() for part in parts}
    full: dict[str, Any] = dict.fromkeys(LISTS, ())
    for key, kind, table in _entries(vars(tables)):
        if table is not None:
            entry = table.model_copy(update=filled.get(key, {}))
            full[kind] = (*full[kind], entry) if kind in LISTS else entry
    if transforms := tables.augment.transform:
        keys = [("augment", "transform", place) for place in range(len(transforms))]
        entries = [table.model_copy(update=filled.get(key, {})) for key, table in zip(keys, transforms, strict=True)]
        full["augment"] = tables.augment.model_copy(update={"transform": tuple(entries)})
    return tables.model_copy(update=full)
