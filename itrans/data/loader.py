"""From a data set's pairs to batches, in as many processes as wanted; the result does not depend on how many."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from itrans.data.sampler import Draw, derived_seed
from itrans.data.tensors import labels_fault, planes, stack
from itrans.data.workers import batches_of, be_quiet
from itrans.errors import DataError, ItransError, counted
from itrans.protocols import Batch, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from torch import Tensor

    from itrans.data.augment import PairTransform
    from itrans.protocols import Dataset, ImageArray, ImageSpec

_MOST_WORKERS = 8


@dataclass(frozen=True)
class StoredBatch:
    """A batch as the files store it: small to hand from process to process.

    Attributes:
        source: `(N, Cin, H, W)`, uint8, uint16 or float32.
        target: `(N, Cout, H, W)`, likewise.
        keys: the pairs' keys.
        skipped: what was wrong with pairs that were left out.
    """

    source: Tensor
    target: Tensor
    keys: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def on(
        self, device: torch.device, memory_format: torch.memory_format, source: ImageSpec, target: ImageSpec
    ) -> Batch:
        """Return the batch on a device, in [-1, 1], label maps as a plane for each class.

        Args:
            device: where it goes.
            memory_format: how it lies there.
            source: what the sources are.
            target: what the targets are.
        """
        sides = [
            planes(side.to(device, non_blocking=device.type == "cuda"), spec, memory_format)
            for side, spec in ((self.source, source), (self.target, target))
        ]
        return Batch(sides[0], sides[1], self.keys)

    def pin_memory(self) -> StoredBatch:
        """Return the batch in page-locked memory, from which a GPU copies while it computes."""
        return StoredBatch(self.source.pin_memory(), self.target.pin_memory(), self.keys, self.skipped)


class Skipped(NamedTuple):
    """What an item is where pairs that cannot be read are left out, and this one, or one in its place, is.

    Attributes:
        pair: the next one that can be read; None where nothing takes the place.
        faults: what is wrong with those that were left out.
    """

    pair: Pair | None
    faults: tuple[str, ...]


class PairItems(TorchDataset["Pair | Skipped | ItransError"]):
    """A data set's pairs, checked and transformed; an error comes back as an item, whole, from whatever process.

    Args:
        dataset: the recipe's.
        transform: what is done to each pair.
        seed: the recipe's.
        training: whether the data set may draw something at random for a pair.
        skip_bad: leave out pairs that cannot be read. In training the next one that can be takes the place, so that
            what is drawn is the same when a run is resumed, and in any number of processes.
    """

    def __init__(
        self, dataset: Dataset, transform: PairTransform, seed: int, *, training: bool = False, skip_bad: bool = False
    ) -> None:
        self._dataset, self._transform, self._seed, self._training = dataset, transform, seed, training
        self._skip_bad = skip_bad
        self.specs = (dataset.source, dataset.target)

    def __getitem__(self, draw: Draw) -> Pair | Skipped | ItransError:
        try:
            return self._next_good(draw) if self._skip_bad else self._transform(*self._read(draw))
        except ItransError as error:
            return error

    def _read(self, draw: Draw) -> tuple[Pair, int]:
        seed = derived_seed(self._seed, draw.epoch, draw.position)
        return checked_pair(self._dataset, draw.position, seed if self._training else None), seed

    def _next_good(self, draw: Draw) -> Pair | Skipped:
        faults: list[str] = []
        for step in range(len(self._dataset) if self._training else 1):
            position = (draw.position + step) % len(self._dataset)
            try:
                pair, seed = self._read(Draw(draw.epoch, position))
            except DataError as error:
                faults.append(str(error))
                continue
            pair = self._transform(pair, seed)
            return Skipped(pair, tuple(faults)) if faults else pair
        if self._training:
            raise DataError(f"No pair can be read. The first that was tried: {faults[0]}")
        return Skipped(None, tuple(faults))


def checked_pair(dataset: Dataset, index: int, seed: int | None = None) -> Pair:
    """Return a pair that is what the data set says its pairs are.

    Args:
        dataset: the recipe's.
        index: of the pair.
        seed: of what the data set draws for it, if it has `draw`; None takes the pair as it is.

    Raises:
        DataError: it is not, or cannot be read; the message names the pair.
    """
    try:
        draw = None if seed is None else getattr(dataset, "draw", None)
        pair = Pair(*(dataset[index] if draw is None else draw(index, seed)))
    except ItransError:
        raise
    except Exception as error:
        message = f"Pair {index} of the data set ({type(dataset).__name__}) failed: {type(error).__name__}: {error}"
        raise DataError(message) from error
    _check_side("source", pair.source, dataset.source, pair.key)
    _check_side("target", pair.target, dataset.target, pair.key)
    if getattr(dataset, "paired", True) and pair.source.shape[:2] != pair.target.shape[:2]:
        (height, width), (other_height, other_width) = pair.source.shape[:2], pair.target.shape[:2]
        raise DataError(
            f"{pair.key}: the source is {width}x{height} and the target {other_width}x{other_height} (width x height). "
            "The two pictures of a pair must have the same size."
        )
    return pair


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

    Args:
        items: the pairs.
        sampler: which of them.
        device: where the batches go.
        memory_format: how they lie there.
        workers: how many processes read ahead; `auto` has none on a CPU, where training keeps every core busy.
        processes: how many processes of this run share the machine.
        skipped: told what is wrong with each pair that is left out, in the order in which batches come.

    Raises:
        DataError: a pair cannot be read, unless such pairs are left out, or does not fit the others of its batch.
        TrainingError: a process that reads ahead was killed.
    """
    count = workers if isinstance(workers, int) else _workers(device, processes)
    loader: DataLoader[Pair | Skipped | ItransError] = DataLoader(
        items,
        batch_sampler=sampler,
        num_workers=count,
        collate_fn=functools.partial(_collated, memory_format=memory_format),
        worker_init_fn=be_quiet if count else None,
        pin_memory=device.type == "cuda",
    )
    if count:
        # A forked worker inherits no threads but OpenCV's belief that it has some; it would wait for them for ever.
        cv2.setNumThreads(1)
    for stored in batches_of(loader):
        if isinstance(stored, ItransError):
            raise stored
        for fault in stored.skipped:
            skipped(fault)
        if stored.keys:
            yield stored.on(device, memory_format, *items.specs)


