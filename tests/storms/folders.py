"""Two runs in one folder, two that resume, two sweeps: one is refused, and a killed run locks nobody out."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runs import start, write_recipe


def main() -> None:
    """Try each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10)
    options = parser.parse_args()
    bad = 0
    for name in ("run", "resume", "sweep", "killed"):
        good = 0
        for number in range(options.tries):
            with tempfile.TemporaryDirectory() as folder:
                good += (killed if name == "killed" else both)(Path(folder), name, number)
        print(f"{name}: {good} of {options.tries} as they should be")
        bad += options.tries - good
    sys.exit(1 if bad else 0)


def both(folder: Path, name: str, number: int) -> bool:
    """Start two at (nearly) the same time, and return whether just one has run."""
    recipe = write_recipe(folder, steps=60)
    command = ["sweep", recipe, "-o", folder / "out"] if name == "sweep" else ["run", recipe, "-o", folder / "out"]
    command += ["--device", "cpu"]
    if name == "resume":
        start(*command, "--stop-after", "2").communicate()
        command.append("--resume")
    first = start(*command)
    time.sleep(0.3 * number)
    second = start(*command)
    ended = [(process.communicate()[1], process.returncode) for process in (first, second)]
    refused = [errors for errors, code in ended if code == 2]
    good = sorted(code for _, code in ended) == [0, 2] and ("in use" in refused[0] or first.returncode == 0)
    if not good:
        print(ended)
    return good


def killed(folder: Path, _name: str, number: int) -> bool:
    """Kill a run with workers, and return whether the next one can start at once."""
    recipe = write_recipe(folder, steps=2000)
    command = ["run", recipe, "-o", folder / "out", "--device", "cpu", "--set", "train.workers=2"]
    first = start(*command, "--set", "checkpoint.every=5")
    while not (folder / "out" / "checkpoints" / "last.pt").exists():
        time.sleep(0.05)
    time.sleep(0.1 * number)
    first.send_signal(subprocess.signal.SIGKILL)  # type: ignore[attr-defined]
    first.wait()
    second = start(*command, "--set", "checkpoint.every=5", "--resume", "--stop-after", "2")
    _, errors = second.communicate()
    if second.returncode != 130:
        print(errors)
    return second.returncode == 130


if __name__ == "__main__":
    main()
