"""Checks what a file holds against the types that it should have, all the way down, before any of it is used.

Containers are made anew, and tensors are taken without what hangs on them.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.errors import DataError, printable
from itrans.pictures.kinds import KINDS
from itrans.pictures.spec import ImageSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.pictures.extras import ExtraSpec

_MOST_CHARACTERS = 1_000_000
_MOST_VALUES = 1_000_000
_DEEPEST = 100
_LARGEST = 2**63 - 1
_EXPANDED = 2**20
"""How many bytes a tensor may seem to have that has fewer: one value repeated, as a small buffer may be."""

_EXTRA_STATE = "_extra_state"
"""What torch calls that of a module's state which need not be a tensor."""

_NUMBERS: dict[str, type[int] | type[float]] = {"int": int, "float": float}

_NOUNS: dict[type, str] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    bytes: "bytes",
    list: "a list",
    tuple: "a list",
    dict: "a table",
    Tensor: "a tensor",
}


class FieldError(ValueError):
    """A value is not what it should be; the text is the key, and what is wrong with it, as the end of a sentence."""


class UnknownError(FieldError):
    """A field, or one of several values to choose from, is not known here: the file may be of a newer version."""


class UnknownKindError(UnknownError):
    """A kind of pictures is not known here: its package, or a file of the user's own, brings it."""


def checked_value(value: Any, annotation: Any, key: str, least: Mapping[str, int] | None = None) -> Any:
    """Return a value of a file as its annotation says it is, in containers of its own.

    `least` has the smallest values of whole numbers by their keys; it is 0 for all others.

    Raises:
        UnknownError: it has a field, or a value, that is not known.
        FieldError: it is something else.
    """
    return _Check(least or {}).value(value, annotation, key)


def checked_table(value: Any, key: str) -> dict[str, Any]:
    """Return what could stand in a TOML file as well: texts, finite numbers, lists, and tables of them.

    Raises:
        FieldError: it is something else, or more than a recipe is.
    """
    if not isinstance(value, dict):
        raise FieldError(f"{key} is {noun(value)}, but should be a table.")
    found: dict[str, Any] = _Check({}, with_tensors=False).plain(value, key)
    return found


def checked_extras(value: Any, key: str) -> dict[str, ExtraSpec]:
    """Return what a file says of extras, see `itrans.pictures.extras.stored_extras`.

    Raises:
        UnknownError: there is an extra of a kind that is not known.
        FieldError: it is something else.
    """
    found: dict[str, ExtraSpec] = {}
    for name, said in checked_value(value, dict[str, Any], key).items():
        where = f"{key}.{printable(name)}"
        if isinstance(said, dict):
            found[name] = checked_value(said, ImageSpec, where)
        elif isinstance(said, list):
            found[name] = tuple(checked_value(said, list[str], where))
        elif isinstance(said, str) and said in _NUMBERS:
            found[name] = _NUMBERS[said]
        else:
            raise UnknownError(f"{where} = {said!r:.100}")
    return found


def dense(value: Any, key: str, *, expanded: int = _EXPANDED) -> Tensor:
    """Return a tensor whose values are all there, without gradients, hooks and attributes.

    It may seem to have `expanded` bytes that are not there, because a value stands for several.

    Raises:
        FieldError: it is no such tensor.
    """
    if not isinstance(value, Tensor):
        raise FieldError(f"{key} is {noun(value)}, but should be a tensor.")
    what = None
    if value.is_nested:
        what = "a nested tensor"
    elif value.layout != torch.strided:
        what = "a sparse tensor"
    elif value.is_quantized:
        what = "a quantised tensor"
    elif value.device.type == "meta":
        what = "a tensor without values (of the device meta)"
    elif value.device.type != "cpu" or type(value) not in {Tensor, torch.nn.Parameter}:
        what = f"a tensor of another kind ({printable(type(value).__name__)})"
    elif value.is_complex():
        what = "a tensor of complex numbers"
    if what is not None:
        raise FieldError(f"{key} is {what}, but should be an ordinary one: tensor.dequantize() or .to_dense() make it.")
    size = value.numel() * value.element_size()
    if size > max(value.untyped_storage().nbytes(), expanded):
        raise FieldError(f"{key} has {value.numel():,} values, and the file holds fewer.")
    return Tensor.detach(value)


def noun(value: object) -> str:
    """Return what kind of thing a value is, as a message calls it."""
    name = printable(type(value).__name__)
    return _NOUNS.get(type(value)) or (_NOUNS[Tensor] if isinstance(value, Tensor) else f"of the type {name}")


