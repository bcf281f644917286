"""How long a data set of a million pairs in shards takes to open, and how much memory, beside one of a thousand.

    python tests/benchmarks/shards.py

One shard of a thousand small pairs is made, and the others are links to it. Each data set is opened in a process of its
own, three times; the best time counts, and the most memory that the process held above what it held before. Then pairs
are read in random order.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
from figures import line

from itrans_datasets.shard_index import index_path, write_index

ROUNDS = 3
PER_SHARD = 1000

OPENING = """
import pickle, random, resource, sys, time
from itrans.api import DATASETS, Pair, read_image
import cv2, numpy
DATASETS.get("shards")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
dataset = DATASETS.build({"name": "shards", "root": sys.argv[1]}, split="train")
seconds = time.perf_counter() - began
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
places = random.Random(0).choices(range(len(dataset)), k=2000)
began = time.perf_counter()
for place in places:
    dataset[place]
print(len(dataset), seconds, memory, len(pickle.dumps(dataset)) / 1e3, (time.perf_counter() - began) / 2000 * 1e6)
"""


def main() -> None:
    for shards in (1, 1000):
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), shards)
            found = []
            for _ in range(ROUNDS):
                done = subprocess.run([sys.executable, "-c", OPENING, name], capture_output=True, text=True, check=True)
                found.append(tuple(map(float, done.stdout.split())))
            pairs, seconds, memory, travels, each = (min(values) for values in zip(*found, strict=True))
            figure = (
                f"{seconds:.2f} s, {memory:.0f} MB; pickled to {travels:.0f} kB; "
                f"{each:.0f} microseconds for each pair in random order"
            )
            what = f"{pairs:,.0f} pairs in {shards:,} shard{'s' * (shards > 1)}"
            print(line(what, figure), flush=True)


def make(folder: Path, shards: int) -> None:
    pixels = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    first = folder / "train-000000.tar"
    with tarfile.open(first, "w") as tar:
        for number in range(PER_SHARD):
            for side in ("source", "target"):
                member = tarfile.TarInfo(f"{number:06d}.{side}.png")
                member.size = len(pixels)
                tar.addfile(member, io.BytesIO(pixels))
    write_index(first)
    for number in range(1, shards):
        other = folder / f"train-{number:06d}.tar"
        os.link(first, other)
        os.link(index_path(first), index_path(other))


if __name__ == "__main__":
    main()
