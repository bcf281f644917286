"""A data set's pairs, each checked against what the data set says of them, and transformed."""

from __future__ import annotations

import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset as TorchDataset

from itrans.data.code_files import import_file, imported_files
from itrans.data.sampler import Draw, derived_seed
from itrans.errors import DataError, ItransError, RoomError, counted, error_text
from itrans.pictures.extras import extras_of, number_fault
from itrans.pictures.kinds import kind_of
from itrans.pictures.spec import ImageSpec
from itrans.protocols import is_paired
from itrans.records import Pair
from itrans.scales import is_scaled, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction
    from pathlib import Path

    from itrans.data.augment import PairTransform
    from itrans.pictures.extras import ExtraSpec
    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Dataset


class Skipped(NamedTuple):
    """The item in place of a pair that was left out because it cannot be read.

    Attributes:
        pair: the next one that can be read; None where nothing takes the place.
        faults: what is wrong with those that were left out.
    """

    pair: Pair | None
    faults: tuple[str, ...]


class PairItems(TorchDataset["Pair | Skipped | ItransError"]):
    """A data set's pairs, checked and transformed; an error is returned as an item, so that it crosses processes whole.

    In training, the data set may draw something at random for a pair. With `skip_bad`, pairs that cannot be read are
    left out. In training the next readable pair takes the place of such a one, so that the order is the same in a
    resumed run, and in any number of processes.
    """

    def __init__(
        self, dataset: Dataset, transform: PairTransform, seed: int, *, training: bool = False, skip_bad: bool = False
    ) -> None:
        self._dataset, self._transform, self._seed, self._training = dataset, transform, seed, training
        self._skip_bad = skip_bad
        self.specs = (dataset.source, dataset.target)
        self.extras = extras_of(dataset)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a process that is started anew import the files of `--code` before it meets the data set's class."""
        return _unpack, (imported_files(), bytes(ForkingPickler.dumps(self.__dict__)))

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

    With a seed, it comes from the data set's `draw`, if there is one.

    Raises:
        DataError: it is not, or cannot be read; the message names the pair.
        RoomError: there is not enough memory for it.
    """
    try:
        draw = None if seed is None else getattr(dataset, "draw", None)
        found = dataset[index] if draw is None else draw(index, seed)
        pair = found if isinstance(found, Pair) else Pair(*found)
    except ItransError:
        raise
    except (Exception, SystemExit) as error:
        kind = RoomError if isinstance(error, MemoryError) else DataError  # which another try may have
        message = f"Pair {index} of the data set ({type(dataset).__name__}) failed: {error_text(error)}"
        raise kind(message) from error
    _check_side("source", pair.source, dataset.source, pair.key)
    _check_side("target", pair.target, dataset.target, pair.key)
    if is_paired(dataset):
        _check_sizes(pair, scale_of(dataset))
    _check_extras(pair, extras_of(dataset))
    return pair


def _unpack(files: dict[str, Path], packed: bytes) -> PairItems:
    for module, path in files.items():
        if module not in sys.modules:
            import_file(path, module)
    items = PairItems.__new__(PairItems)
    items.__dict__.update(pickle.loads(packed))
    return items


def _check_extras(pair: Pair, specs: Mapping[str, ExtraSpec]) -> None:
    """Raise `DataError` if a pair has not what its data set says that pairs have besides their pictures."""
    if not specs and not pair.extras:
        return
    if pair.extras.keys() != specs.keys():
        have, said = (", ".join(names) or "none" for names in (pair.extras, specs))
        raise DataError(f"{pair.key}: the pair has the extras {have}, and this data set says that pairs have {said}.")
    for name, spec in specs.items():
        value: Any = pair.extras[name]
        if not isinstance(spec, ImageSpec):
            if fault := number_fault(value, spec):
                raise DataError(f'{pair.key}: the extra "{name}" {fault}.')
            continue
        _check_side(f'extra "{name}"', value, spec, pair.key)
        if spec.aligned and value.shape[:2] != pair.source.shape[:2]:
            (height, width), (other_height, other_width) = pair.source.shape[:2], value.shape[:2]
            raise DataError(
                f'{pair.key}: the source is {width}x{height} and the extra "{name}" {other_width}x{other_height} '
                "(width x height). It should have the same size, or its spec should say aligned=False."
            )


def _check_sizes(pair: Pair, scale: Fraction) -> None:
    (height, width), (other_height, other_width) = pair.source.shape[:2], pair.target.shape[:2]
    if is_scaled((height, width), (other_height, other_width), scale):
        return
    wanted = "The two pictures of a pair must have the same size."
    if scale != 1:
        wanted = f"Targets must be {scale} times as wide and high as their sources, which is the data set's scale."
    raise DataError(
        f"{pair.key}: the source is {width}x{height} and the target {other_width}x{other_height} (width x height). "
        f"{wanted}"
    )


def _check_side(side: str, image: ImageArray, spec: ImageSpec, key: str) -> None:
    if not isinstance(image, np.ndarray):
        found = f"{type(image).__module__.partition('.')[0]}.{type(image).__name__}".removeprefix("builtins.")
        raise DataError(f"{key}: the {side} is {found}: give numpy arrays of height, width and channels.")
    if image.ndim != 3:
        raise DataError(
            f"{key}: the {side} is not an array of height, width and channels, but of shape {image.shape}."
            + (" For one channel, give image[..., None]." if image.ndim == 2 else "")
        )
    if image.shape[2] != spec.channels:
        raise DataError(
            f"{key}: the {side} has {counted(image.shape[2], 'channel')}, but this data set's have {spec.channels}."
            + (f" Is it (C, H, W)? Its shape is {image.shape}." if image.shape[0] == spec.channels else "")
        )
    if str(image.dtype) != spec.dtype:
        raise DataError(f"{key}: the {side} is {image.dtype}, but this data set's are {spec.dtype}.")
    if fault := kind_of(spec).fault(image, spec):
        raise DataError(f"{key}: the {side} {fault}.")
