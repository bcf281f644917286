"""A checkpoint's generators at test time, and how much memory they take.

Each output of a batch is what it would be alone.
"""

from __future__ import annotations

import operator
import threading
import weakref
from collections.abc import Sized
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from itrans.checkpoint.states import is_finite, load_weights, misfit
from itrans.errors import CheckpointError, DataError, ItransError, PluginError, counted
from itrans.members import sides_of
from itrans.methods.conditions import Accepted, Conditions
from itrans.networks.quick_convolutions import TestPrecision
from itrans.networks.test_mode import random_state, test_mode, why_alike
from itrans.pictures.room import free_memory
from itrans.training.build import build_translator
from itrans.training.failures import at_work
from itrans.training.loadable import FittingNetworks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from itrans.checkpoint.file import CheckpointFile
    from itrans.networks.statistics import SharedStatistics
    from itrans.networks.test_mode import Mode
    from itrans.pictures.extras import ExtraSpec
    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Method

_NEEDED = ("method", "generator")
"""The kinds of components that translating has a use for."""

_PROBE = 256
"""The side of the picture on which memory is measured: what most generators pad smaller ones to."""

SCRATCH = 1.5
"""By how much a computation takes more than its tensors, at most: convolutions copy what they read into other orders.
Measured on the CPU, in fp32 and bf16, of U-Net, ResNet, pix2pixHD's and timm's generators: 1.0 to 1.6 times."""


class Generators:
    """The generators of a method, with a checkpoint's weights, on a device.

    Attributes:
        method: the method.
        sides: the directions that it translates in, the default first, and what each takes and makes.
        accepted: what it translates with, besides pictures.
        networks: the networks, by name.

    Raises:
        CheckpointError: the weights do not fit.
    """

    @classmethod
    def of(
        cls,
        record: CheckpointFile,
        path: Path,
        *,
        device: torch.device,
        memory_format: torch.memory_format,
        mode: Mode,
    ) -> Self:
        """Return those of a checkpoint.

        Raises:
            CheckpointError: see the class; or what they are made of is not installed, or not what it was.
            PluginError: they cannot be made.
        """
        recipe, states = record.checked_recipe(path, _NEEDED), record.generator_states
        try:
            with FittingNetworks(states, path):
                method = build_translator(recipe, record.source, record.target, record.extras)
            return cls(
                method,
                states,
                path,
                device=device,
                memory_format=memory_format,
                mode=mode,
                extras=record.extras,
                name=recipe.tables.method.name,
            )
        except PluginError as error:
            raise PluginError(f"{path} cannot be used. {error}") from error

    def __init__(
        self,
        method: Method,
        states: Mapping[str, Mapping[str, Any]],
        path: Path,
        *,
        device: torch.device,
        memory_format: torch.memory_format,
        mode: Mode,
        extras: Mapping[str, ExtraSpec] | None = None,
        name: str | None = None,
    ) -> None:
        self.method, self._path, self._device, self._mode = method, path, device, mode
        self.sides, self.accepted = sides_of(method), Accepted(method, extras or {}, name)
        self._lock = threading.Lock()  # the mode is set on the networks themselves
        try:
            for name in method.generators:
                if device.type == "cpu":
                    _lay_out(method.networks[name], states[name], memory_format)
                load_weights(method.networks[name], states[name])
        except Exception as error:  # what a module makes of another one's state is up to it
            raise CheckpointError(f"{path} does not fit the networks that its recipe makes: {misfit(error)}") from error
        self.networks = {name: method.networks[name] for name in method.generators}
        self._networks = [*self.networks.values()]
        for network in self._networks:
            network.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
        self._precision = TestPrecision(self._networks, device)
        self._draws_for_itself = False

    def __call__(
        self,
        batch: Tensor,
        seeds: list[int],
        direction: str,
        dtype: torch.dtype,
        planes: int,
        conditions: Conditions,
        statistics: SharedStatistics | None = None,
    ) -> Tensor:
        """Return translations of a batch, `(N, planes, H, W)`.

        Each picture has a seed, of dropout and noise. Convolutions are computed in `dtype`. A generator that draws from
        torch's own generator gets pictures one by one, or what it draws for a picture would depend on the others.
        `statistics` are those of the picture that a batch is parts of.

        Raises:
            CheckpointError: outputs are not finite.
            PluginError: outputs have another number of planes.
            DataError: the method does not take such pictures, or has no such direction.
        """
        with self._lock, self._precision.of(dtype):
            output = self._output(batch, seeds, direction, conditions, statistics)
        if not is_finite(output):
            if conditions.options:
                given = ", ".join(f"{name} = {value}" for name, value in conditions.options.items())
                raise DataError(f"{self._path} gives values that are not finite numbers with {given}.")
            raise CheckpointError(f"{self._path} is of no use: its generator gives values that are not finite numbers.")
        if output.shape[1] != planes:
            made = counted(output.shape[1], "channel")
            raise PluginError(f"{self._path} cannot be used: its generator makes {made}, and should make {planes}.")
        return output

    def why_alike(self) -> str:
        """Return why samples of one picture are all the same, as the end of a sentence."""
        return why_alike(self._networks, self._mode)

    def _output(
        self,
        batch: Tensor,
        seeds: list[int],
        direction: str,
        conditions: Conditions,
        statistics: SharedStatistics | None,
    ) -> Tensor:
        if statistics is not None and not statistics.is_complete:  # of all, so they have to be together
            return self._run(batch, seeds, direction, conditions, statistics)[0]
        if not self._draws_for_itself:
            output, drew = self._run(batch, seeds, direction, conditions, statistics)
            self._draws_for_itself = drew
            if not drew or len(batch) == 1:
                return output
        singles = [slice(place, place + 1) for place in range(len(batch))]
        outputs = [self._run(batch[one], seeds[one], direction, conditions.of(one), statistics)[0] for one in singles]
        return torch.cat(outputs)

    def _run(
        self,
        batch: Tensor,
        seeds: list[int],
        direction: str,
        conditions: Conditions,
        statistics: SharedStatistics | None,
    ) -> tuple[Tensor, bool]:
        """Return translations, and whether the generator drew from torch's own generator."""
        seed = seeds[0] if len(set(seeds)) == 1 else seeds
        with test_mode(self._networks, self._mode, seed, statistics):
            before = random_state(self._device)
            with at_work(f"{self._path}: its generator"):
                try:
                    output = self.method.translate(batch, direction, **conditions.arguments)
                except ValueError as error:
                    raise DataError(str(error)) from error
            self._refuse_no_pictures(output, batch)
            return output, not torch.equal(before, random_state(self._device))

    def _refuse_no_pictures(self, output: object, batch: Tensor) -> None:
        if not isinstance(output, torch.Tensor) or output.ndim != batch.ndim or len(output) != len(batch):
            found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            raise PluginError(
                f"{self._path} cannot be used: its generator makes {found} of pictures {tuple(batch.shape)} "
                "(N, C, H, W)."
            )


