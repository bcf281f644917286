"""Which pairs come in which order: a function of the seed and the position, of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


class Draw(NamedTuple):
    """What a loader is asked for: a pair of the data set, as it is to be drawn in an epoch."""

    epoch: int
    position: int


class TrainingSampler:
    """Batches of draws, epoch after epoch without end, each epoch in an order of its own.

    Every process takes its own part of each step's pairs, so that two processes with batches of 2 see in a step what
    one with batches of 4 sees. So do the `accumulate` batches of a step. Pairs that do not fill the last step of an
    epoch are left out of it.

    The first batch is that of `epoch`, from 0, after `batch` of its steps.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        seed: int,
        *,
        accumulate: int = 1,
        rank: int = 0,
        world_size: int = 1,
        epoch: int = 0,
        batch: int = 0,
    ) -> None:
        self._length, self._batch_size, self._seed = length, batch_size, seed
        self._rank, self._accumulate, self._together = rank, accumulate, batch_size * world_size
        self._epoch, self._batch = epoch, batch

    @property
    def steps_per_epoch(self) -> int:
        """How many steps an epoch has."""
        return self._length // (self._together * self._accumulate)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, batch = self._epoch, self._batch
        while self.steps_per_epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._length)
            for part in range(batch * self._accumulate, self.steps_per_epoch * self._accumulate):
                first = part * self._together + self._rank * self._batch_size
                yield [Draw(epoch, int(index)) for index in order[first : first + self._batch_size]]
            epoch, batch = epoch + 1, 0


class EvaluationSampler:
    """Batches of the first `length` pairs, each once and in order, divided among the processes.

    With `whole`, the batches are those of a single process, and each process gets every so many of them.
    """

    def __init__(
        self, length: int, batch_size: int, *, rank: int = 0, world_size: int = 1, whole: bool = False
    ) -> None:
        places = range(length) if whole else range(rank, length, world_size)
        batches = range(0, len(places), batch_size)
        self._batches = [places[first : first + batch_size] for first in batches][rank if whole else 0 :]
        self._every = world_size if whole else 1

    def __iter__(self) -> Iterator[list[Draw]]:
        for batch in self._batches[:: self._every]:
            yield [Draw(0, index) for index in batch]


def derived_seed(*parts: int) -> int:
    """Return a seed of 32 bits that depends on all of some non-negative numbers, well mixed."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
