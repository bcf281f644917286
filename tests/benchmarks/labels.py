"""Pairs a second that one core reads and draws: label maps and photos of 256x256 from files, and drawn house fronts.

python tests/benchmarks/labels.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from figures import line

from itrans.api import DATASETS, write_image
from itrans.cli.memory import keep_freed_memory

PAIRS = 200
COLOURS = [[200, 30 * index, 255 - 30 * index] for index in range(8)]


def files(root: Path) -> None:
    """Write the drawn pairs as files: label maps as indices, and in colours; photos as PNG."""
    dataset = DATASETS.build({"name": "facades_sample", "size": 256, "count": PAIRS}, split="train")
    for index in range(PAIRS):
        labels, photo, key = dataset[index]
        write_image(root / "train" / "labels" / f"{key}.png", labels)
        write_image(root / "train" / "colours" / f"{key}.png", np.array(COLOURS, np.uint8)[labels[:, :, 0]])
        write_image(root / "train" / "photos" / f"{key}.png", photo)


def rate(read: Callable[[int], object], count: int) -> float:
    began = time.perf_counter()
    for index in range(count):
        read(index)
    return count / (time.perf_counter() - began)


def main() -> None:
    keep_freed_memory()  # as the commands do
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        files(Path(name))
        table = {"name": "labels", "root": name, "classes": len(COLOURS)}
        for what, more in (("indices", {}), ("colours", {"palette": COLOURS, "label_folder": "{split}/colours"})):
            dataset = DATASETS.build({**table, **more}, split="train")
            rate(dataset.__getitem__, PAIRS)  # the files are now in memory, as they are from the second epoch on
            print(line(f"labels, 256x256, {what}", f"{rate(dataset.__getitem__, PAIRS):.0f} pairs/s"))
    for size in (128, 256):
        dataset = DATASETS.build({"name": "facades_sample", "size": size, "seed": 1}, split="train")
        drawn, kept = rate(dataset.__getitem__, PAIRS), rate(dataset.__getitem__, PAIRS)
        print(line(f"facades_sample, {size}x{size}", f"{drawn:.0f} pairs/s drawn, {kept:.0f} from memory"))


if __name__ == "__main__":
    main()