def _lay_out(network: nn.Module, state: Mapping[str, Any], memory_format: torch.memory_format) -> None:
    """Give the convolutions' weights memory in an order, for values that are yet to come: they are then moved once."""
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4 and name in state and parameter.device.type == "cpu":
            parameter.data = torch.empty_like(parameter, memory_format=memory_format)


def checked_seed(seed: int) -> int:
    """Return a seed; raise `ItransError` if it is negative."""
    if operator.index(seed) < 0:
        raise ItransError(f"The seed is {seed}, but should be 0 or more.")
    return operator.index(seed)


def seeds_for(seed: int | Sequence[int] | None, count: int, default: int) -> list[int]:
    """Return one seed for each of so many pictures.

    Raises:
        DataError: there are not as many.
        ItransError: one is negative.
    """
    if not isinstance(seed, Sized):
        return [default if seed is None else checked_seed(seed)] * count
    if len(seed) != count:
        raise DataError(f"There are {len(seed)} seeds for {count} pictures; give one for each, or one for all.")
    return [checked_seed(one) for one in seed]


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how many bytes of tensors are alive at once, at most, of those that are made under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counted: set[int] = set()
        self._now, self.most = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            if storage._cdata not in self._counted:
                self._counted.add(storage._cdata)
                self._now += storage.nbytes()
                self.most = max(self.most, self._now)
                weakref.finalize(storage, self._forget, storage._cdata, storage.nbytes())
        return result

    def _forget(self, key: int, size: int) -> None:
        self._counted.discard(key)
        self._now -= size


def memory_of(computation: Callable[[], object]) -> int:
    """Return about how many bytes a computation takes, above what is there before it."""
    with _LiveBytes() as live:
        computation()
    return int(live.most * SCRATCH)


class Need:
    """The memory that translating takes: measured once for each direction and type of picture."""

    def __init__(self, translate: Callable[[ImageArray, str | None], object]) -> None:
        self._translate = translate
        self._per_pixel: dict[tuple[str | None, int, str], float] = {}

    def of(self, image: ImageArray, direction: str | None) -> float:
        """Return about how many bytes a picture takes; only its shape and type matter."""
        channels = image.shape[2]
        key = direction, channels, image.dtype.name
        if key not in self._per_pixel:
            small = np.zeros((_PROBE, _PROBE, channels), image.dtype)
            self._translate(small, direction)  # what is made once, such as weights of another type, is there
            self._per_pixel[key] = memory_of(lambda: self._translate(small, direction)) / _PROBE**2
        return float(self._per_pixel[key] * image.size / channels)


def free_memory_of(device: torch.device) -> int | None:
    """Return how many bytes are free on a device; None if that is unknown."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    return free_memory() if device.type == "cpu" else None
