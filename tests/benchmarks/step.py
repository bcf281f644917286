"""Images a second of a whole D + G step: itrans with its automatic choices against plain fp32, in turn, in one run.

Each has a process of its own, because the commands of itrans set the allocator of theirs.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import time
from functools import partial

import torch
from plain import PlainTrainer, networks

from itrans.api import LOSSES, Batch, ImageSpec, WeightedLoss
from itrans.cli.memory import keep_freed_memory
from itrans.methods.paired import Paired
from itrans.recipe.schema import Optimizer, Train
from itrans.training.devices import choose_dtype, choose_memory_format
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

CPU = torch.device("cpu")
ALONE = Processes()


def plain_step(depth: int, batch: int, size: int):
    plain = PlainTrainer(depth)
    source, target = (torch.rand(batch, 3, size, size).mul(2).sub(1) for _ in range(2))
    return lambda: plain.step(source, target)


def itrans_step(
    depth: int,
    batch: int,
    size: int,
    precision: str,
    channels_last: bool | str,
    compile_: bool,
    processes: Processes = ALONE,
):
    keep_freed_memory(of_any_size=True)
    generator, discriminator = networks(depth)
    losses = [
        WeightedLoss("cgan", 1.0, LOSSES.build({"name": "cgan"})),
        WeightedLoss("l1", 100.0, LOSSES.build({"name": "l1"})),
    ]
    method = Paired(
        build_generator=lambda *_: generator,
        build_discriminator=lambda *_: discriminator,
        losses=losses,
        source=ImageSpec(3),
        target=ImageSpec(3),
    )
    dtype = choose_dtype(precision, CPU)
    memory_format = choose_memory_format(channels_last, CPU, dtype)
    runtime = Runtime(
        method,
        device=CPU,
        dtype=dtype,
        memory_format=memory_format,
        processes=processes,
        optimizer=Optimizer(),
        train=Train(steps=1, compile=compile_),
    )
    images = [torch.rand(batch, 3, size, size).mul(2).sub(1).contiguous(memory_format=memory_format) for _ in range(2)]

    def step() -> None:
        with runtime.autocast():
            method.step(Batch(images[0], images[1], ("",) * batch), runtime)

    return step


class Worker:
    """A process that takes a step whenever it is asked to."""

    def __init__(self, make) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        context.Process(target=work, args=(make, theirs), daemon=True).start()

    def seconds(self) -> float:
        """Return how long one step takes."""
        self._pipe.send(None)
        return self._pipe.recv()


def work(make, pipe) -> None:
    step = make()
    with contextlib.suppress(EOFError):  # the other end has all that it wants
        while True:
            pipe.recv()
            began = time.perf_counter()
            step()
            pipe.send(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too (40 s of compiling)")
    parser.add_argument("--all", action="store_true", help="measure every precision and memory layout")
    options = parser.parse_args()
    depth = options.size.bit_length() - 1
    sizes = depth, options.batch, options.size
    steps = {
        "plain fp32": partial(plain_step, *sizes),
        "itrans auto": partial(itrans_step, *sizes, "auto", "auto", False),
    }
    if options.all:
        for precision in ("fp32", "bf16"):
            for channels_last in (False, True):
                layout = "channels last" if channels_last else "NCHW"
                steps[f"itrans {precision} {layout}"] = partial(itrans_step, *sizes, precision, channels_last, False)
    if options.compile:
        steps["itrans compiled"] = partial(itrans_step, *sizes, "auto", "auto", True)
    workers = {name: Worker(make) for name, make in steps.items()}
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for round_ in range(options.rounds + 1):
        for name, worker in workers.items():
            took = worker.seconds()
            if round_:
                seconds[name].append(took)
    base = seconds["plain fp32"]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {options.batch}, {options.size} pixels")
    for name, times in seconds.items():
        ratios = [plain_time / time_ for plain_time, time_ in zip(base, times, strict=True)]
        rate = options.batch / statistics.median(times)
        print(f"{name:28} {rate:6.2f} images/s   {statistics.median(ratios):.2f}x of plain")


if __name__ == "__main__":
    main()
