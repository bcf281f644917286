"""Images a second of `itrans run` beside `train.py` of pytorch-CycleGAN-and-pix2pix (junyanz), in turn, on one machine.

Both train the paper's U-Net-256 and PatchGAN-70 on the same JPEG pairs, with jitter and mirroring, each as its users
run it: theirs in fp32, itrans with what it chooses by itself. What counts is the second epoch of each, without saving.

    git clone https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix theirs
    pip install dominate visdom
    python tests/benchmarks/junyanz.py theirs
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from figures import line

from itrans.api import DATASETS, write_image

SIZE = 256
RECIPE = """
[dataset]
name = "aligned"
root = "data"
[augment]
resize = 286
crop = 256
mirror = true
[generator]
name = "unet"
[discriminator]
name = "patchgan"
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
weight = 100.0
[train]
epochs = 2
batch_size = {batch}
[validation]
every = 0
[log]
every = {steps}
pictures = 0
page = false
"""


def write_pairs(folder: Path, count: int) -> None:
    """Write drawn house fronts, photograph | labels, side by side."""
    dataset = DATASETS.build({"name": "facades_sample", "size": SIZE, "count": count}, split="train")
    for index in range(count):
        labels, photo, _ = dataset[index]
        colours = np.repeat(labels * 30, 3, axis=2)
        write_image(folder / "train" / f"{index:03d}.jpg", np.hstack([colours, photo]))


def theirs(checkout: Path, work: Path, batch: int) -> float:
    """Return the seconds of their second epoch."""
    options = f"""--dataroot {work / "data"} --name benchmark --model pix2pix --direction AtoB --checkpoints_dir {work}
        --batch_size {batch} --n_epochs 2 --n_epochs_decay 0 --num_threads 0 --save_epoch_freq 99 --no_html
        --display_id 0 --print_freq 100000 --display_freq 100000 --save_latest_freq 100000""".split()
    if "--gpu_ids" in (checkout / "options" / "base_options.py").read_text():  # until 2025
        options += ["--gpu_ids", "-1"]
    timed = (
        "import builtins, runpy, sys, time; sys.argv[0] = 'train.py'; sys.path.insert(0, '.'); shown = print\n"
        "builtins.print = lambda *a, **k: shown(f'{time.monotonic():.3f}', *a, **k)\n"
        "runpy.run_path('train.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", timed, *options], cwd=checkout, capture_output=True, text=True)
    ends = [float(found) for found in re.findall(r"^(\d+\.\d+) End of epoch", done.stdout, re.MULTILINE)]
    if len(ends) != 2:
        sys.exit(f"train.py has not come to the end of two epochs:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return ends[1] - ends[0]


def ours(work: Path, batch: int, steps: int) -> float:
    """Return the seconds of the second epoch of `itrans run`."""
    (work / "recipe.toml").write_text(RECIPE.format(batch=batch, steps=steps))
    out = Path(tempfile.mkdtemp(dir=work)) / "run"
    command = [sys.executable, "-m", "itrans", "run", "recipe.toml", "-o", out]
    subprocess.run(command, cwd=work, check=True, capture_output=True)
    events = [json.loads(text) for text in (out / "log.jsonl").read_text().splitlines()]
    first, second = (event["seconds"] for event in events if event["event"] == "step")
    return float(second - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="a checkout of pytorch-CycleGAN-and-pix2pix")
    parser.add_argument("--batch", type=int, default=1, help="the paper's: 1 [default: 1]")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps = arguments.pairs // arguments.batch
    counted = steps * arguments.batch
    rates: dict[str, list[float]] = {"theirs": [], "ours": []}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_pairs(work / "data", counted)
        for _ in range(arguments.rounds):
            rates["theirs"].append(counted / theirs(arguments.checkout.resolve(), work, arguments.batch))
            rates["ours"].append(counted / ours(work, arguments.batch, steps))
    plain, fast = (statistics.median(rates[who]) for who in ("theirs", "ours"))
    print(line(f"junyanz, batch {arguments.batch}", f"{plain:.2f} images/s"))
    print(line(f"itrans run, batch {arguments.batch}", f"{fast:.2f} images/s", fast / plain, "junyanz"))


if __name__ == "__main__":
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    main()
