"""itrans against plain PyTorch on a GPU: images a second and peak memory of training steps and of translating.

```bash
python tests/benchmarks/gpu.py [--device cuda:1] [--size 256] [--batches 1 4 16] [--rounds 5] [--steps 20]
```

Plain PyTorch is a script in fp32, with TF32 as torch has it, and the same with autocast. All take turns in one process;
a turn is some steps that are not counted, and some that are. Figures are medians over the turns, ratios are of the
same round. Memory is the most that tensors of one contestant took, its weights and optimisers included.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from figures import line
from machine import commit, device_name
from plain import generator_table
from step import itrans_step, plain_step

from itrans.api import GENERATORS, ItransError, load, train, write_image
from itrans.commands import load_checkpoint
from itrans.training.devices import choose_device, has_native_bf16

WARM_UP = 3
GENERATOR = {"unet": "U-Net", "resnet": "ResNet"}


class Contestant:
    """Something that is done again and again, and what that takes.

    Attributes:
        seconds: of one time, for each turn.
        peak: bytes of tensors that it had at most.
    """

    def __init__(self, make: Callable[[], Callable[[], object]], device: torch.device) -> None:
        self._device = device
        before = self._allocated()
        self._act = make()
        self.seconds: list[float] = []
        self.peak = 0
        self._warm_up()
        self._held = self._allocated() - before

    def turn(self, steps: int) -> None:
        """Do it so many times."""
        self._warm_up()
        others = self._allocated() - self._held
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        began = time.perf_counter()
        for _ in range(steps):
            self._act()
        synchronize(self._device)
        self.seconds.append((time.perf_counter() - began) / steps)
        if self._device.type == "cuda":
            self.peak = max(self.peak, torch.cuda.max_memory_allocated(self._device) - others)

    def _warm_up(self) -> None:
        free(self._device)
        for _ in range(WARM_UP):
            self._act()
        synchronize(self._device)

    def _allocated(self) -> int:
        return torch.cuda.memory_allocated(self._device) if self._device.type == "cuda" else 0


def synchronize(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    torch.get_device_module(device).synchronize()


def free(device: torch.device) -> None:
    """Give back what nobody uses any more of a GPU's memory."""
    if device.type != "cpu":
        gc.collect()
        torch.get_device_module(device).empty_cache()


def compete(
    what: str, contestants: dict[str, Callable[[], Callable[[], object]]], batch: int, options: argparse.Namespace
) -> None:
    """Let contestants, of which the first is the plain one, take turns; print a line for each."""
    device, running = options.device, {}
    if options.compile:
        torch.compiler.reset()  # or graphs of other networks and sizes would count as tries to compile these
    for name, make in contestants.items():
        try:
            running[name] = Contestant(make, device)
        except torch.OutOfMemoryError:
            print(line(f"{what}, {name}", "does not fit into the memory"), flush=True)
    for _ in range(options.rounds):
        for contestant in running.values():
            contestant.turn(options.steps)
    base = next(iter(contestants))
    for name, contestant in running.items():
        figure = f"{batch / statistics.median(contestant.seconds):.4g} images/s"
        if contestant.peak:
            figure += f", {contestant.peak / 2**30:.2f} GiB"
        ratio = None
        if base in running:
            pairs = zip(running[base].seconds, contestant.seconds, strict=True)
            ratio = statistics.median(plain / own for plain, own in pairs)
        print(line(f"{what}, {name}", figure, ratio, base), flush=True)


def training(generator: str, batch: int, options: argparse.Namespace) -> None:
    """Measure a whole step of discriminator and generator."""
    device, depth = options.device, options.size.bit_length() - 1
    lower, name = lower_precision(device)
    network = {"generator": generator, "filters": options.filters}
    plain = partial(plain_step, depth, batch, options.size, device, **network)
    own = partial(itrans_step, depth, batch, options.size, device=device, **network)
    contestants = {
        "plain fp32": partial(plain, torch.float32),
        f"plain {name}": partial(plain, lower),
        "itrans": partial(own, "auto", "auto", False),
    }
    if lower == torch.float16:
        contestants["itrans fp16"] = partial(own, "fp16", "auto", False)
    if options.compile:
        contestants["itrans compiled"] = partial(own, "auto", "auto", True)
    compete(f"step, {GENERATOR[generator]}, batch {batch}", contestants, batch, options)


