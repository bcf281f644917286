"""How a command treats memory: what the C library's allocator keeps, and when garbage is looked for."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_MMAPS = -1, -3, -4
"""Parameters of glibc's mallopt, see its manual, "Malloc Tunable Parameters"."""
_KEPT, _LARGEST = 1 << 30, 32 << 20
"""Bytes: so much free memory is kept, and blocks up to so large come from it (more than 32 MiB glibc refuses)."""
_USERS = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")


def keep_freed_memory(*, of_any_size: bool = False) -> bool:
    """Have the process keep the memory of freed tensors for the next ones, where its C library is glibc.

    glibc gives blocks of more than 128 KiB back to the system as soon as they are free, and the system hands them out
    again page by page, each wiped and with an interrupt of its own. On a CPU, that is a good part of the time of
    loading pictures. What the environment says of glibc's allocator comes first.

    Args:
        of_any_size: keep that of blocks above 32 MiB, too, such as the gradients of a U-Net's largest layers, which
            come and go with every step. A process that reads one large picture would hold its memory for longer.

    Returns:
        Whether that was done.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _USERS):
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = [(_TRIM_THRESHOLD, _KEPT), (_MMAP_THRESHOLD, _LARGEST)] + [(_MOST_MMAPS, 0)] * of_any_size
    return all(mallopt(*setting) for setting in settings)


@contextlib.contextmanager
def pause_collection() -> Iterator[None]:
    """Look for no garbage while torch is imported, if that is in the block; and never among what has come with it.

    Torch comes with some hundred thousand objects, all of which stay. Python's collector goes through them time and
    again while their number grows, and once more when the process ends: a third of the time that `import torch` takes
    as a program of its own.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if "torch" in sys.modules:
            gc.freeze()
        gc.enable()
