"""Components that are arguments of other components: found in a table, and made when they are wanted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itrans.recipe.schema import MOST_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from itrans.recipe.document import KeyPath
    from itrans.recipe.parts import Part


@dataclass(frozen=True)
class Builder:
    """Makes a component that is an argument of another one; see `itrans.component.Component`.

    Attributes:
        part: the component.
        places: where it, and each component within it, stands in the recipe.
        handed: what it is offered whenever it is made.
    """

    part: Part
    places: Mapping[KeyPath, tuple[str, str]]
    handed: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the recipe calls the component."""
        return self.part.name

    def __call__(self, **offered: Any) -> Any:
        """Make the component; raises what `Part.build` raises."""
        return self.part.build(self.places.__getitem__, **{**self.handed, **offered})


def all_parts(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield parts, each followed by those among its arguments; raises `PluginError` if these cannot be told."""
    for part in parts:
        yield part
        yield from all_parts(itertools.chain.from_iterable(part.inner.values()))


def tables_in(value: object) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield each table in an argument that could be a component's: the place in a list, or (), and the table."""
    entries = [((place,), entry) for place, entry in enumerate(value)] if isinstance(value, list) else [((), value)]
    for place, entry in entries[:MOST_ENTRIES]:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"]:
            yield place, entry
