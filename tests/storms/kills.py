"""A storm of SIGKILLs: a run that is ended again and again, against one that is left alone."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import torch

from itrans.checkpoint.file import load_checkpoint
from itrans.checkpoint.states import tensors_in
from runs import start, write_recipe


def main() -> None:
    """Run both, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = write_recipe(folder, steps=options.steps, size=96, filters=32)
        more = ["--set", f"train.workers={options.workers}", "--set", "checkpoint.every=25", "--device", "cpu"]
        began = time.monotonic()
        alone = start("run", recipe, "-o", folder / "alone", *more)
        _, errors = alone.communicate()
        assert alone.returncode == 0, errors
        whole = time.monotonic() - began
        print(f"left alone: {whole:.1f} s")
        kills, starts = 0, 0
        while True:
            resume = ["--resume"] if any((folder / "killed" / "checkpoints").glob("*.pt")) else []
            process = start("run", recipe, "-o", folder / "killed", *more, *resume)
            starts += 1
            try:
                _, errors = process.communicate(timeout=chance.uniform(1.5, 5.5) if kills < options.kills else 600)
            except Exception:  # it has not ended by itself
                process.kill()
                process.communicate()
                kills += 1
                continue
            assert process.returncode == 0, errors
            break
        sys.exit(1 if report(folder, kills, starts) else 0)


def report(folder: Path, kills: int, starts: int) -> bool:
    """Print what differs, and return whether anything does."""
    one, other = (load_checkpoint(folder / run / "checkpoints/last.pt") for run in ("alone", "killed"))
    states = [dict(tensors_in({"n": file.networks, "t": file.training})) for file in (one, other)]
    unlike = [key for key, value in states[0].items() if not torch.equal(value, states[1][key])]
    lines = [json.loads(line) for line in (folder / "killed" / "log.jsonl").read_text().splitlines()]
    logged = [(line["event"], line["step"]) for line in lines if line["event"] in {"step", "validation"}]
    twice = sorted({entry for entry in logged if logged.count(entry) > 1})
    steps = [step for event, step in logged if event == "step"]
    left = [str(path) for path in (folder / "killed").rglob(".*")]
    missing = sorted(set(range(1, one.progress.step + 1)) - set(steps))
    print(f"{kills} kills in {starts} starts, {other.progress.step} steps")
    print(f"tensors that differ: {len(unlike)} of {len(states[0])}; same progress: {one.progress == other.progress}")
    print(f"lines twice: {twice}; steps missing: {missing}; left behind: {left}")
    return bool(unlike or twice or left or missing or one.progress != other.progress)


if __name__ == "__main__":
    main()
