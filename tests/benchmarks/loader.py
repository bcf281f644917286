"""Pairs a second that one core loads: A|B pictures of 256x256 each, resized to 286, cropped to 256, mirrored.

As the commands do, it keeps freed memory; GLIBC_TUNABLES=glibc.malloc.check=0 shows the figures without.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path

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

PAIRS, BATCH = 400, 4


def pictures(folder: Path, suffix: str) -> None:
    generator = np.random.default_rng(0)
    for index in range(PAIRS):
        coarse = generator.integers(0, 256, (16, 32, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (512, 256), interpolation=cv2.INTER_CUBIC)
        write_image(folder / "train" / f"{index:04d}{suffix}", image)


def rate(root: Path, augment: Augment) -> float:
    dataset = DATASETS.build({"name": "aligned", "root": str(root)}, split="train")
    items = PairItems(dataset, PairTransform(augment, dataset.source, dataset.target), seed=0)
    sampler = TrainingSampler(len(dataset), BATCH, seed=0)
    batches = load_batches(items, sampler, torch.device("cpu"), torch.contiguous_format, workers=0)
    steps = len(dataset) // BATCH
    for _ in islice(batches, steps):
        pass  # the files are now in memory, as they are from the second epoch on
    began = time.perf_counter()
    for _ in islice(batches, 2 * steps):
        pass
    return 2 * steps * BATCH / (time.perf_counter() - began)


def main() -> None:
    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for suffix in (".jpg", ".png"):
        with tempfile.TemporaryDirectory() as name:
            pictures(Path(name), suffix)
            jitter = rate(Path(name), Augment(resize=286, crop=256, mirror=True))
            plain = rate(Path(name), Augment(size=256))
            print(line(f"{suffix}, with jitter and mirroring", f"{jitter:.0f} pairs/s on one core"))
            print(line(f"{suffix}, as they are", f"{plain:.0f} pairs/s on one core"))


if __name__ == "__main__":
    main()
