"""What a checkpoint translates with besides pictures: options and extras, as the page and requests have them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from itrans.api import DataError, ImageSpec, ItransError
from itrans.commands import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itrans.commands import Translator


_KINDS = {"integer": "whole number", "number": "number", "string": "text"}
"""What JSON's types are called, as the kinds of extras are."""


def described_options(translator: Translator) -> list[dict[str, Any]]:
    """Return each option as JSON has it: name, kind, type and default, and choices and limits where it has some."""
    found = []
    for name, option in translator.accepted.described_options().items():
        schema: Mapping[str, Any] = option.schema
        if "anyOf" in schema:  # something, or nothing
            schema = next((one for one in schema["anyOf"] if one.get("type") != "null"), {})
        choices = _choices(schema)
        found.append(
            {
                "name": name,
                "kind": "choice" if choices else _KINDS.get(str(schema.get("type")), "other"),
                "type": option.type,
                "default": _plain(option.default),
                "choices": choices,
                "minimum": schema.get("minimum", schema.get("exclusiveMinimum")),
                "maximum": schema.get("maximum", schema.get("exclusiveMaximum")),
            }
        )
    return found


def _choices(schema: Mapping[str, Any]) -> list[Any] | None:
    if schema.get("type") == "boolean":
        return ["true", "false"]
    found = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return None if found is None else [*found]


def _plain(value: object) -> str | int | float | None:
    """Return a default as JSON and a field of the page have it."""
    if isinstance(value, bool):
        return str(value).lower()
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return value if is_number or isinstance(value, str | None) else str(value)  # type: ignore[return-value]


def described_extras(translator: Translator) -> list[dict[str, Any]]:
    """Return each extra as JSON has it: its name and kind, its choices, and whether it is needed."""
    accepted = translator.accepted
    return [
        {
            "name": name,
            "kind": _kind(spec),
            "choices": [*spec] if isinstance(spec, tuple) else None,
            "required": name in accepted.required,
        }
        for name, spec in accepted.extras.items()
    ]


def picture_extras(translator: Translator) -> dict[str, ImageSpec]:
    """Return those extras that are pictures, which come as files of a form."""
    return {name: spec for name, spec in translator.accepted.extras.items() if isinstance(spec, ImageSpec)}


def values_of(
    translator: Translator, given: Sequence[str], extras: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options and the extras of a query, whose texts are `NAME=VALUE`.

    Raises:
        ItransError: a text is none of these, or what it names is not there, or has no such value.
    """
    said = options.named_values(given, "option"), options.named_values(extras, "with")
    pictures = picture_extras(translator)
    for name in said[1]:
        if name in pictures:
            raise DataError(f'The extra "{name}" is a picture: send it as a file of a form, named {name}.')
    checked = translator.fixed_values(*said)
    for name, value in checked.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f'"{name}" is {value}, but should be a finite number.')
    numbers = {name: checked.pop(name) for name in said[1]}
    return checked, numbers


def refuse_missing(translator: Translator, extras: Mapping[str, Any]) -> None:
    """Raise `ItransError` if pictures cannot be translated without an extra that is not given."""
    for entry in described_extras(translator):
        name, choices = entry["name"], entry["choices"]
        if not entry["required"] or name in extras:
            continue
        how = f"with={name}={'|'.join(choices) if choices else 'NUMBER'}"
        if entry["kind"] == "picture":
            how = f"send it as a file of the form, named {name}, beside the picture"
        raise ItransError(f'This checkpoint needs the extra "{name}", a {entry["kind"]}: {how}.')


def _kind(spec: Any) -> str:
    if isinstance(spec, tuple):
        return "choice"
    return "picture" if isinstance(spec, ImageSpec) else "whole number" if spec is int else "number"