def _workers(device: torch.device, processes: int) -> int:
    return 0 if device.type == "cpu" else min(_MOST_WORKERS, max(1, (os.cpu_count() or 1) // processes))


def _collated(
    items: list[Pair | Skipped | ItransError], memory_format: torch.memory_format
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
    return StoredBatch(source, target, tuple(pair.key for pair in pairs), faults)


def _unlike(first: Pair, other: Pair) -> DataError | None:
    if first.source.shape != other.source.shape:
        side, others = first.source, other.source
    elif first.target.shape != other.target.shape:
        side, others = first.target, other.target
    else:
        return None
    (height, width), (other_height, other_width) = side.shape[:2], others.shape[:2]
    return DataError(
        f"{first.key} is {width}x{height} and {other.key} is {other_width}x{other_height} (width x height): pictures "
        "of different sizes cannot share a batch. Set augment.size, or augment.resize and augment.crop, "
        "or train.batch_size = 1."
    )


def _check_side(side: str, image: ImageArray, spec: ImageSpec, key: str) -> None:
    if getattr(image, "ndim", 0) != 3:
        raise DataError(f"{key}: the {side} is not an array of height, width and channels.")
    if image.shape[2] != spec.channels:
        raise DataError(
            f"{key}: the {side} has {counted(image.shape[2], 'channel')}, but this data set's have {spec.channels}."
        )
    if str(image.dtype) != spec.dtype:
        raise DataError(f"{key}: the {side} is {image.dtype}, but this data set's are {spec.dtype}.")
    if spec.kind == "labels" and (fault := labels_fault(image, spec)):
        raise DataError(f"{key}: the {side} {fault}.")
    if image.dtype == np.float32:
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):  # false for NaN too
            found = "NaN among its floats" if np.isnan(low) else f"floats from {low:g} to {high:g}"
            raise DataError(f"{key}: the {side} has {found}; they should be from 0 to 1.")