def lower_precision(device: torch.device) -> tuple[torch.dtype, str]:
    """Return the type that one would give to autocast: fp16 on a GPU that does not compute in bf16."""
    if device.type == "cuda" and not has_native_bf16(device):
        return torch.float16, "fp16"
    return torch.bfloat16, "bf16"


def translating(generator: str, batch: int, options: argparse.Namespace, checkpoint: Path) -> None:
    """Measure pictures in the memory to translated pictures in the memory."""
    device, size = options.device, options.size
    images = [np.random.default_rng(number).integers(0, 256, (size, size, 3), np.uint8) for number in range(batch)]
    lower, name = lower_precision(device)

    def own(mode: str) -> Callable[[], object]:
        translator = load(checkpoint, device=str(device), mode=mode)
        return lambda: translator.translate_batch(images)

    table = generator_table(size.bit_length() - 1, generator, options.filters)
    plain = partial(plain_translation, checkpoint, table, images, device)
    contestants = {
        "plain fp32": partial(plain, torch.float32),
        f"plain {name}": partial(plain, lower),
        "itrans, mode paper": partial(own, "paper"),
        "itrans, mode running": partial(own, "running"),
    }
    compete(f"translating, {GENERATOR[generator]}, batch {batch}", contestants, batch, options)


def new_checkpoint(folder: Path, generator: str, options: argparse.Namespace) -> Path:
    """Return a checkpoint of a generator that has been trained for a step."""
    size = options.size
    for number in range(2):
        write_image(folder / f"data/train/{number}.png", np.full((size, 2 * size, 3), 90 * number, np.uint8))
    recipe = {
        "dataset": {"name": "aligned", "root": str(folder / "data")},
        "generator": generator_table(size.bit_length() - 1, generator, options.filters),
        "loss": [{"name": "l1"}],
        "train": {"steps": 1, "batch_size": 2, "workers": 0},
        "validation": {"every": 0},
        "log": {"page": False, "pictures": 0},
    }
    return train(recipe, output=folder / "run", device=str(options.device), progress=False).checkpoint


def plain_translation(
    checkpoint: Path, table: dict[str, object], images: list[np.ndarray], device: torch.device, dtype: torch.dtype
) -> Callable[[], object]:
    """Return what a script would do: no dropout, and the statistics that training has gathered."""
    generator = GENERATORS.build(table, in_channels=3, out_channels=3)
    generator.load_state_dict(load_checkpoint(checkpoint).networks["generator"])
    generator.eval().to(device)

    @torch.no_grad()
    def translate() -> np.ndarray:
        source = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            output = generator(source)
        return ((output.float().permute(0, 2, 3, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()

    return translate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=256, help="of pictures, in pixels: a power of two")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="of a turn")
    parser.add_argument("--generators", nargs="+", choices=GENERATOR, default=[*GENERATOR])
    parser.add_argument("--filters", type=int, default=64, help="of the networks' first layers; 64 in the papers")
    parser.add_argument("--no-compile", action="store_false", dest="compile", help="without train.compile")
    options = parser.parse_args()
    try:
        options.device = choose_device(options.device)
    except ItransError as error:
        parser.exit(2, f"{error}\n")
    if options.device.type == "cuda":
        torch.cuda.set_device(options.device)
    print(f"{device_name(options.device)}, torch {torch.__version__}, commit {commit()}")
    print(f"pictures of {options.size}x{options.size}, {options.rounds} rounds of {options.steps} steps", flush=True)
    for generator in options.generators:
        for batch in options.batches:
            training(generator, batch, options)
        with tempfile.TemporaryDirectory() as name:
            checkpoint = new_checkpoint(Path(name), generator, options)
            for batch in sorted({options.batches[0], options.batches[-1]}):
                translating(generator, batch, options, checkpoint)


if __name__ == "__main__":
    main()
