"""Checkpoints that are written while training goes on."""

from __future__ import annotations

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from itrans.checkpoint.file import save_checkpoint
from itrans.checkpoint.states import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from itrans.checkpoint.file import CheckpointFile


def copy_of(checkpoint: CheckpointFile) -> CheckpointFile:
    """Return a checkpoint that stays as it is when training goes on; it takes as much memory again, on the CPU."""
    networks, method, training = snapshot([checkpoint.networks, checkpoint.method, checkpoint.training])
    return replace(checkpoint, networks=networks, method=method, training=training)


class CheckpointWriter:
    """Writes checkpoints in a thread of its own, one lot after another.

    Attributes:
        seconds: the processor time that the last lot took; 0 before there was one.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "checkpoints")  # which ends with the process, after the last lot
        self._lot: Future[None] | None = None
        self.seconds = 0.0

    def write(
        self, files: Sequence[tuple[Path, CheckpointFile]], then: Callable[[], None], also: Path | None = None
    ) -> None:
        """Write files in the order given, without waiting for them; nothing else may be being written.

        Args:
            files: paths and what they are to hold, which has to stay as it is.
            then: what to do, in that thread, when all are written.
            also: another path of the last one, which takes no room of its own where the file system allows for that.
        """
        self._lot = self._thread.submit(self._write, files, then, also)

    @property
    def has_failed(self) -> bool:
        """Whether something is known to be wrong, which `wait` will raise."""
        return self._lot is not None and self._lot.done() and self._lot.exception() is not None

    def wait(self) -> None:
        """Wait until everything is written.

        Raises:
            OutputError: something could not be written; this is said once.
        """
        lot, self._lot = self._lot, None
        if lot is not None:
            lot.result()

    def _write(self, files: Sequence[tuple[Path, CheckpointFile]], then: Callable[[], None], also: Path | None) -> None:
        began = time.thread_time()
        for path, checkpoint in files:
            save_checkpoint(path, checkpoint)
        if also is not None and not _link(files[-1][0], also):
            save_checkpoint(also, files[-1][1])
        then()
        self.seconds = time.thread_time() - began


def _link(path: Path, also: Path) -> bool:
    """Give a file another name, in place of what had that before; return whether the file system does such a thing."""
    temporary = also.with_name(f".{also.name}.{os.getpid()}.tmp")
    try:
        os.link(path, temporary)
        temporary.replace(also)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        return False
    return True
