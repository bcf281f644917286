"""Ctrl-C and SIGTERM, once or several times, at any moment: exit code 130 or 0, no traceback, nothing half-written."""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runs import start, write_recipe

SIGNALS = [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 2, [signal.SIGTERM] * 2, [signal.SIGINT] * 3]
SIGNALS += [[signal.SIGINT, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]]


def main() -> None:
    """Try each, and print what was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        recipe = write_recipe(Path(name), steps=30)
        assert start("run", recipe, "-o", Path(name) / "done", "--device", "cpu").wait() == 0
        for number in range(options.tries):
            bad += not one(Path(name), recipe, number, chance)
    print(f"{options.tries - bad} of {options.tries} as they should be")
    sys.exit(1 if bad else 0)


def one(folder: Path, recipe: Path, number: int, chance: random.Random) -> bool:
    """Start a command, send it signals, and return whether it has ended well."""
    out = folder / f"out{number}"
    more = ["--set", f"train.workers={chance.choice([0, 2])}", "--set", "checkpoint.every=3"]
    commands = [
        ["run", recipe, "-o", out, *more],
        ["sweep", recipe, "-o", out, "--seeds", "1,2", *more],
        ["evaluate", folder / "done"],
    ]
    command, signals = chance.choice(commands), chance.choice(SIGNALS)
    delay, pause = chance.uniform(0.3, 4.5), chance.choice([0.001, 0.05, 0.4])  # Python itself starts before that
    process = start(*command, "--device", "cpu")
    time.sleep(delay)
    for each in signals:
        if process.poll() is None:
            process.send_signal(each)
            time.sleep(pause)
    try:
        _, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        errors = "it has not ended"
    left = [str(path) for path in out.rglob(".*.tmp")]
    good = process.returncode in {0, 130} and "Traceback" not in errors and not left
    if not good:
        names = " ".join(each.name for each in signals)
        print(f"{command[0]}, {names} after {delay:.2f} s: {process.returncode}, left {left}\n{errors[-1000:]}")
    return good


if __name__ == "__main__":
    main()
