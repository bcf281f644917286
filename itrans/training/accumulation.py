"""Gradients that wait for the other batches of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Block: TypeAlias = tuple[tuple[str, ...], int]
"""A block of a method's step: the networks that it trains, and which one of those that train them it is, from 0."""


class Accumulation:
    """Adds up the gradients of each block of a step over the batches that the step takes.

    A method may train a network in several blocks of its step: what one gathers is nothing to another. Between
    batches, the gradients of a process are its own.

    Args:
        networks: all of them, by name.
        batches: how many a step takes.
        scaler: of the losses; what it multiplies with may change in the middle of the last batch.
    """

    def __init__(self, networks: Mapping[str, nn.Module], batches: int, scaler: torch.amp.GradScaler) -> None:
        self._networks, self._batches, self._scaler = networks, batches, scaler
        self._waiting: dict[Block, tuple[dict[nn.Parameter, Tensor], Tensor | None]] = {}
        self._seen: dict[tuple[str, ...], int] = {}
        self.is_last = True

    @property
    def is_used(self) -> bool:
        """Whether a step takes more than one batch."""
        return self._batches > 1

    def begin(self, batch: int) -> None:
        """Hear which of the step's batches comes, from 0."""
        self._seen.clear()
        self.is_last = batch == self._batches - 1

    def next_block(self, networks: tuple[str, ...]) -> Block:
        """Return the block of these networks that begins."""
        number = self._seen.get(networks, 0)
        self._seen[networks] = number + 1
        return networks, number

    def keep(self, block: Block) -> None:
        """Take the networks' gradients away until the same block of the next batch."""
        gradients = {}
        for parameter in self.parameters(block[0]):
            if parameter.grad is not None:
                gradients[parameter], parameter.grad = parameter.grad, None
        self._waiting[block] = gradients, self._scale()

    @torch.no_grad()
    def give_back(self, block: Block) -> None:
        """Let the networks have the gradients that the block has gathered so far."""
        gradients, before = self._waiting.pop(block, ({}, None))
        now = self._scale()
        for parameter, gathered in gradients.items():
            if now is not None and before is not None:
                gathered *= now / before  # a power of two, which changes no digit
            parameter.grad = gathered if parameter.grad is None else gathered.add_(parameter.grad)

    def left(self) -> Iterator[Block]:
        """Yield the blocks whose gradients still wait, because the last batch had no such block."""
        yield from list(self._waiting)

    @torch.no_grad()
    def divide(self, networks: Collection[str]) -> None:
        """Make the mean over the batches of what has been added up."""
        gradients = [parameter.grad for parameter in self.parameters(networks) if parameter.grad is not None]
        if gradients:
            torch._foreach_div_(gradients, self._batches)

    def parameters(self, networks: Collection[str]) -> list[nn.Parameter]:
        """Return the parameters of some networks, each once."""
        return list(dict.fromkeys(value for name in networks for value in self._networks[name].parameters()))

    def _scale(self) -> Tensor | None:
        """Return what losses are multiplied with; no GPU is made to wait."""
        if not self._scaler.is_enabled():
            return None
        device = next(next(iter(self._networks.values())).parameters()).device
        found: Tensor = self._scaler.scale(torch.ones((), device=device))
        return found
