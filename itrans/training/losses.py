"""The losses of a run's steps between two lines of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from itrans.training.processes import Processes


class Look(NamedTuple):
    """What a look at the losses has found, over all processes.

    Attributes:
        latest: the latest value of each, also of one that only some steps have.
        means: the mean of each since the last `restart`, over the steps that had it.
        are_finite: whether every loss so far was a finite number in every process.
    """

    latest: dict[str, float]
    means: dict[str, float]
    are_finite: bool


class Losses:
    """Counts losses on their device, so that a GPU need not wait for anybody to look."""

    def __init__(self, device: torch.device) -> None:
        self._latest: dict[str, Tensor] = {}
        self._sums: dict[str, tuple[Tensor, int]] = {}
        self._finite = torch.ones((), dtype=torch.bool, device=device)

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Count a step's losses."""
        for name, loss in losses.items():
            value = loss.detach().float()
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._latest[name] = value
            self._sums[name] = (total + value, count + 1)
            self._finite = self._finite & value.isfinite()

    def are_finite(self) -> bool:
        """Return whether every loss of this process was a finite number."""
        return bool(self._finite)

    def look(self, processes: Processes) -> Look:
        """Return what there is; all processes must look at the same time."""
        means = [total / count for total, count in self._sums.values()]
        values = [*self._latest.values(), *means, (~self._finite).float()]
        found = processes.mean(torch.stack(values)).tolist()
        latest, rest = found[: len(self._latest)], found[len(self._latest) : -1]
        return Look(
            dict(zip(self._latest, latest, strict=True)), dict(zip(self._sums, rest, strict=True)), not found[-1]
        )

    def restart(self) -> None:
        """Begin new means."""
        self._sums = {}
