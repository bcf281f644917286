"""Several processes that work together, as `torchrun` starts them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from itrans.errors import ItransError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

_SECONDS_TO_MEET, _PAUSE = 120.0, 0.2
"""How long processes wait for the first one, and how often they look."""


@dataclass(frozen=True)
class Processes:
    """The processes of a run, or of a translation, seen from one of them.

    Attributes:
        rank: which one this is, from 0.
        count: how many there are.
        local_rank: which one of this machine's it is.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and reports."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over all processes, in fp32."""
        values = values.detach().to(torch.float32, copy=True)
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes."""
        values = values.detach().clone()
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def total_of_some(self, values: Tensor | None) -> Tensor | None:
        """Return the sum of a tensor over the processes that have one, of one shape; None if no process has."""
        if self.count == 1:
            return values
        kinds: list[Any] = [None] * self.count
        dist.all_gather_object(kinds, None if values is None else (values.shape, values.dtype, values.device.type))
        found = next((kind for kind in kinds if kind is not None), None)
        if found is None:
            return None
        shape, dtype, device = found
        return self.total(torch.zeros(shape, dtype=dtype, device=device) if values is None else values)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask at the same time. No GPU is made to wait."""
        if self.count == 1:
            return flag
        return bool(self.total(torch.tensor(int(flag))).item())

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Give the first process's tensors to all."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor.data, src=0)

    def gather(self, value: Any) -> list[Any]:
        """Return the value of each process, by rank; all must give theirs.

        Raises:
            ItransError: another process has ended, and has said why.
        """
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with _telling():
            dist.all_gather_object(values, value)
        return values

    def send(self, planes: Tensor | None) -> None:
        """Send planes, `(N, C, H, W)` of float32, to the first process; None says that there will be no more.

        Raises:
            ItransError: that process has ended.
        """
        shape = torch.tensor([-1] * 4 if planes is None else planes.shape)
        with _telling():
            dist.send(shape, dst=0)
            if planes is not None:
                dist.send(planes.detach().cpu().contiguous(), dst=0)

    def receive(self, rank: int) -> Tensor:
        """Return what a process has sent, on the CPU.

        Raises:
            ItransError: it has ended, or cannot go on.
        """
        shape = torch.empty(4, dtype=torch.int64)
        with _telling():
            dist.recv(shape, src=rank)
            if int(shape[0]) < 0:
                raise ItransError(_ENDED)
            planes = torch.empty(*shape.tolist())
            dist.recv(planes, src=rank)
        return planes

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            dist.barrier()


def _wait_for_first(processes: Processes) -> None:
    """Wait until somebody listens where the processes are to meet.

    Raises:
        ItransError: nobody does.
    """
    place, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    end = time.monotonic() + _SECONDS_TO_MEET
    while not processes.is_first and port.isdecimal():
        try:
            socket.create_connection((place, int(port)), timeout=1).close()
            return
        except (OSError, OverflowError) as error:
            if time.monotonic() > end:
                raise ItransError(
                    f"The {processes.count} processes cannot meet at {place}:{port}, which the environment variables "
                    f"MASTER_ADDR and MASTER_PORT say: nobody listens there ({error}). {_ADVICE}"
                ) from error
        time.sleep(_PAUSE)


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the process in the block, whatever they do elsewhere."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Raise `ItransError` in place of what torch says where another process has ended."""
    try:
        yield
    except RuntimeError as error:
        raise ItransError(_ENDED) from error


def processes_here() -> Processes:
    """Return what `torchrun` has said about this process; a process that it did not start is the only one.

    Raises:
        ItransError: the environment says something else than `torchrun` would; the variable is named.
    """
    number = {name: _number(name, default) for name, default in _TORCHRUN.items()}
    rank, count, local_rank = number["RANK"], number["WORLD_SIZE"], number["LOCAL_RANK"]
    if count < 1:
        raise ItransError(f"The environment variable WORLD_SIZE is {count}, but should be 1 or more. {_ADVICE}")
    if rank >= count:
        said = f"WORLD_SIZE is {count}" if "WORLD_SIZE" in os.environ else "WORLD_SIZE is not set"
        raise ItransError(f"The environment variable RANK is {rank}, but {said}: ranks go from 0 up. {_ADVICE}")
    if local_rank > rank:
        raise ItransError(
            f"The environment variable LOCAL_RANK is {local_rank}, but RANK is {rank}, which is not smaller. {_ADVICE}"
        )
    if count > 1 and (missing := [name for name in _NEEDED if not os.environ.get(name)]):
        verb = "is" if len(missing) == 1 else "are"
        raise ItransError(
            f"The environment variable WORLD_SIZE is {count}, as for one of several processes, but "
            f"{' and '.join(missing)} {verb} not set. {_ADVICE}"
        )
    return Processes(rank, count, local_rank)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
        raise ItransError(f'The environment variable {name} is "{text}", which is not a number from 0 up. {_ADVICE}')
    return int(text)


@contextlib.contextmanager
def process_group(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect the processes for as long as the block lasts: NCCL for what is on GPUs, Gloo otherwise."""
    if processes.count == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    _wait_for_first(processes)
    try:
        with _ending_at_once():  # what waits here for the others hears no signal
            dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError, OSError) as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ItransError(
            f"The {processes.count} processes cannot meet at {place}, which the environment variables MASTER_ADDR and "
            f"MASTER_PORT say ({str(error).splitlines()[0]}). {_ADVICE}"
        ) from error
    try:
        yield
    finally:
        dist.destroy_process_group()


_ENDED = "Another process has ended, and says why; this one cannot continue."
_TORCHRUN = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}
_NEEDED = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_ADVICE = "torchrun sets it, as in: torchrun -m itrans run RECIPE; for a single process, unset it."
_DIGITS = 9
