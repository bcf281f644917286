"""Several processes that train one network together, as `torchrun` starts them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

_BUCKET_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Processes:
    """The processes of a run, seen from one of them.

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

    def mean_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes; a missing one counts as zero.

        They travel in buckets of one type, not one by one. Unlike a wrapper around the network this cannot be
        upset by networks that are called twice, by buffers that change or by parameters that a step leaves out.
        """
        if self.count == 1:
            return
        bucket: list[Tensor] = []
        size = 0
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if bucket and (parameter.grad.dtype != bucket[0].dtype or size >= _BUCKET_BYTES):
                self._mean_in_place(bucket)
                bucket, size = [], 0
            bucket.append(parameter.grad)
            size += parameter.grad.nbytes
        if bucket:
            self._mean_in_place(bucket)

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

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def _mean_in_place(self, gradients: list[Tensor]) -> None:
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def processes_here() -> Processes:
    """Return what `torchrun` has said about this process; a process that it did not start is the only one."""
    number = {name: int(os.environ.get(name, default)) for name, default in _TORCHRUN.items()}
    return Processes(number["RANK"], number["WORLD_SIZE"], number["LOCAL_RANK"])


@contextlib.contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect the processes for as long as the block lasts: NCCL for what is on GPUs, Gloo otherwise."""
    if processes.count == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


_TORCHRUN = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}
