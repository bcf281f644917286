"""From a data set's pairs to batches, in as many processes as wanted; the result does not depend on how many."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch.utils.data import DataLoader

from itrans.data.pairs import Skipped
from itrans.data.workers import batches_of, be_quiet, count_of
from itrans.errors import DataError, ItransError
from itrans.pictures.kinds import kind_of
from itrans.pictures.spec import ImageSpec
from itrans.pictures.tensors import stack, stack_extras
from itrans.records import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from torch import Tensor

    from itrans.data.pairs import PairItems
    from itrans.data.sampler import Draw
    from itrans.pictures.extras import ExtraSpec
    from itrans.records import Pair


@dataclass(frozen=True)
class StoredBatch:
    """A batch as the files store it: small to hand from process to process.

    Attributes:
        source: `(N, Cin, H, W)`, uint8, uint16 or float32.
        target: `(N, Cout, H, W)`, likewise.
        keys: the pairs' keys.
        skipped: what was wrong with pairs that were left out.
        extras: what pairs have besides: pictures `(N, C, H, W)`, and numbers `(N,)`.
    """

    source: Tensor
    target: Tensor
    keys: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def on(
        self,
        device: torch.device,
        memory_format: torch.memory_format,
        source: ImageSpec,
        target: ImageSpec,
        extras: Mapping[str, ExtraSpec],
    ) -> Batch:
        """Return the batch on a device, in [-1, 1], label maps as a plane for each class."""

        def moved(values: Tensor, spec: ExtraSpec) -> Tensor:
            there = values.to(device, non_blocking=device.type == "cuda")
            return kind_of(spec).planes(there, spec, memory_format) if isinstance(spec, ImageSpec) else there

        more = {name: moved(values, extras[name]) for name, values in self.extras.items()}
        return Batch(moved(self.source, source), moved(self.target, target), self.keys, more)

    def pin_memory(self) -> StoredBatch:
        """Return the batch in page-locked memory, from which a GPU copies while it computes."""
        extras = {name: values.pin_memory() for name, values in self.extras.items()}
        return StoredBatch(self.source.pin_memory(), self.target.pin_memory(), self.keys, self.skipped, extras)


def load_batches(
    items: PairItems,
    sampler: Iterable[list[Draw]],
    device: torch.device,
    memory_format: torch.memory_format,
    *,
    workers: int | Literal["auto"],
    processes: int = 1,
    skipped: Callable[[str], None] = lambda _: None,
) -> Generator[Batch]:
    """Yield the sampler's batches on a device.

    For the number of workers, which read ahead, see `count_of`. `skipped` is told what is wrong with each pair that is
    left out, in the order of the batches.

    Raises:
        DataError: a pair cannot be read, unless such pairs are left out, or does not fit the others of its batch.
        TrainingError: a process that reads ahead was killed.
    """
    count = count_of(workers, device, processes)
    loader: DataLoader[Pair | Skipped | ItransError] = DataLoader(
        items,
        batch_sampler=sampler,
        num_workers=count,
        collate_fn=functools.partial(_collate, memory_format=memory_format, extras=items.extras),
        worker_init_fn=be_quiet if count else None,
        pin_memory=device.type == "cuda",
    )
    for stored in batches_of(loader):
        if isinstance(stored, ItransError):
            raise stored
        for fault in stored.skipped:
            skipped(fault)
        if stored.keys:
            yield stored.on(device, memory_format, *items.specs, items.extras)


def _collate(
    items: list[Pair | Skipped | ItransError], memory_format: torch.memory_format, extras: Mapping[str, ExtraSpec]
) -> StoredBatch | ItransError:
    pairs: list[Pair] = []
    faults: tuple[str, ...] = ()
    for item in items:
        if isinstance(item, ItransError):
            return item
        pair = item.pair if isinstance(item, Skipped) else item
        faults += item.faults if isinstance(item, Skipped) else ()
        if pair is None:
            continue
        if pairs and (fault := _unlike(pairs[0], pair)):
            return fault
        pairs.append(pair)
    if not pairs:
        return StoredBatch(torch.empty(0), torch.empty(0), (), faults)
    source = stack([pair.source for pair in pairs], memory_format)
    target = stack([pair.target for pair in pairs], memory_format)
    more = {
        name: stack_extras([pair.extras[name] for pair in pairs], spec, memory_format) for name, spec in extras.items()
    }
    return StoredBatch(source, target, tuple(pair.key for pair in pairs), faults, more)


def _unlike(first: Pair, other: Pair) -> DataError | None:
    if first.source.shape != other.source.shape:
        side, others = first.source, other.source
    elif first.target.shape != other.target.shape:
        side, others = first.target, other.target
    else:
        return _unlike_extra(first, other)
    (height, width), (other_height, other_width) = side.shape[:2], others.shape[:2]
    return DataError(
        f"{first.key} is {width}x{height} and {other.key} is {other_width}x{other_height} (width x height): pictures "
        "of different sizes cannot share a batch. Set augment.size, or augment.resize and augment.crop, "
        "or train.batch_size = 1."
    )


def _unlike_extra(first: Pair, other: Pair) -> DataError | None:
    for name, value in first.extras.items():
        one, another = getattr(value, "shape", None), getattr(other.extras[name], "shape", None)
        if one is not None and another is not None and one != another:
            return DataError(
                f'The extra "{name}" of {first.key} is {one[1]}x{one[0]} and that of {other.key} '
                f"{another[1]}x{another[0]} (width x height): pictures of different sizes cannot share a batch. Set "
                "augment.size, or augment.resize and augment.crop, or train.batch_size = 1."
            )
    return None
