"""Freed memory is kept for the next tensors, unless the user says otherwise; what torch brings is no garbage."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

linux = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc whose allocator is told")

FAULTS = """
import resource
from itrans.cli.memory import keep_freed_memory

def churn():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [bytearray(64 << 20 >> SHIFT) for _ in range(1 << SHIFT)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

done = keep_freed_memory(of_any_size=not SHIFT)
churn()
print(done, churn())
"""
"""Prints how many pages the system had to hand out for 64 MiB, which the process has used and freed before."""


def result(shift: int = 2, **environment: str) -> tuple[str, int]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", f"SHIFT = {shift}{FAULTS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean | environment)
    said, faults = done.stdout.split()
    return said, int(faults)


@linux
def test_blocks_of_16_mib_are_taken_from_kept_memory() -> None:
    said, pages = result()
    assert said == "True"
    assert pages < 100


@linux
def test_blocks_of_any_size_are_if_that_is_asked_for() -> None:
    said, pages = result(shift=0)
    assert said == "True"
    assert pages < 100


@linux
def test_what_the_environment_says_comes_first() -> None:
    said, pages = result(MALLOC_MMAP_THRESHOLD_="65536")
    assert said == "False"
    assert pages > 100  # at most 2 MiB each


PAUSED = """
import gc, sys
from itrans.cli.memory import pause_collection

for name in ("json", "torch", "torch"):
    before = gc.get_freeze_count()
    with pause_collection():
        rested = not gc.isenabled()
        __import__(name)
    print(name, rested, gc.isenabled(), gc.get_freeze_count() > before)
"""


def test_the_collector_rests_while_torch_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PAUSED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["json True True False", "torch True True True", "torch False True False"]


def test_a_collector_that_is_off_stays_off() -> None:
    program = "import gc; gc.disable()" + PAUSED
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name} True False False" for name in ("json", "torch", "torch")]
