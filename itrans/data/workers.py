"""Processes that read pairs ahead: they ignore signals, their death is noticed, and they end with the run."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import signal
import threading
import weakref
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Literal

import cv2

from itrans.cores import cores
from itrans.errors import DataError, TrainingError, counted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from multiprocessing.process import BaseProcess

    import torch
    from torch.utils.data import DataLoader

_MOST_WORKERS = 8
_MOST_ASKED_FOR = 64
_SECONDS_TO_DIE = 5.0


def count_of(workers: int | Literal["auto"], device: torch.device, processes: int) -> int:
    """Return how many processes read ahead: for `auto` none on a CPU, where training keeps every core busy.

    Raises:
        DataError: so many are asked for that the machine would do nothing but start them.
    """
    here = cores()
    if workers == "auto":
        return 0 if device.type == "cpu" else min(_MOST_WORKERS, max(1, here // processes))
    most = max(_MOST_ASKED_FOR, 4 * here)
    if workers > most:
        raise DataError(
            f"train.workers is {workers}, and this machine has {counted(here, 'core')}: at most {most} processes may "
            "read ahead. More than one for each core is of no use."
        )
    return workers


_started: weakref.WeakSet[BaseProcess] = weakref.WeakSet()


def be_quiet(_worker: int) -> None:
    """Leave Ctrl-C and SIGTERM to the training process, which saves and then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(1)


def batches_of(loader: DataLoader[Any]) -> Generator[Any]:
    """Yield a loader's batches.

    Raises:
        TrainingError: a worker has been killed. That is found out when its batch is asked for, never in between, where
            a step would be left half done.
    """
    if loader.num_workers:
        # A forked worker inherits no threads but OpenCV's belief that it has some; it would wait for them for ever.
        cv2.setNumThreads(1)
    before = set(multiprocessing.active_children())
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGCHLD) if in_main and hasattr(signal, "SIGCHLD") else None
    batches = iter(loader)
    if handler is not None:
        signal.signal(signal.SIGCHLD, handler)  # torch's would raise an error wherever the death is heard of
    workers = set(multiprocessing.active_children()) - before
    _started.update(workers)
    try:
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception as error:
                if isinstance(error, ConnectionError | EOFError):  # heard of a moment before the death itself
                    wait([worker.sentinel for worker in workers], timeout=_SECONDS_TO_DIE)
                codes = [worker.exitcode for worker in workers if worker.exitcode is not None]
                _kill(workers)  # the error's traceback holds the loader, which would wait for them when Python ends
                if codes:
                    raise TrainingError(_obituary(codes[0])) from error
                raise
            yield batch
    finally:
        if any(worker.exitcode is not None for worker in workers):
            _kill(workers)  # the others wait for what the dead one held


def _kill(workers: Iterable[BaseProcess]) -> None:
    """End workers, which do not hear SIGTERM."""
    for worker in workers:
        worker.kill()


@atexit.register
def _kill_all() -> None:
    """End the workers of loaders that are still alive: Python itself would send SIGTERM, and wait for ever."""
    with contextlib.suppress(AssertionError):  # of a process that was forked from this one, and has not started them
        _kill(worker for worker in [*_started] if worker.is_alive())


def _obituary(code: int | None) -> str:
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    return (
        f"A process that reads pictures ahead has ended {how}. Where memory runs out, the system kills it: fewer "
        "train.workers need less memory (--set train.workers=0 reads in the training process itself)."
    )
