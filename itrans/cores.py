"""The cores that this process may use, and how threads wait for one another on them."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_TURNS = "1000"
"""Of the loop in which a thread of libgomp waits: about 20 microseconds. Its own 300,000 are 5 milliseconds."""


def cores() -> int:
    """Return how many cores this process may use: those it is bound to, or as many as a container's quota is worth."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, _quota())))


def wait_briefly() -> None:
    """Have torch's threads give up their cores when they have waited for one another for some microseconds.

    On a busy machine a thread sometimes loses its core, and all others wait for it. Threads that do so by keeping their
    cores busy for milliseconds hold up that one, too. It works only before torch is loaded, with libgomp, which is the
    one that torch brings on Linux; what the environment says of such waiting comes first.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in _POLICIES):
        os.environ["GOMP_SPINCOUNT"] = _TURNS


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
