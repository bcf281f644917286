"""A component's signature as the schema of its table."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import json
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from itrans import component as components
from itrans.component import ComponentKind
from itrans.errors import did_you_mean, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_NOT_CHECKABLE = (PydanticUserError, PydanticUndefinedAnnotation)
"""What pydantic raises for a type that it has no schema for."""

_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_MOST_FAULTS = 50
_MOST_SHOWN = 100
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Slot(NamedTuple):
    """An argument that is a component itself.

    Attributes:
        kind: what kind of component.
        is_list: whether it is a list of such.
    """

    kind: str
    is_list: bool


class Signature:
    """What a component can be given by a recipe."""

    def __init__(self, component: Callable[..., object], offered: Collection[str] = ()) -> None:
        """Read the arguments of a class or another callable; those that itrans offers a recipe cannot set."""
        everything = inspect.signature(component).parameters
        self.open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in everything.values())
        self.offered = set(offered)
        self.parameters = {
            name: parameter
            for name, parameter in everything.items()
            if parameter.kind in _NAMED and name not in self.offered
        }
        self._annotations = _annotations(component)
        slots = {name: _slot_of(self._annotations.get(name)) for name in self.parameters}
        self.slots = {name: slot for name, slot in slots.items() if slot is not None}

    @property
    def required(self) -> frozenset[str]:
        """The names of the arguments that have no default."""
        return frozenset(name for name, one in self.parameters.items() if one.default is one.empty)

    def faults(
        self, arguments: Mapping[str, Any], owner: str, hint: Callable[[str, Collection[str]], str] = did_you_mean
    ) -> list[tuple[str, str]]:
        """Return what is wrong with a recipe's arguments, as pairs of an argument's name (or "") and a message.

        Messages begin with `owner`, such as `The generator "sketch" (itrans-sketch 1.0)`. `hint` is asked what to
        suggest for an unknown name, given those that are known. Components among the arguments are not looked at.
        """
        found: list[tuple[str, str]] = []
        for name, value in arguments.items():
            if len(found) == _MOST_FAULTS:
                found.append(("", f"{owner} has more faults."))
                break
            if name in self.parameters:
                if name not in self.slots and (message := self._value_fault(name, value)):
                    found.append((name, f"{owner}: {message}"))
            elif name in self.offered:
                found.append((name, f'{owner} is given "{name}" by itrans, from the data; leave it out.'))
            elif not self.open:
                unknown = shortened(name, _MOST_SHOWN)
                message = f'{owner} takes no "{unknown}".{hint(name, self.parameters)}\n{self.listing()}'
                found.append((name, message))
        missing = [
            name
            for name, parameter in self.parameters.items()
            if parameter.default is parameter.empty and name not in arguments
        ]
        found.extend(("", f'{owner} needs "{name}".\n{self.listing()}') for name in missing)
        return found

    def unchecked(self) -> list[str]:
        """Return the arguments whose values cannot be checked: without an annotation, or with one that TOML has not."""
        found = []
        for name in [name for name in self.parameters if name not in self.slots]:
            try:
                TypeAdapter(self._annotations[name])
            except (KeyError, *_NOT_CHECKABLE):
                found.append(name)
        return found

    def defaults(self) -> dict[str, Any]:
        """Return the defaults that a recipe could have written (TOML has no null, so None is left out)."""
        found = {}
        for name, parameter in self.parameters.items():
            value = parameter.default
            if value is not parameter.empty and (stored := _stored_form(value)) is not None:
                found[name] = stored
        return found

    def values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what to call the component with: values as its annotations say, a list as the tuple it asks for.

        Components among the arguments are left out: they are to be made of their tables.
        An argument that a recipe merely repeats from the defaults is left to the component.
        """
        found = {}
        for name, value in arguments.items():
            if name in self.slots:
                continue
            parameter = self.parameters.get(name)
            if parameter is not None and parameter.default is not parameter.empty:
                stored = _stored_form(parameter.default)
                if stored == value and type(stored) is type(value):
                    continue
            found[name] = value
            if parameter is not None:
                with contextlib.suppress(*_NOT_CHECKABLE):
                    adapter = TypeAdapter(self._annotations.get(name, Any))
                    found[name] = adapter.validate_json(json.dumps(value, default=str), strict=True)
        return found

    def listing(self) -> str:
        """Return a sentence that lists the arguments with their types and defaults."""
        entries = self.listings()
        return f"It takes: {', '.join(entries)}" if entries else "It takes no arguments."

    def listings(self) -> list[str]:
        """Return each argument with its type and its default: `steps (int = 20)`."""
        entries = []
        for name, parameter in self.parameters.items():
            shown = type_text(self._annotations.get(name, Any))
            default = "" if parameter.default is parameter.empty else f" = {value_text(parameter.default)}"
            entries.append(f"{name} ({shown}{default})")
        return entries

    def schema(self, name: str) -> dict[str, Any]:
        """Return the JSON schema of an argument; empty where it has none."""
        try:
            return TypeAdapter(self.annotation(name)).json_schema()
        except _NOT_CHECKABLE:
            return {}

    def annotation(self, name: str) -> Any:
        """Return the annotation of an argument; `Any` where it has none that can be read."""
        return self._annotations.get(name, Any)

    def _value_fault(self, name: str, value: object) -> str | None:
        annotation = self._annotations.get(name, Any)
        try:
            TypeAdapter(annotation).validate_json(json.dumps(value, default=str), strict=True)
        except ValidationError as error:
            reasons = dict.fromkeys(problem["msg"][0].lower() + problem["msg"][1:] for problem in error.errors())
            kind = type_text(annotation)
            detail = f" ({'; '.join(reasons)})" if reasons else ""
            shown = shortened(value_text(value), _MOST_SHOWN)
            return f'"{name}" is {shown}, but should be {kind}{detail}.'
        except _NOT_CHECKABLE:
            pass  # not a type that TOML can be checked against; the component sees to it
        return None


