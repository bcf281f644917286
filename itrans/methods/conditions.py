"""What a method's `translate` takes besides pictures and a direction: extras of the pairs, and options."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from itrans.errors import ItransError, PluginError, did_you_mean
from itrans.pictures.extras import ExtraSpec, extras_of
from itrans.recipe.signature import Signature, type_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from itrans.protocols import Method


@dataclass(frozen=True)
class Conditions:
    """What a batch of pictures is translated with.

    Attributes:
        extras: what pairs have besides, a value for each picture, as `Batch.extras` has them.
        options: what is one value for all of them.
    """

    extras: Mapping[str, Tensor] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """All of them, as `translate` takes them."""
        return {**self.extras, **self.options}

    def of(self, places: slice) -> Conditions:
        """Return those of some pictures of the batch."""
        return Conditions({name: values[places] for name, values in self.extras.items()}, self.options)


class Option(NamedTuple):
    """An option of a method, for those who show it.

    Attributes:
        type: of its values, as a person would write it.
        default: what it is unless it is given.
        schema: the JSON schema of its values; empty if that is unknown.
    """

    type: str
    default: Any
    schema: Mapping[str, Any]


class Accepted:
    """What a method's `translate` accepts besides pictures and a direction.

    Args:
        method: the method.
        extras: what its data set's pairs have besides their pictures.
        name: what a recipe calls the method, for messages; without it, its class's name.

    Attributes:
        extras: those extras, of the data set and the method, that `translate` names.
        required: the names of those that it cannot do without.
        options: the names of its options, and their defaults.

    Raises:
        PluginError: it cannot do without an extra that there is none of.
    """

    def __init__(self, method: Method, extras: Mapping[str, ExtraSpec], name: str | None = None) -> None:
        self.who = f'"{name}"' if name else type(method).__name__
        known = {**extras_of(method), **extras}
        parameters = inspect.signature(method.translate).parameters
        named = {name: one for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY}
        self.extras = {name: known[name] for name in named if name in known}
        self.required = frozenset(name for name in self.extras if named[name].default is inspect.Parameter.empty)
        offered = [name for name in parameters if name in self.extras or name not in named]
        self._signature = Signature(method.translate, offered)
        self.options = {name: one.default for name, one in self._signature.parameters.items()}
        if lacking := [name for name, value in self.options.items() if value is inspect.Parameter.empty]:
            have = ", ".join(extras) or "none"
            raise PluginError(
                f'The method {self.who} needs the extra "{lacking[0]}" of every pair. This data set\'s pairs have '
                f"{have}: use one whose pairs have it, or give the argument of translate() a default if it is an "
                "option."
            )

    def checked_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return options as `translate` takes them, those that are given.

        Raises:
            ItransError: there is no such option, or it has no such value.
        """
        faults = self._signature.faults(given, f"The method {self.who}")
        faults += [
            (name, f'The method {self.who}: "{name}" is {value}, but should be a finite number.')
            for name, value in given.items()
            if isinstance(value, float) and not math.isfinite(value)
        ]
        if faults:
            raise ItransError("\n".join(message for _, message in faults))
        return self._signature.values(given)

    def refuse_unknown(self, names: Mapping[str, Any]) -> None:
        """Raise `ItransError` if something is neither an extra nor an option."""
        known = [*self.extras, *self.options]
        for name in names:
            if name not in known:
                there = f"It takes {self.listing()}." if known else "It takes no options and no extras."
                raise ItransError(f'The method {self.who} takes no "{name}".{did_you_mean(name, known)} {there}')

    def described_options(self) -> dict[str, Option]:
        """Return what is to be known of each option."""
        sign = self._signature
        return {
            name: Option(type_text(sign.annotation(name)), default, sign.schema(name))
            for name, default in self.options.items()
        }

    def listing(self) -> str:
        """Return what there is, as a message lists it."""
        groups = (("option", self._signature.listings()), ("extra", [*self.extras]))
        return " and ".join(
            f"the {noun}{'s' if len(names) > 1 else ''} {', '.join(names)}" for noun, names in groups if names
        )

    def of_batch(self, extras: Mapping[str, Tensor], options: Mapping[str, Any] | None = None) -> Conditions:
        """Return the conditions of a batch of the data set: those of its extras that `translate` names."""
        return Conditions({name: values for name, values in extras.items() if name in self.extras}, options or {})
