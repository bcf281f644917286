"""How long data sets of many pictures take to open, and how much memory.

    python tests/benchmarks/folders.py                        # this checkout
    python tests/benchmarks/folders.py OLD_CHECKOUT .         # two of them, one after the other

The pictures are links to small PNGs, in a temporary folder: `--pictures` of them, 300,000 if nothing is said, in one
folder and in folders of 1,000. Each data set is opened in a process of its own, three times; the best time of the
processor counts, and the most memory that the process held above what it held before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from figures import line

ROUNDS = 3
PER_FOLDER, PER_LINKED = 1000, 50_000

OPENING = """
import pickle, random, resource, sys, time
from itrans.api import DATASETS

name, root = sys.argv[1:]
table = {"name": name, "root": root}
DATASETS.get(name)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
dataset = DATASETS.build(table, split="train")
seconds = time.process_time() - began
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
began = time.process_time()
travels = len(pickle.dumps(dataset)) / 1e6
pickled = time.process_time() - began
places = random.Random(0).sample(range(len(dataset)), min(2000, len(dataset)))
began = time.process_time()
for place in places:
    dataset[place]
pair = (time.process_time() - began) / len(places) * 1e6
print(len(dataset), seconds, memory, travels, pickled, pair)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkouts", nargs="*", default=["."])
    parser.add_argument("--pictures", type=int, default=300_000)
    parser.add_argument("--only", nargs="*", help="data sets")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        layouts = list(make(Path(name), chosen.pictures, chosen.only))
        for checkout in chosen.checkouts:
            version = f", {Path(checkout).resolve().name}" if len(chosen.checkouts) > 1 else ""
            for dataset, layout, root in layouts:
                print(line(f"{dataset}, {layout}{version}", measure(Path(checkout), dataset, root)), flush=True)


def make(base: Path, count: int, only: list[str] | None) -> Iterator[tuple[str, str, Path]]:
    """Yield a data set's name, how its pictures lie, and its folder."""
    for layout, folder_of in (("one folder", lambda _: ""), ("folders", lambda number: f"{number // PER_FOLDER:05d}/")):
        for dataset, sides in (
            ("aligned", ["train"]),
            ("colorization", [""]),
            ("unaligned", ["trainA", "trainB"]),
            ("paired", ["train/source", "train/target"]),
        ):
            if only is not None and dataset not in only:
                continue
            root = base / dataset / layout
            for side in sides:
                for number in range(count // len(sides)):
                    place = f"{root}/{side}/{folder_of(number)}"
                    if number % PER_FOLDER == 0:
                        os.makedirs(place, exist_ok=True)  # noqa: PTH103
                    if number % PER_LINKED == 0:  # of one file, some file systems have 65,000 links at most
                        picture = base / f"{dataset}-{layout}-{side.replace('/', '-')}-{number}.png"
                        cv2.imwrite(str(picture), np.zeros((2, 4, 3), np.uint8))
                    os.link(picture, f"{place}{number:08d}.png")
            yield dataset, layout, root


def measure(checkout: Path, dataset: str, root: Path) -> str:
    best: list[tuple[float, ...]] = []
    places = [str(checkout.resolve()), str(checkout.resolve() / "plugins"), os.environ.get("PYTHONPATH", "")]
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", OPENING, dataset, str(root)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
            capture_output=True,
            text=True,
            check=True,
        )
        best.append(tuple(map(float, done.stdout.split())))
    pairs, *figures = (min(values) for values in zip(*best, strict=True))
    seconds, memory, travels, pickled, pair = figures
    return (
        f"{pairs:,.0f} pairs in {seconds:.2f} s of the processor, {memory:.0f} MB; "
        f"pickled to {travels:.1f} MB in {pickled:.2f} s; a random pair takes {pair:.0f} µs"
    )


if __name__ == "__main__":
    main()
