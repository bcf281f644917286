"""A process that reads ahead is killed: the run is saved and ends, soon."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from runs import start, write_recipe

LAUNCHER = ("-m", "torch.distributed.run", "--nproc-per-node", "2")


def main() -> None:
    """Kill one a try, and print how long the run took to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    bad = 0
    for launcher in ((), LAUNCHER):
        name = "torchrun" if launcher else "run"
        for number in range(options.tries):
            with tempfile.TemporaryDirectory() as folder:
                seconds, good, told = one(Path(folder), launcher, number)
            bad += not (good and seconds < options.seconds)
            print(f"{name}: ended after {seconds:.1f} s, {'saved' if good else 'NOT as it should be'}: {told}")
    sys.exit(1 if bad else 0)


def one(folder: Path, launcher: tuple[str, ...], number: int) -> tuple[float, bool, str]:
    """Kill a worker, and return the seconds until the end, whether that was well, and what was said."""
    recipe = write_recipe(folder, steps=100_000)
    process = start(
        "run", recipe, "-o", folder / "out", "--device", "cpu", "--set", "train.workers=2", launcher=launcher
    )
    while not (folder / "out" / "checkpoints" / "last.pt").exists():
        time.sleep(0.05)
        assert process.poll() is None, process.communicate()
    time.sleep(0.2 * number)
    trainers = children(process.pid) if launcher else [process.pid]
    victim = sorted(child for trainer in trainers for child in children(trainer))[number % 2]
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    try:
        _, errors = process.communicate(timeout=120)
    except Exception:
        process.kill()
        return time.monotonic() - began, False, "it has not ended"
    seconds = time.monotonic() - began
    lines = [line for line in errors.splitlines() if "read" in line and "ahead" in line]
    saved = "is saved in" in errors
    good = process.returncode == 1 and bool(lines) and saved and "Traceback" not in errors.partition("Error:")[0]
    return seconds, good, lines[0] if lines else errors


def children(parent: int) -> list[int]:
    """Return the processes that a process has started, and that are Python's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent and b"resource_tracker" not in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


if __name__ == "__main__":
    main()
