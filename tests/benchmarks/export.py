"""How long an exported network takes in ONNX Runtime, beside the checkpoint in fp32.

    python tests/benchmarks/export.py [SIDE] [BATCH]

The paper's U-Net and CycleGAN's ResNet of 9 blocks, with random weights, in both modes. Both are timed in turn, in one
process and with as many threads; the figure is the ratio of the fastest of each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from figures import line

from itrans.api import load, train
from itrans_export.exporting import export_network

SIDE, BATCH = (int(value) for value in (*sys.argv[1:], *(256, 1)[len(sys.argv) - 1 :]))
ROUNDS = 12
NETWORKS = {"unet": {"dropout": 0.0}, "resnet": {}}

for generator, arguments in NETWORKS.items():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = {
            "dataset": {"name": "openmoji"},
            "augment": {"size": 256},
            "generator": {"name": generator, **arguments},
            "loss": [{"name": "l1"}],
            "train": {"steps": 1},
            "validation": {"every": 0},
        }
        run = train(recipe, output=folder / "run", progress=False)
        for mode in ("paper", "running"):
            done = export_network(str(run.folder), folder / mode, mode=mode)
            translators = {
                "checkpoint": load(run.checkpoint, device="cpu", mode=mode, precision="fp32"),
                "exported": load(folder / mode / "model.onnx"),
            }
            shape = (SIDE, SIDE, translators["checkpoint"].source.channels)
            pictures = [np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)] * BATCH
            seconds: dict[str, list[float]] = {which: [] for which in translators}
            for _ in range(ROUNDS):
                for which, translator in translators.items():
                    began = time.perf_counter()
                    translator.translate_batch(pictures)
                    seconds[which].append(time.perf_counter() - began)
            ours, theirs = (min(times) * 1000 / BATCH for times in seconds.values())
            what = f"{generator}, mode {mode}, {torch.get_num_threads()} threads"
            figure = f"{theirs:.0f} ms a picture, largest difference {done.difference:.1e}"
            print(line(f"{what}, checkpoint", f"{ours:.0f} ms a picture"))
            print(line(f"{what}, exported", figure, ours / theirs, "the checkpoint in fp32"), flush=True)
