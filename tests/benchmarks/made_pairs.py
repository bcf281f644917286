"""Pairs a second that one core makes of single JPEG pictures of 256x256: edges, colours, holes."""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from figures import line

from itrans.api import DATASETS, write_image
from itrans.cli.memory import keep_freed_memory
from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems
from itrans.data.sampler import TrainingSampler
from itrans.recipe.schema import Augment

PICTURES, BATCH = 400, 4
TABLES: list[dict[str, Any]] = [
    {"name": "edges", "method": "canny"},
    {"name": "edges", "method": "xdog"},
    {"name": "colorization"},
    {"name": "inpainting", "mask": "centre"},
    {"name": "inpainting", "mask": "random", "mask_channel": True},
]


def pictures(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for index in range(PICTURES):
        coarse = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        write_image(
            folder / "train" / f"{index:04d}.jpg", cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC)
        )


def rate(root: Path, table: dict[str, Any], augment: Augment) -> float:
    dataset = DATASETS.build({**table, "root": str(root)}, split="train")
    items = PairItems(dataset, PairTransform(augment, dataset.source, dataset.target), seed=0, training=True)
    sampler = TrainingSampler(len(dataset), BATCH, seed=0)
    batches = load_batches(items, sampler, torch.device("cpu"), torch.contiguous_format, workers=0)
    steps = len(dataset) // BATCH
    for _ in islice(batches, steps):
        pass  # the files are now in memory, as they are from the second epoch on
    began = time.process_time()  # other processes' share of the core does not count
    for _ in islice(batches, 2 * steps):
        pass
    return 2 * steps * BATCH / (time.process_time() - began)


def main() -> None:
    keep_freed_memory()  # as the commands do
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        pictures(Path(name))
        for table in TABLES:
            jitter = rate(Path(name), table, Augment(resize=286, crop=256, mirror=True))
            plain = rate(Path(name), table, Augment(size=256))
            shown = " ".join(str(value) for value in table.values())
            print(line(f"{shown}, with jitter and mirroring", f"{jitter:.0f} pairs/s on one core"))
            print(line(f"{shown}, as they are", f"{plain:.0f} pairs/s on one core"))


if __name__ == "__main__":
    main()
