"""How much memory there is, and whether a picture has room in it: asked before its pixels are decoded."""

from __future__ import annotations

import os
from pathlib import Path

from itrans.errors import DataError

_SMALL = 1 << 26
"""Bytes of a picture for which nobody is asked."""

_LARGEST = 1 << 30
"""Bytes of a picture above which its file must be large, too: a small one that unpacks to more is made to harm."""

_BOMB = 100
"""How much larger than its file such a picture may be; deflate reaches 1,000, and no photo comes near."""

_GROUPS = [
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
]
"""Where the two versions of control groups say what a container may take, has taken, and would give up."""


def free_memory() -> int | None:
    """Return the bytes that this process can still take, by the machine and by its control group; None if unknown."""
    rooms = [*_machine(), *_control_group()]
    return min(rooms) if rooms else None


def check_room(path: str | os.PathLike[str], width: int, height: int, pixel: int, stored: int) -> None:
    """Refuse a picture for which there is no room.

    `width` and `height` are those of its header; `pixel` is the bytes of a decoded pixel, and `stored` of the file.

    Raises:
        DataError: decoded, it takes more than half of the memory that is free, for a decoder needs as much again; or
            it takes more than 1 GiB and more than 100 times what its file has.
    """
    need = width * height * pixel
    if need <= _SMALL:
        return
    size = f"{path} is {width} x {height} pixels, which take {amount(need)} when they are decoded"
    if need > max(_LARGEST, _BOMB * stored):
        raise DataError(f"{size}, in a file of {amount(stored)}: pictures like that are not read. Cut it into parts.")
    free = free_memory()
    if free is not None and need > free / 2:
        raise DataError(f"{size}, and as much again while that is done; {amount(free)} of memory are free.")


def amount(number: float) -> str:
    """Return a number of bytes as people say it, such as 4.6 GB."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _machine() -> list[int]:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return [int(line.split()[1]) * 1024]
    except (OSError, ValueError):
        pass
    try:
        return [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):  # Windows has none, macOS has other names
        return []


def _control_group() -> list[int]:
    """Return what a container may still take. Files in its cache do not count: they are given up when needed."""
    for limit, used, given_up in _GROUPS:
        try:
            most, now = int(Path(limit).read_text(encoding="ascii")), int(Path(used).read_text(encoding="ascii"))
            stat = dict(line.split() for line in Path(given_up).read_text(encoding="ascii").splitlines())
            return [most - now + int(stat.get("inactive_file", 0))]
        except (OSError, ValueError):  # "max" is no number
            continue
    return []
