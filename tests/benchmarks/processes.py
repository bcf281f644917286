"""Images a second of two processes with a core each against one process with one core, and how long an update waits.

```bash
python tests/benchmarks/processes.py [--before CHECKOUT] [--size 128 256] [--batch 2] [--rounds 9]
```

Each process has the same batch. The groups take a step in turn, in one run. Two that do not talk to each other show
what the machine allows. With `--before`, two processes of another version of itrans take part.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from figures import line

HERE = Path(__file__).resolve()


class Group:
    """Processes that take a step together whenever they are asked to."""

    def __init__(self, checkout: Path, size: int, batch: int, *, count: int, apart: bool = False) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self._processes = []
        for number in range(count):
            rank, together = (0, 1) if apart else (number, count)
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            folders = [str(checkout), str(checkout / "plugins"), os.environ.get("PYTHONPATH", "")]
            told = {"WORLD_SIZE": str(together), "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(folders)}
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, str(HERE), "--work", str(size), str(batch)],
                    env={**os.environ, **place, **told},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for process in self._processes:
            if process.stdout.readline().strip() != "ready":
                raise SystemExit(f"A process of {checkout} did not start.")

    def step(self) -> tuple[float, float]:
        """Return how long a step of the slowest takes, and how long updates then wait after their last gradient."""
        for process in self._processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return max(tuple(json.loads(process.stdout.readline())) for process in self._processes)

    def end(self) -> None:
        """Let all end."""
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            process.wait()


def work(size: int, batch: int) -> None:
    """Be one of the processes."""
    import torch
    from step import CPU, itrans_step
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    from itrans.training.processes import process_group, processes_here

    torch.set_num_threads(1)
    processes, waited, last, known = processes_here(), 0.0, 0.0, set()

    def arrives(_) -> None:
        nonlocal last
        last = time.perf_counter()

    def begins(optimizer, *_) -> None:
        nonlocal waited
        if optimizer in known:
            waited += time.perf_counter() - last
            return
        known.add(optimizer)
        for parameter in (one for group in optimizer.param_groups for one in group["params"]):
            parameter.register_post_accumulate_grad_hook(arrives)

    register_optimizer_step_pre_hook(begins)
    with process_group(processes, CPU):
        step = itrans_step(size.bit_length() - 1, batch, size, "auto", "auto", False, processes)
        for _ in range(2):
            step()
        processes.wait()
        print("ready", flush=True)
        for _ in sys.stdin:
            waited, began = 0.0, time.perf_counter()
            step()
            print(json.dumps((time.perf_counter() - began, waited)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a checkout of another version")
    parser.add_argument("--size", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    checkout = HERE.parents[2]
    for size in options.size:
        work_of = checkout, size, options.batch
        groups = {"one process": Group(*work_of, count=1), "two apart": Group(*work_of, count=2, apart=True)}
        if options.before:
            groups["two, before"] = Group(options.before.resolve(), *work_of[1:], count=2)
        groups["two together"] = Group(*work_of, count=2)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in groups}
        for _ in range(options.rounds):
            for name, group in groups.items():
                taken[name].append(group.step())
        for group in groups.values():
            group.end()
        for name, steps in taken.items():
            rate = rate_of(name, options.batch, statistics.median(seconds for seconds, _ in steps))
            ratios = [
                statistics.median(
                    rate_of(name, 1, mine) / rate_of(other, 1, theirs)
                    for (mine, _), (theirs, _) in zip(steps, taken[other], strict=True)
                )
                for other in ("one process", "two apart")
            ]
            waits = 1000 * statistics.median(wait for _, wait in steps)
            figure = f"{rate:.2f} images/s, {ratios[0]:.2f} times one process, waits {waits:.0f} ms a step"
            what = f"{size}x{size}, batch {options.batch} each, {name}"
            print(line(what, figure, ratios[1], "two apart"), flush=True)


def rate_of(name: str, batch: int, seconds: float) -> float:
    """Return the images a second of a group of that name whose step takes so long."""
    return batch * (1 if name == "one process" else 2) / seconds


if __name__ == "__main__":
    main()
