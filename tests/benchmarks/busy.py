"""Images a second of training while other processes compute on the same cores, against a quiet machine.

Three ways of waiting are compared in turn: as itrans has it (threads wait for some microseconds, then sleep), as
libgomp has it if nothing is said (they wait for milliseconds), and one thread alone. With `--runs N`, N runs train at
the same time instead.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from figures import line

from itrans.cores import cores, prepare_threads

RATE = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
from step import itrans_step
torch.set_num_threads(int(sys.argv[1]))
step = itrans_step(7, 4, 128, "auto", "auto", False)
for _ in range(3):
    step()
print("ready", flush=True)
for line in sys.stdin:
    began, steps = time.perf_counter(), int(line)
    for _ in range(steps):
        step()
    print(4 * steps / (time.perf_counter() - began), flush=True)
"""
POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS")
STEPS = 5


class Trainer:
    """A process that trains a while whenever it is asked to."""

    def __init__(self, threads: int, environment: dict[str, str]) -> None:
        plain = {name: value for name, value in os.environ.items() if name not in POLICIES}
        command = [sys.executable, "-c", RATE, str(threads)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, env=plain | environment, **pipes)
        self.rate()

    def begin(self) -> None:
        self._process.stdin.write(f"{STEPS}\n")
        self._process.stdin.flush()

    def rate(self) -> float:
        """Return how many images a second it has trained on, once it has."""
        answer = self._process.stdout.readline()
        return 0.0 if answer == "ready\n" else float(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--others", type=int, nargs="*", default=[0, 1, 2], help="how many other processes compute")
    parser.add_argument("--runs", type=int, default=1, help="how many runs train at the same time")
    options = parser.parse_args()
    before = dict(os.environ)
    sys.modules.pop("torch", None)
    prepare_threads()
    ours = {name: value for name, value in os.environ.items() if before.get(name) != value}
    ways = {"waiting briefly": (cores(), ours), "waiting for long": (cores(), {}), "one thread": (1, {})}
    trainers = {name: [Trainer(*way) for _ in range(options.runs)] for name, way in ways.items()}
    for others in options.others:
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(others)]
        rates: dict[str, list[float]] = {name: [] for name in trainers}
        try:
            for _ in range(options.rounds):
                for name, together in trainers.items():
                    for trainer in together:
                        trainer.begin()
                    rates[name].append(sum(trainer.rate() for trainer in together))
        finally:
            for process in busy:
                process.kill()
        best = [max(values) for values in zip(rates["waiting for long"], rates["one thread"], strict=True)]
        for name, found in rates.items():
            ratio = statistics.median(rate / other for rate, other in zip(found, best, strict=True))
            what = f"{options.runs} run{'s' * (options.runs > 1)}, {others} other processes, {name}"
            print(line(what, f"{statistics.median(found):.2f} images/s", ratio, "the better of the others"), flush=True)


if __name__ == "__main__":
    main()
