"""From a data set's pairs to batches, in as many processes as wanted; the result does not depend on how many."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import sys
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Literal

import cv2
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from itrans.data.code_files import import_file, imported_files
from itrans.data.sampler import derived_seed
from itrans.data.tensors import labels_fault, planes, stack
from itrans.errors import DataError, ItransError, counted
from itrans.protocols import Batch, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from torch import Tensor

    from itrans.data.augment import PairTransform
    from itrans.data.sampler import Draw
    from itrans.protocols import Dataset, ImageArray, ImageSpec

_MOST_WORKERS = 8
_MOST_ASKED_FOR = 64
"""On a small machine; where storage answers slowly, more workers than cores are of some use."""


@dataclass(frozen=True)
class StoredBatch:
    """A batch as the files store it: small to hand from process to process.

    Attributes:
        source: `(N, Cin, H, W)`, uint8, uint16 or float32.
        target: `(N, Cout, H, W)`, likewise.
        keys: the pairs' keys.
    """

    source: Tensor
    target: Tensor
    keys: tuple[str, ...]

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
        return StoredBatch(self.source.pin_memory(), self.target.pin_memory(), self.keys)


class PairItems(TorchDataset["Pair | ItransError"]):
    """A data set's pairs, checked and transformed; an error comes back as an item, whole, from whatever process.

    Args:
        dataset: the recipe's.
        transform: what is done to each pair.
        seed: the recipe's.
        training: whether the data set may draw something at random for a pair.
    """

    def __init__(self, dataset: Dataset, transform: PairTransform, seed: int, *, training: bool = False) -> None:
        self._dataset, self._transform, self._seed, self._training = dataset, transform, seed, training
        self.specs = (dataset.source, dataset.target)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a process that is started anew import the files of `--code` before it meets the data set's class."""
        return _unpacked, (imported_files(), bytes(ForkingPickler.dumps(self.__dict__)))

    def __getitem__(self, draw: Draw) -> Pair | ItransError:
        seed = derived_seed(self._seed, draw.epoch, draw.position)
        try:
            return self._transform(checked_pair(self._dataset, draw.position, seed if self._training else None), seed)
        except ItransError as error:
            return error


def _unpacked(files: dict[str, Path], packed: bytes) -> PairItems:
    for module, path in files.items():
        if module not in sys.modules:
            import_file(path, module)
    items = PairItems.__new__(PairItems)
    items.__dict__.update(pickle.loads(packed))
    return items


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
) -> Iterator[Batch]:
    """Yield the sampler's batches on a device.

    Args:
        items: the pairs.
        sampler: which of them.
        device: where the batches go.
        memory_format: how they lie there.
        workers: how many processes read ahead; `auto` has none on a CPU, where training keeps every core busy.
        processes: how many processes of this run share the machine.

    Raises:
        DataError: a pair cannot be read or does not fit the others of its batch.
    """
    count = _workers(device, processes) if workers == "auto" else _affordable(workers)
    loader: DataLoader[Pair | ItransError] = DataLoader(
        items,
        batch_sampler=sampler,
        num_workers=count,
        collate_fn=functools.partial(_collated, memory_format=memory_format),
        worker_init_fn=_quiet_worker if count else None,
        pin_memory=device.type == "cuda",
    )
    if count:
        # A forked worker inherits no threads but OpenCV's belief that it has some; it would wait for them for ever.
        cv2.setNumThreads(1)
    for stored in loader:
        if isinstance(stored, ItransError):
            raise stored
        yield stored.on(device, memory_format, *items.specs)


def _workers(device: torch.device, processes: int) -> int:
    return 0 if device.type == "cpu" else min(_MOST_WORKERS, max(1, (os.cpu_count() or 1) // processes))


def _affordable(workers: int) -> int:
    """Return the number of workers; raise `DataError` for so many that the machine would only start processes."""
    cores = os.cpu_count() or 1
    most = max(_MOST_ASKED_FOR, 4 * cores)
    if workers > most:
        raise DataError(
            f"train.workers is {workers}, and this machine has {counted(cores, 'core')}: at most {most} processes may "
            "read ahead. More than one for each core is of no use."
        )
    return workers


def _quiet_worker(_worker: int) -> None:
    """Leave Ctrl-C and SIGTERM to the training process, which saves and then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _collated(items: list[Pair | ItransError], memory_format: torch.memory_format) -> StoredBatch | ItransError:
    pairs: list[Pair] = []
    for item in items:
        if isinstance(item, ItransError):
            return item
        if pairs and (fault := _unlike(pairs[0], item)):
            return fault
        pairs.append(item)
    source = stack([pair.source for pair in pairs], memory_format)
    target = stack([pair.target for pair in pairs], memory_format)
    return StoredBatch(source, target, tuple(pair.key for pair in pairs))


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
