"""A small run for the storms: its data, its recipe, its command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

RECIPE = """\
title = "storm"
seed = 3

[dataset]
name = "aligned"
root = "{root}"

[augment]
resize = {resize}
crop = {size}
mirror = true

[generator]
name = "unet"
depth = 4
filters = {filters}

[discriminator]
name = "patchgan"
patch = 16
filters = {filters}

[[loss]]
name = "cgan"

[[loss]]
name = "l1"
weight = 100.0

[train]
batch_size = 2
steps = {steps}
ema = 0.9

[log]
every = 1
pictures = 2
"""
ROOT = Path(__file__).parent.parent.parent


def write_recipe(folder: Path, *, steps: int, size: int = 32, filters: int = 8, pairs: int = 16) -> Path:
    """Write data and a recipe that trains on them, and return the recipe's path."""
    generator = np.random.default_rng(0)
    for split, count in (("train", pairs), ("val", 4)):
        (folder / "data" / split).mkdir(parents=True)
        for index in range(count):
            coarse = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            source = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
            cv2.imwrite(str(folder / "data" / split / f"{index:02d}.png"), np.hstack([source, 255 - source]))
    path = folder / "storm.toml"
    root = (folder / "data").as_posix()
    path.write_text(RECIPE.format(root=root, steps=steps, size=size, resize=size + 4, filters=filters))
    return path


def start(*arguments: object, launcher: tuple[str, ...] = (), **options: object) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "itrans", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload]
