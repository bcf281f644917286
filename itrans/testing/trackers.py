"""What a tracker, and a page, must be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from itrans.records import MeasuredPair, MeasuredPairs
from itrans.testing.findings import REFUSALS, error_line
from itrans.training.record import RunFolder

if TYPE_CHECKING:
    from itrans.testing.findings import Findings

_RECIPE = {"title": "checked", "train": {"steps": 2}, "loss": [{"name": "l1", "weight": 1.0}]}


def check(findings: Findings) -> None:
    """Note what is wrong with a tracker or a page: it is told what a short run, and one that goes on, would tell it."""
    given = findings.given
    with tempfile.TemporaryDirectory() as folder:
        for step in [given["step"]] if "step" in given else [0, 2]:
            with findings.trying(f"Told of a run from step {step} on, it"):
                try:
                    tracker = findings.build(step=step)
                except REFUSALS as error:
                    findings.faults.append(f"It cannot be made: {error_line(error)}")
                    return
                run = RunFolder(Path(folder))
                run.start(_RECIPE, None, resumed=step > 0)
                tracker.start(_RECIPE, run.path)
                run.log("start", step=step)
                image = np.zeros((8, 12, 3), np.uint8)
                tracker.pictures(step, "samples", image)
                findings.expect(not image.any(), "pictures() should leave the picture as it is, but changes it.")
                values = {"loss/l1": 0.5, "lr": 2e-4}
                tracker.scalars(step + 1, values)
                findings.expect(
                    values == {"loss/l1": 0.5, "lr": 2e-4}, "scalars() should leave the numbers as they are."
                )
                run.log("validation", step=step + 1, epoch=1, metrics={"l1": 0.25}, better=True)
                tracker.scalars(step + 1, {"validation/l1": 0.25})
                if told := getattr(tracker, "pairs", None):
                    pair = MeasuredPair("a.png", 0.25, image, image, image)
                    told(step + 1, MeasuredPairs("l1", True, (pair,), (pair,), (pair,)))
                    findings.expect(not image.any(), "pairs() should leave the pictures as they are.")
                tracker.finish("finished")
