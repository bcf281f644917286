"""Seconds of whole training processes: `itrans run` against a script that reads the same pictures and trains in fp32.

The script does what a plain training loop does, and no more: it writes its two networks once, at the end, and measures
nothing. `itrans run` validates, draws and saves as the recipe's defaults say, unless `--bare` is given.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from figures import line

from itrans.api import write_image

PAIRS = 48
RECIPE = """
[dataset]
name = "aligned"
root = "data"
[augment]
resize = {resized}
crop = {size}
mirror = true
[generator]
name = "unet"
depth = {depth}
[discriminator]
name = "patchgan"
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
weight = 100.0
[train]
epochs = {epochs}
batch_size = 4
"""
PLAIN = f"""
import random, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import cv2, numpy as np, torch
from plain import PlainTrainer
size, depth, epochs = map(int, sys.argv[1:])
trainer, paths = PlainTrainer(depth), sorted(Path("data/train").iterdir())
for epoch in range(epochs):
    random.shuffle(paths)
    for start in range(0, len(paths) - 3, 4):
        pairs = []
        for path in paths[start : start + 4]:
            image = cv2.imread(str(path))
            half = image.shape[1] // 2
            top, left = random.randrange(size // 8 - 1), random.randrange(size // 8 - 1)
            sides = [
                cv2.resize(side, (size * 9 // 8 - 2,) * 2, interpolation=cv2.INTER_CUBIC)[
                    top : top + size, left : left + size
                ]
                for side in (image[:, :half], image[:, half:])
            ]
            if random.random() < 0.5:
                sides = [side[:, ::-1] for side in sides]
            pairs.append(np.stack(sides))
        batch = torch.from_numpy(np.stack(pairs, axis=1)).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
        trainer.step(batch[0].contiguous(), batch[1].contiguous())
torch.save(trainer.generator.state_dict(), "generator.pt")
torch.save(trainer.discriminator.state_dict(), "discriminator.pt")
"""


def seconds(folder: Path, command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def make_pairs(folder: Path, size: int) -> None:
    generator = np.random.default_rng(0)
    for split, count in (("train", PAIRS), ("val", 4)):
        for index in range(count):
            coarse = generator.integers(0, 256, (16, 32, 3), dtype=np.uint8)
            image = cv2.resize(coarse, (2 * size, size), interpolation=cv2.INTER_CUBIC)
            write_image(folder / "data" / split / f"{index}.png", image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="without validation and pictures")
    options = parser.parse_args()
    bare = ["--set", "validation.every=0", "--set", "log.pictures=0"] if options.bare else []
    itrans = str(Path(sys.executable).with_name("itrans"))
    for size, epochs in ((256, 1), (128, 20)):
        with tempfile.TemporaryDirectory() as name:
            folder, depth = Path(name), size.bit_length() - 1
            make_pairs(folder, size)
            values = {"size": size, "resized": size * 9 // 8 - 2, "depth": depth, "epochs": epochs}
            (folder / "recipe.toml").write_text(RECIPE.format(**values))
            (folder / "plain.py").write_text(PLAIN)
            ratios, took = [], []
            for round_ in range(options.rounds):
                plain = seconds(folder, [sys.executable, "plain.py", str(size), str(depth), str(epochs)])
                took.append(seconds(folder, [itrans, "run", "recipe.toml", "-o", f"run{round_}", *bare]))
                ratios.append(plain / took[-1])
        what = f"{PAIRS} pairs of {size}x{size}, batch 4, {epochs} epoch{'s' * (epochs > 1)}"
        print(line(what, f"{statistics.median(took):.1f} s", statistics.median(ratios), "the script"), flush=True)


if __name__ == "__main__":
    main()
