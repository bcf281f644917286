"""Folders like those that runs leave, made without training: as long as a test, or a benchmark, wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

RECIPE = """\
title = {title}
seed = 1
tracker = []

[[loss]]
name = "l1"
weight = 100.0

[dataset]
name = "aligned"

[generator]
name = "unet"
filters = {filters}

[schedule]
name = "constant"

[train]
batch_size = 2
epochs = {epochs}

[validation]
metric = "auto"
"""


def made_run(
    folder: Path,
    *,
    epochs: int = 3,
    steps: int = 10,
    title: str = "made",
    filters: int = 8,
    rate: float = 0.5,
    outcome: str | None = "finished",
    size: tuple[int, int] = (60, 48),
    losses: Mapping[int, float] | None = None,
) -> Path:
    """Make the folder of a run with a log and a grid of samples for each epoch, and return it.

    Args:
        folder: where to.
        epochs: how many.
        steps: of an epoch, each with a line in the log.
        title: of the recipe.
        filters: a key of the recipe, for runs that differ.
        rate: how fast the numbers fall.
        outcome: how it has ended; None if it was killed.
        size: height and width of the grids.
        losses: of some steps, in place of what they would be.
    """
    (folder / "samples").mkdir(parents=True)
    text = RECIPE.format(title=json.dumps(title), filters=filters, epochs=epochs)
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    start = {"pairs": 2 * steps, "device": "cpu", "processes": 1, "precision": "float32"}
    start |= {"command": ["itrans", "run", "made.toml"], "versions": {"itrans": "0.1.0", "torch": "2.10"}}
    lines = [{"event": "start", "step": 0, **start}]
    for step in range(1, epochs * steps + 1):
        epoch = -(-step // steps)
        value = (losses or {}).get(step, 1 / (1 + rate * step))
        means = {"generator.l1": value, "generator.cgan": 1.5 + 0.1 * np.sin(step)}
        lines.append({"event": "step", "step": step, "epoch": epoch, "means": means, "lr": 2e-4})
        if step % steps == 0:
            metrics = {"l1": 0.2 / (1 + rate * epoch), "psnr": 10.0 + epoch * rate, "source_l1": 0.4}
            lines.append({"event": "validation", "step": step, "epoch": epoch, "metrics": metrics, "better": True})
            draw_grid(folder / "samples" / f"epoch-{epoch:04d}.png", epoch, size)
    if outcome is not None:
        lines.append({"event": "end", "step": epochs * steps, "outcome": outcome})
    timed = [{**line, "seconds": 0.5 * line["step"], "time": "2026-01-01T12:00:00.000+00:00"} for line in lines]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in timed), encoding="utf-8")
    return folder


def draw_grid(file: Path, epoch: int, size: tuple[int, int]) -> None:
    """Write a picture that differs from epoch to epoch and is no easier to encode than a photo."""
    noise = np.random.default_rng(epoch).integers(0, 256, (size[0] // 6, size[1] // 6, 3), dtype=np.uint8)
    cv2.imwrite(str(file), cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC))


def data_of(page: Path) -> dict:
    """Return what a page was drawn from, as the browser reads it."""
    text = page.read_text(encoding="utf-8")
    (_, after) = text.split('<script type="application/json" id="data">')
    return json.loads(after.partition("</script>")[0])
