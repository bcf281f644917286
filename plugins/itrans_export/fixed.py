"""What a method takes besides a picture, as part of an exported network: options, and extras that are numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.api import ImageSpec, ItransError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.commands import Translator


def fixed_values(translator: Translator, options: Mapping[str, Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    """Return options and extras as `translate` takes them. Options that are not given keep their defaults.

    Raises:
        ItransError: something is neither, or not what it should be; an extra is missing, or is a picture.
    """
    accepted = translator.accepted
    pictures = {name for name, spec in accepted.extras.items() if isinstance(spec, ImageSpec)}
    for name in accepted.extras:
        if name in pictures and (name in extras or name in accepted.required):
            needs = "may take" if name in extras and name not in accepted.required else "needs"
            raise ItransError(
                f"An exported network takes one picture, and the method {accepted.who} {needs} a second one: "
                f'the extra "{name}".' + (f" Leave out --with {name}." if needs == "may take" else "")
            )
    fixed = translator.fixed_values(options, extras)
    if lacking := [name for name in accepted.extras if name in accepted.required and name not in extras]:
        spec: Any = accepted.extras[lacking[0]]
        value = "|".join(spec) if isinstance(spec, tuple) else "NUMBER"
        raise ItransError(
            f'The method {accepted.who} needs the extra "{lacking[0]}", which becomes part of the network: say which, '
            f"--with {lacking[0]}={value}."
        )
    return fixed


def described_values(translator: Translator, fixed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of a network, those that are defaults too, and its extras: a choice by its name."""
    accepted = translator.accepted
    options = {name: fixed.get(name, default) for name, default in accepted.options.items()}
    extras: dict[str, Any] = {}
    for name, value in fixed.items():
        if name in accepted.extras:
            spec = accepted.extras[name]
            extras[name] = spec[value] if isinstance(spec, tuple) else value
    plain: dict[str, dict[str, Any]] = json.loads(json.dumps({"options": options, "extras": extras}, default=str))
    return plain
