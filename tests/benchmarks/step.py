"""Images a second of a whole D + G step: itrans with its automatic choices against plain fp32, in turn, in one run."""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from plain import PlainTrainer, networks

from itrans.api import LOSSES, Batch, ImageSpec, WeightedLoss
from itrans.engine.devices import choose_dtype, choose_memory_format
from itrans.engine.processes import Processes
from itrans.engine.runtime import Runtime
from itrans.methods.paired import Paired
from itrans.recipe.schema import Optimizer, Train

CPU = torch.device("cpu")


def itrans_step(depth: int, batch: int, size: int, precision: str, channels_last: bool | str, compile_: bool):
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
        processes=Processes(),
        optimizer=Optimizer(),
        train=Train(steps=1, compile=compile_),
    )
    images = [torch.rand(batch, 3, size, size).mul(2).sub(1).contiguous(memory_format=memory_format) for _ in range(2)]

    def step() -> None:
        with runtime.autocast():
            method.step(Batch(images[0], images[1], ("",) * batch), runtime)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too (40 s of compiling)")
    parser.add_argument("--all", action="store_true", help="measure every precision and memory layout")
    options = parser.parse_args()
    depth = options.size.bit_length() - 1
    plain = PlainTrainer(depth)
    source, target = (torch.rand(options.batch, 3, options.size, options.size).mul(2).sub(1) for _ in range(2))
    steps = {"plain fp32": lambda: plain.step(source, target)}
    make = lambda *choice: itrans_step(depth, options.batch, options.size, *choice)  # noqa: E731
    steps["itrans auto"] = make("auto", "auto", False)
    if options.all:
        for precision in ("fp32", "bf16"):
            for channels_last in (False, True):
                layout = "channels last" if channels_last else "NCHW"
                steps[f"itrans {precision} {layout}"] = make(precision, channels_last, False)
    if options.compile:
        steps["itrans compiled"] = make("auto", "auto", True)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(options.rounds + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if round_:
                seconds[name].append(time.perf_counter() - began)
    base = seconds["plain fp32"]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {options.batch}, {options.size} pixels")
    for name, times in seconds.items():
        ratios = [plain_time / time_ for plain_time, time_ in zip(base, times, strict=True)]
        rate = options.batch / statistics.median(times)
        print(f"{name:28} {rate:6.2f} images/s   {statistics.median(ratios):.2f}x of plain")


if __name__ == "__main__":
    main()
