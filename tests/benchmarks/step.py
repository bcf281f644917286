"""Images a second of a whole D + G step: itrans with its automatic choices against plain fp32, in turn, in one run.

Each has a process of its own, because the commands of itrans set the allocator of theirs.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from figures import line
from plain import CPU, PlainTrainer, networks
from torch import nn

from itrans.api import LOSSES, Batch, ImageSpec, WeightedLoss
from itrans.cli.memory import keep_freed_memory
from itrans.methods.paired import Paired
from itrans.recipe.schema import Optimizer, Train
from itrans.training.devices import choose_dtype, choose_memory_format
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

ALONE = Processes()


class Step(NamedTuple):
    """A contestant: its networks, and a step that trains them on one and the same batch."""

    networks: dict[str, nn.Module]
    take: Callable[[], None]

    def __call__(self) -> None:
        """Take the step."""
        self.take()


def pictures(batch: int, size: int) -> list[torch.Tensor]:
    """Return sources and targets in [-1, 1]."""
    return [torch.rand(batch, 3, size, size).mul(2).sub(1) for _ in range(2)]


def plain_step(
    depth: int,
    batch: int,
    size: int,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
    generator: str = "unet",
    filters: int = 64,
) -> Step:
    plain = PlainTrainer(depth, generator, filters, device, dtype)
    source, target = (images.to(device) for images in pictures(batch, size))
    trained = {"generator": plain.generator, "discriminator": plain.discriminator}
    return Step(trained, lambda: plain.step(source, target))


def itrans_step(
    depth: int,
    batch: int,
    size: int,
    precision: str,
    channels_last: bool | str,
    compile_: bool,
    processes: Processes = ALONE,
    device: torch.device = CPU,
    generator: str = "unet",
    filters: int = 64,
) -> Step:
    if device.type == "cpu":
        keep_freed_memory(of_any_size=True)
    made, discriminator = networks(depth, generator, filters)
    losses = [
        WeightedLoss("cgan", 1.0, LOSSES.build({"name": "cgan"})),
        WeightedLoss("l1", 100.0, LOSSES.build({"name": "l1"})),
    ]
    method = Paired(
        build_generator=lambda *_: made,
        build_discriminator=lambda *_: discriminator,
        losses=losses,
        source=ImageSpec(3),
        target=ImageSpec(3),
    )
    dtype = choose_dtype(precision, device)
    memory_format = choose_memory_format(channels_last, device, dtype)
    runtime = Runtime(
        method,
        device=device,
        dtype=dtype,
        memory_format=memory_format,
        processes=processes,
        optimizer=Optimizer(),
        train=Train(steps=1, compile=compile_, channels_last=channels_last),
    )
    source, target = (images.to(device, memory_format=memory_format) for images in pictures(batch, size))

    def step() -> None:
        with runtime.autocast():
            method.step(Batch(source, target, ("",) * batch), runtime)

    return Step(dict(method.networks), step)


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
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of itrans")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too (40 s of compiling)")
    parser.add_argument("--all", action="store_true", help="measure every precision and memory layout")
    options = parser.parse_args()
    depth = options.size.bit_length() - 1
    sizes = depth, options.batch, options.size
    steps = {
        "plain fp32": partial(plain_step, *sizes),
        f"itrans {options.precision}": partial(itrans_step, *sizes, options.precision, "auto", False),
    }
    if options.all:
        for precision in ("fp32", "bf16"):
            for channels_last in (False, True):
                layout = "channels last" if channels_last else "NCHW"
                steps[f"itrans {precision} {layout}"] = partial(itrans_step, *sizes, precision, channels_last, False)
    if options.compile:
        steps["itrans compiled"] = partial(itrans_step, *sizes, options.precision, "auto", True)
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
        print(line(name, f"{rate:.2f} images/s", statistics.median(ratios), "plain fp32"))


if __name__ == "__main__":
    main()
