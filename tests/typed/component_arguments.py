"""What an author of components writes, as mypy sees it; `pyproject.toml` names this folder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from itrans.api import Component, Dataset, Discriminator, Generator, Loss, Method, Metric, Pair, Split


class Typed:
    """A component of each kind as an argument."""

    def __init__(
        self,
        *,
        teacher: Component[Generator],
        critic: Component[Discriminator] | None = None,
        terms: Sequence[Component[Loss]] = (),
        inner: Component[Dataset],
        method: Component[Method],
        metric: Component[Metric],
        split: Split,
    ) -> None:
        self.output: Tensor | list[Tensor] = teacher(in_channels=3, out_channels=3)(Tensor())
        self.critic = critic(in_channels=3)(Tensor(), None) if critic is not None else None
        self.roles = [term().role for term in terms]
        self.pair: Pair = inner(split=split)[0]
        self.networks: dict[str, nn.Module] = dict(method().networks)
        self.lower: bool = metric().lower_is_better
        self.name: str = teacher.name
