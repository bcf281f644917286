"""Pixels a second of a picture in tiles, beside the same picture as a whole.

    python tests/benchmarks/tiles.py [SIDE] [TILE] [OVERLAP]

Both are timed in turn, in one process; the figure is the ratio of the fastest of each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from figures import line

from itrans.api import train

SIDE, TILE, OVERLAP = (int(value) for value in (*sys.argv[1:], *(2048, 512, 64)[len(sys.argv) - 1 :]))
ROUNDS = 4

RECIPE = {
    "dataset": {"name": "openmoji"},
    "augment": {"size": 256},
    "generator": {"name": "unet"},
    "loss": [{"name": "l1"}],
    "train": {"steps": 1},
    "validation": {"every": 0},
}

with tempfile.TemporaryDirectory() as folder:
    translator = train(RECIPE, output=Path(folder) / "run", progress=False).translator
picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, translator.source.channels), dtype=np.uint8)
translator.translate(picture[:TILE, :TILE])
seconds: dict[str, list[float]] = {"whole": [], "tiles": []}
for _ in range(ROUNDS):
    for name, options in (("whole", {}), ("tiles", {"tile": TILE, "overlap": OVERLAP})):
        began = time.perf_counter()
        translator.translate(picture, **options)
        seconds[name].append(time.perf_counter() - began)
print(f"best of {ROUNDS}, {torch.get_num_threads()} threads")
for name, times in seconds.items():
    figure = f"{SIDE**2 / min(times) / 1e6:.2f} megapixels a second, {min(times):.2f} s"
    ratio = None if name == "whole" else min(seconds["whole"]) / min(times)
    print(line(f"a picture of {SIDE}x{SIDE}, {name}", figure, ratio, "the whole picture"))
