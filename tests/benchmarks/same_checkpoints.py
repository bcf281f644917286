"""Whether two versions of itrans train the same recipes to the same checkpoints, bit for bit, on this CPU.

```bash
python tests/benchmarks/same_checkpoints.py OLD_CHECKOUT NEW_CHECKOUT [--steps 3] [RECIPE ...]
```

Each version is built as a wheel, installed into a folder of its own, and trains every recipe on its sample data for a
few steps, with a validation. What is compared: every tensor of `last.pt` and `best.pt` (weights, optimisers, averages,
what the method keeps), how far training has come, and the losses and metrics of the log.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

RECIPES = (
    "pix2pix_edges2shoes",
    "pix2pix_facades",
    "pix2pix_colorization",
    "pix2pix_inpainting",
    "pix2pix_photos_edges",
    "segmenter_facades",
    "cyclegan_horse2zebra",
    "pix2pixhd_cityscapes_global",
    "cgan_digits",
    "lineage_labels/cgan_l1",
)


def installed(checkout: Path, folder: Path) -> Path:
    """Build a checkout's wheel, and return the folder that it is installed in."""
    pip = [sys.executable, "-m", "pip"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(checkout)], check=True
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "install", "-q", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)], check=True
    )
    return folder / "site"


def trained(site: Path, recipe: Path, output: Path, steps: int) -> Path:
    """Train a recipe with the itrans of a folder, and return the run's folder."""
    changes = [f"train.steps={steps}", "train.batch_size=2", "train.workers=0", "validation.pairs=3", "log.every=1"]
    words = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "itrans", "run", str(recipe.resolve()), "-o", str(output), *words]
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "2"}
    place = output.parent  # not a checkout, which Python would import from
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{site}: {recipe} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return output


def tensors(value: object, key: str) -> Iterator[tuple[str, object]]:
    """Yield the tensors and numbers in nested tables and lists, by their dotted keys."""
    if isinstance(value, dict | list | tuple):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{key}.{name}")
    else:
        yield key, value


def content(run: Path) -> dict[str, object]:
    """Return what is compared of a run, by name."""
    found: dict[str, object] = {}
    for name in ("last", "best"):
        path = run / "checkpoints" / f"{name}.pt"
        if path.exists():
            record = torch.load(path, weights_only=True)
            for field in ("networks", "training", "method", "progress", "source", "target", "length", "pairs"):
                found |= dict(tensors(record[field], f"{name}.{field}"))
    for number, line in enumerate((run / "log.jsonl").read_text().splitlines()):
        event = json.loads(line)
        found |= dict(tensors({key: event.get(key) for key in ("step", "losses", "metrics")}, f"log.{number}"))
    return found


def main() -> None:
    """Compare, and end with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sites = []
        for which in ("old", "new"):
            (folder / which).mkdir()
            sites.append(installed(getattr(arguments, which), folder / which))
        for recipe in arguments.recipes:
            path = arguments.new / "recipes" / f"{recipe}.toml"
            runs = [
                trained(site, path, folder / f"{recipe.replace('/', '-')}-{number}", arguments.steps)
                for number, site in enumerate(sites)
            ]
            one, other = map(content, runs)
            unlike = [key for key in one.keys() | other.keys() if not same(one.get(key), other.get(key))]
            wrong += bool(unlike)
            counted = sum(isinstance(value, torch.Tensor) for value in one.values())
            print(
                f"{recipe}: {len(unlike)} of {len(one)} values differ, {counted} of them tensors", *sorted(unlike)[:5]
            )
    raise SystemExit(bool(wrong))


def same(one: object, other: object) -> bool:
    """Return whether two values are the same in every bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


if __name__ == "__main__":
    main()