class _Check:
    def __init__(self, least: Mapping[str, int], *, with_tensors: bool = True) -> None:
        self._least, self._with_tensors, self._count = least, with_tensors, 0

    def value(self, value: Any, annotation: Any, key: str) -> Any:
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if annotation is Any:
            return self.plain(value, key)
        if annotation is Tensor:
            return self.plain(value, key) if key.endswith(_EXTRA_STATE) else dense(value, key)
        if origin in {typing.Union, types.UnionType}:
            if value is None and type(None) in inner:
                return None
            (wanted,) = (choice for choice in inner if choice is not type(None))
            return self.value(value, wanted, key)
        if origin is typing.Literal:
            if not isinstance(value, str):
                raise _wrong(key, value, "a text")
            if value not in inner:
                raise UnknownError(f'{key} = "{printable(value[:100])}"')
            return value
        if dataclasses.is_dataclass(annotation):
            return self._record(value, annotation, key)
        if origin in {list, tuple}:
            if not isinstance(value, list | tuple):
                raise _wrong(key, value, "a list")
            return origin(self.value(item, inner[0], f"{key}.{place}") for place, item in enumerate(value))
        if origin is dict:
            return self._dict(value, inner[1], key)
        return self._scalar(value, annotation, key)

    def _record(self, value: Any, annotation: Any, key: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(key, value, "a table")
        hints = typing.get_type_hints(annotation)
        values = dict(dict.items(value))
        if strange := [name for name in values if name not in hints]:
            raise UnknownError(_key_within(key, strange[0]))
        found = {name: self.value(inner, hints[name], _key_within(key, name)) for name, inner in values.items()}
        for field in dataclasses.fields(annotation):
            is_needed = field.default is field.default_factory is dataclasses.MISSING
            if is_needed and field.name not in found:
                raise FieldError(f"its record is not complete: {_key_within(key, field.name)} is missing.")
        if annotation is ImageSpec and found.get("kind", "image") not in KINDS:
            raise UnknownKindError(f'{key}.kind = "{printable(found["kind"][:100])}"')
        try:
            return annotation(**found)
        except DataError as error:
            raise FieldError(f"{key}: {error}") from error

    def _dict(self, value: Any, annotation: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(key, value, "a table")
        found: dict[str, Any] = OrderedDict() if annotation is Tensor else {}
        for name, inner in dict.items(value):
            if not isinstance(name, str):
                raise FieldError(f"{key} has {noun(name)} among its names, which should be texts.")
            found[name] = self.value(inner, annotation, _key_within(key, name))
        if annotation is Tensor and isinstance(metadata := getattr(value, "_metadata", None), dict):
            # The versions of modules, which some of them look at when they load a state; of no use if they are odd.
            try:
                found._metadata = self.plain(metadata, key)  # type: ignore[attr-defined]
            except FieldError:
                return found
            if not all(isinstance(entry, dict) for entry in metadata.values()):
                del found._metadata  # type: ignore[attr-defined]
        return found

    def _scalar(self, value: Any, annotation: Any, key: str) -> Any:
        if annotation is int and type(value) is int:
            least = self._least.get(key, 0)
            if not least <= value <= _LARGEST:
                raise FieldError(f"{key} is {_number_text(value)}, but should be {least} or more.")
            return value
        if annotation is float and type(value) in {int, float}:
            if not math.isfinite(value):
                raise FieldError(f"{key} is {value}, but should be a finite number.")
            return float(value)
        if type(value) is not annotation:
            raise _wrong(key, value, _NOUNS[annotation])
        return _text(value, key) if annotation is str else value

    def plain(self, value: Any, key: str, depth: int = 0) -> Any:
        """Return plain values, and tensors where these may be."""
        self._count += 1
        if depth > _DEEPEST or self._count > _MOST_VALUES:
            raise FieldError(f"{key[:200]} is nested too deeply, or is too long, for a file of itrans.")
        if value is None or type(value) is bool:
            return value
        if type(value) is str:
            return _text(value, key)
        if type(value) is int and abs(value) <= _LARGEST:
            return value
        if type(value) is float and (self._with_tensors or math.isfinite(value)):
            return value
        if isinstance(value, dict):
            return {
                self._name(name, key): self.plain(inner, _key_within(key, name), depth + 1)
                for name, inner in dict.items(value)
            }
        if isinstance(value, list | tuple):
            items = [self.plain(item, f"{key}.{place}", depth + 1) for place, item in enumerate(value)]
            return tuple(items) if isinstance(value, tuple) and self._with_tensors else items
        if self._with_tensors and isinstance(value, Tensor):
            return dense(value, key)
        if self._with_tensors and type(value) is bytes and len(value) <= _MOST_CHARACTERS:
            return value
        what = f"is {_number_text(value)}" if isinstance(value, int | float) else f"is {noun(value)}"
        raise FieldError(f"{key} {what}, which no file of itrans has there.")

    def _name(self, name: Any, key: str) -> Any:
        if type(name) is str and len(name) <= _MOST_CHARACTERS:
            return _text(name, key)
        if self._with_tensors and type(name) in {int, float, bool, bytes, type(None)}:
            return name
        raise FieldError(f"{key} has {noun(name)} among its names, which should be texts.")


def _wrong(key: str, value: object, wanted: str) -> FieldError:
    return FieldError(f"{key} is {noun(value)}, but should be {wanted}.")


def _text(value: str, key: str) -> str:
    if len(value) > _MOST_CHARACTERS:
        raise FieldError(f"{key} is a text of {len(value):,} characters, which is too long.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise FieldError(f"{key} is a text with characters that do not exist.")
    return value


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, float) or abs(value) <= 10**20 else "a number with too many digits"


def _key_within(key: str, name: object) -> str:
    """Return the key of what is in a table."""
    is_short = isinstance(name, str) or (isinstance(name, int) and abs(name) <= _LARGEST)
    shown = printable(str(name)[:100]) if is_short else noun(name)
    return f"{key}.{shown}" if key else shown
