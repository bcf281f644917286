"""Seconds until commands answer: those that should at once, beside a bare program; those that compute, beside torch.

```bash
python tests/benchmarks/startup.py [OLD_CHECKOUT] [--rounds 9]
```

With an older checkout, both versions are built as wheels, and its commands are timed in turn with those of this one.
`itrans run` is timed until it has told of its first step, of Pix2Pix at 256x256; `itrans translate`, with one picture,
until it has ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from figures import line
from same_checkpoints import installed

from itrans.api import write_image

BARE = """
import click
@click.command()
def bare():
    from rich.console import Console
    from rich.table import Table
    table = Table("kind", "name")
    table.add_row("generator", "unet")
    Console().print(table)
bare()
"""
RECIPE = """
[dataset]
name = "aligned"
root = "data"
[generator]
name = "unet"
[discriminator]
name = "patchgan"
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
[train]
steps = 1
[validation]
every = 0
[log]
every = 1
"""
ITRANS = [sys.executable, "-m", "itrans"]
BARE_NAME, TORCH, RUN = "bare click + rich", "import torch", "itrans run, first step"


def seconds_of(command: list[str], folder: Path, environment: dict[str, str], until: str) -> float:
    """Return how long a command takes, until it prints a line with a text in it or, without a text, ends."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if until and until in line:
                seconds = time.perf_counter() - began
                process.stdout.read()
                return seconds
    if until:
        raise SystemExit("".join(lines))
    return time.perf_counter() - began


def prepare(folder: Path) -> None:
    """Write pictures, recipes and a checkpoint into a folder."""
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    write_image(folder / "in/picture.png", image)
    write_image(folder / "data/train/pair.png", np.hstack([image, image]))
    (folder / "broken.toml").write_text("= 3")
    (folder / "recipe.toml").write_text(RECIPE)
    subprocess.run([*ITRANS, "run", "recipe.toml", "-o", "run"], cwd=folder, check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        environments = {"": dict(os.environ)}
        if arguments.old is not None:
            for which, checkout in (("old", arguments.old), ("", Path(__file__).parents[2])):
                (folder / f"wheel-{which}").mkdir()
                site = installed(checkout, folder / f"wheel-{which}")
                environments[which] = {**os.environ, "PYTHONPATH": str(site)}
        commands = {
            BARE_NAME: [sys.executable, "-c", BARE],
            "itrans --help": [*ITRANS, "--help"],
            "itrans list-plugins": [*ITRANS, "list-plugins"],
            "itrans list-plugins --long": [*ITRANS, "list-plugins", "--long"],
            "itrans run missing.toml": [*ITRANS, "run", "missing.toml"],
            "itrans run broken.toml": [*ITRANS, "run", "broken.toml"],
            TORCH: [sys.executable, "-c", "import torch"],
            RUN: [*ITRANS, "run", "recipe.toml", "-o", "new"],
            "itrans translate, one picture": [*ITRANS, "translate", "run", "in", "-o", "out"],
        }
        seconds: dict[tuple[str, str], list[float]] = {}
        for round_ in range(arguments.rounds + 1):
            for label, command in commands.items():
                for which, environment in environments.items():
                    if which and label in {BARE_NAME, TORCH}:
                        continue
                    took = seconds_of(command, folder, environment, "step 1/1" if label == RUN else "")
                    shutil.rmtree(folder / "new", ignore_errors=True)
                    if round_:
                        seconds.setdefault((label, which), []).append(took)
        beside = BARE_NAME
        for (label, which), times in seconds.items():
            beside = TORCH if label == TORCH else beside
            ratio = statistics.median(a / b for a, b in zip(times, seconds[beside, ""], strict=True))
            name = f"{label} ({which})" if which else label
            print(line(name, f"{statistics.median(times):.3f} s", ratio, f"the time of {beside}"))


if __name__ == "__main__":
    main()
