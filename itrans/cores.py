"""The cores that this process may use, and how threads wait for one another on them."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_TURNS = "10000"
"""Of the loop in which a thread of libgomp waits: about 0.2 milliseconds. Its own 300,000 are 5 milliseconds."""

_BUSY = Path("/proc/stat")
_WORKING = (1, 2, 3, 6, 7)
"""Columns there: programs, those with low priority, the system, and what interrupts."""
_MOMENT, _GRACE = 0.2, 0.4
_last: tuple[float, float, float] | None = None


def cores() -> int:
    """Return how many cores this process may use: those it is bound to, or as many as a container's quota is worth."""
    return max(1, math.ceil(min(_bound(), _quota())))


def prepare_threads() -> None:
    """Have torch start no more threads than there are cores for this process, and have them wait briefly.

    A container's quota is not heeded by libraries, which would start a thread for each core that they see. On a busy
    machine a thread sometimes loses its core, and all others wait for it: threads that do so by keeping their cores
    busy for milliseconds hold up that one, too.

    It works only before torch is loaded, and the waiting only with libgomp, which torch brings on Linux. What the
    environment says comes first.
    """
    if "torch" in sys.modules:
        return
    used_by_others()  # from here on
    if not any(name in os.environ for name in _POLICIES):
        os.environ["GOMP_SPINCOUNT"] = _TURNS
    if "OMP_NUM_THREADS" not in os.environ and (own := cores()) < _bound():
        os.environ["OMP_NUM_THREADS"] = str(own)


def used_by_others() -> float | None:
    """Return how many cores' worth of time other programs have used since the last call.

    They are those of the cores that this process is bound to. None where it is not known: at the first call, when that
    was a moment ago, and on systems other than Linux.
    """
    global _last  # what the whole machine did is nobody's in particular
    before, _last = _last, _look()
    if before is None or _last is None or _last[0] - before[0] < _MOMENT:
        return None
    seconds, busy, own = (now - then for now, then in zip(_last, before, strict=True))
    return max(0.0, busy - own) / seconds


def free_cores(used: float) -> int:
    """Return how many threads this process should compute with where others use so many cores' worth of time."""
    return max(1, min(cores(), int(_bound() - used + _GRACE)))


def _look() -> tuple[float, float, float] | None:
    """Return the time, how long the cores have been busy by now, and how long with this process: in seconds."""
    try:
        lines = _BUSY.read_text().splitlines()
        here = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    found = [line.split() for line in lines]
    ticks = sum(sum(int(words[place]) for place in _WORKING) for words in found if words and words[0] in here)
    return time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time()


def _bound() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quota() -> float:
    """Return how many cores' worth of time the control groups of Linux allow this process; infinite elsewhere."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:
        return math.inf
    quotas = [math.inf]
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if not kinds:
            quotas += [_cores_of(*_words(group / "cpu.max", 2)) for group in _upwards(_GROUPS, path)]
        elif "cpu" in kinds.split(","):
            for group in _upwards(_GROUPS / "cpu", path):
                names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                quotas.append(_cores_of(*(_words(group / name, 1)[0] for name in names)))
    return min(quotas)


def _upwards(root: Path, path: str) -> list[Path]:
    """Return a group's folder and those around it; in a container, only the outermost may be there."""
    group = root / path.lstrip("/")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(root))]


def _words(path: Path, count: int) -> list[str]:
    try:
        found = path.read_text().split()
    except OSError:
        found = []
    return [*found, *[""] * count][:count]


def _cores_of(quota: str, period: str) -> float:
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else math.inf
