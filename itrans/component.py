"""A component as an argument of another one, as a signature says it. Imports neither torch nor numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from itrans.protocols import (
    AdversarialLoss,
    Dataset,
    Discriminator,
    Generator,
    ImageLoss,
    Loss,
    Method,
    Metric,
    Transform,
)

MadeT_co = TypeVar("MadeT_co", covariant=True)


class Component(Protocol[MadeT_co]):
    """A component as an argument of another one: what makes it, as the recipe's table says.

    An annotation names the protocol of what is made: `teacher: Component[Generator]`, `inner: Component[Dataset] |
    None = None`, `terms: Sequence[Component[Loss]] = ()`. The recipe's table has a `name` and arguments, which are
    checked as those of any component. It may be pickled.
    """

    @property
    def name(self) -> str:
        """What the recipe calls the component."""

    def __call__(self, **offered: Any) -> MadeT_co:
        """Make the component; of what is offered, such as `in_channels`, it gets what its signature names.

        A data set is offered the `split` of the one around it, and any component `initialize`, unasked.

        Raises:
            ItransError: it cannot be made; the message names the component, and the recipe's line where that is known.
        """

    if not TYPE_CHECKING:

        def __class_getitem__(cls, made: object) -> object:
            kind = made if isinstance(made, str) else _KIND_OF.get(made)
            if kind not in _KIND_OF.values():
                names = ", ".join(dict.fromkeys(_KIND_OF.values()))
                raise TypeError(f"Component[{made!r}] is not known: give it the protocol, or the name, of {names}.")
            return Annotated[cls, ComponentKind(kind)]


@dataclass(frozen=True)
class ComponentKind:
    """What marks an annotation as that of a component.

    Attributes:
        kind: what kind of component, such as `generator`.
    """

    kind: str


_KIND_OF: dict[Any, str] = {
    Generator: "generator",
    Discriminator: "discriminator",
    Loss: "loss",
    ImageLoss: "loss",
    AdversarialLoss: "loss",
    Dataset: "dataset",
    Method: "method",
    Metric: "metric",
    Transform: "transform",
}
"""The kinds of components that may be arguments, by their protocols."""
