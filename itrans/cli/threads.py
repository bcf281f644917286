"""How many threads a run on a CPU computes with: as many as other programs leave cores for."""

from __future__ import annotations

import contextlib
import math
import os
import time
from typing import TYPE_CHECKING, Literal

from itrans import cores
from itrans.cli.progress import Reporters
from itrans.errors import counted
from itrans.training.journal import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

    from itrans.training.record import RunFolder

_SECONDS, _DIGITS = 60.0, 9


@contextlib.contextmanager
def computing_threads(
    wanted: int | Literal["auto"], device: torch.device, folder: RunFolder, reporter: Reporter, *, resume: bool
) -> Iterator[Reporter]:
    """Let torch compute with so many threads for as long as the block lasts, and yield who watches the run.

    For `auto` they are as many as there are cores for this process: those that it is bound to and that a container
    allows for, less those that other programs use as it starts; shared with the other processes that `torchrun` has
    started on this machine. What OMP_NUM_THREADS says comes first, unless it is torchrun that says it. For a GPU
    nothing is changed. Weights depend on the number in their last digits. So a run that is resumed keeps it, and when
    the load changes this is only told.
    """
    import torch

    before = torch.get_num_threads()
    if wanted == "auto":
        threads, watch = _chosen(device, folder, reporter, resume=resume)
    else:
        threads, watch = wanted, False
    torch.set_num_threads(threads or before)
    try:
        yield Reporters(reporter, _Watch(reporter, threads)) if watch and threads else reporter
    finally:
        torch.set_num_threads(before)


def _chosen(device: torch.device, folder: RunFolder, reporter: Reporter, *, resume: bool) -> tuple[int | None, bool]:
    """Return how many threads to compute with, None for as many as there are, and whether load has a say."""
    said = os.environ.get("LOCAL_WORLD_SIZE", "")
    processes = max(1, int(said)) if said.isdecimal() and len(said) < _DIGITS else 1
    unsaid = "1" if processes > 1 else ""  # torchrun says 1 where the user says nothing
    if device.type != "cpu" or os.environ.get("OMP_NUM_THREADS", unsaid) != unsaid:
        return None, False
    own = cores.cores()
    if processes > 1:
        return max(1, own // processes), False
    if resume and (kept := _kept(folder, own)):
        return kept, True
    used = cores.used_by_others()
    free = own if used is None else cores.free_cores(used)
    if used is not None and free < own:
        reporter.note(
            f"Other programs use {used:.1f} of {counted(own, 'core')}: this run computes with "
            f"{counted(free, 'thread')}, also when it is resumed. Set train.threads to change that."
        )
    return free, used is not None


def _kept(folder: RunFolder, own: int) -> int | None:
    """Return how many threads the run had, if it was on a machine with as many cores."""
    start = folder.last_start()
    return int(start["threads"]) if "threads" in start and start.get("cores") == own else None


class _Watch(Reporter):
    """Says once when other programs have come, or gone, so that another number of threads would be faster."""

    def __init__(self, reporter: Reporter, threads: int) -> None:
        self._reporter, self._threads = reporter, threads
        self._looked_at, self._free = time.monotonic(), threads

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        if time.monotonic() - self._looked_at < _SECONDS:
            return
        used = cores.used_by_others()
        before, self._free = self._free, self._threads if used is None else cores.free_cores(used)
        self._looked_at = time.monotonic()
        if self._free == before != self._threads:  # twice in a row
            self._looked_at = math.inf
            self._reporter.note(
                f"Other programs now leave {counted(self._free, 'core')} of {cores.cores()}, and this run computes "
                f"with {counted(self._threads, 'thread')}. It keeps to that, because weights depend on it in their "
                f"last digits; to go faster, stop it and continue: --resume --set train.threads={self._free}"
            )