def _stored_form(value: object) -> Any:
    """Return a default as a recipe could hold it, or None: TOML has no null, and no objects."""
    try:
        stored = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return None
    return None if _has_none(stored) else stored


def _has_none(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_none(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_none(inner) for inner in value)
    return value is None


def type_text(annotation: object) -> str:
    """Return an annotation as a recipe's author would write it: `int`, `"batch" | "instance"`, `list of int`."""
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    if origin is typing.Annotated:
        if (slot := _slot_of(annotation)) is not None:
            return f"table of a {slot.kind}"
        return type_text(inner[0])
    if origin is typing.Literal:
        return " | ".join(value_text(choice) for choice in inner)
    if origin is typing.Union or origin is types.UnionType:
        return " | ".join(type_text(choice) for choice in inner if choice is not type(None))
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return f"[{', '.join(type_text(item) for item in inner)}]"
    if origin in _LISTS and inner:
        return f"list of {type_text(inner[0])}"
    if annotation is Any:
        return "any value"
    plain = {str: "text", bool: "true | false", float: "number", dict: "table"}
    kind = typing.cast("type", origin or annotation)
    return plain.get(kind, getattr(kind, "__name__", str(annotation)))


def value_text(value: object) -> str:
    """Return a value as a recipe's author would write it."""
    if value is None:
        return "none"
    if isinstance(value, str | bool | list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _slot_of(annotation: object) -> Slot | None:
    """Return which component an annotation stands for: one, one or none, or a list of them; None for other things."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        kinds = [mark.kind for mark in annotation.__metadata__ if isinstance(mark, ComponentKind)]  # type: ignore[attr-defined]
        return Slot(kinds[0], is_list=False) if kinds else _slot_of(inner[0])
    if origin is typing.Union or origin is types.UnionType:
        return next(filter(None, map(_slot_of, inner)), None)
    if origin in _LISTS and inner and (slot := _slot_of(inner[0])) is not None:
        return Slot(slot.kind, is_list=True)
    return None


def _annotations(component: Callable[..., object]) -> dict[str, Any]:
    parameters = inspect.signature(component).parameters
    target = component.__init__ if inspect.isclass(component) else component
    try:
        found = typing.get_type_hints(target, include_extras=True)
        if not found.keys() & parameters.keys():  # a decorator hides them, and says the signature
            said = {n: p.annotation for n, p in parameters.items() if p.annotation is not p.empty}
            found = _evaluated(said, vars(sys.modules[component.__module__]))
    except Exception:  # an annotation may name anything, also what is only imported for type checkers
        names = vars(components) | getattr(inspect.unwrap(target), "__globals__", {})
        return {
            name: annotation
            for name, parameter in parameters.items()
            if parameter.annotation is not parameter.empty
            for annotation in [_component_annotation(parameter.annotation, names)]
            if not isinstance(annotation, str)
        }
    return found


def _component_annotation(annotation: object, names: dict[str, Any]) -> object:
    """Return an annotation of a component evaluated, any other one as it is."""
    if isinstance(annotation, str):
        with contextlib.suppress(Exception):
            evaluated: object = _evaluated({"": annotation}, names)[""]
            return annotation if _slot_of(evaluated) is None else evaluated
    return annotation


def _evaluated(annotations: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    signed = types.SimpleNamespace(__annotations__=annotations)
    return typing.get_type_hints(signed, names, include_extras=True)
