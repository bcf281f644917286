"""What a metric must be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from itrans.metrics.measuring import Meter
from itrans.pictures.spec import ImageSpec
from itrans.testing.findings import REFUSALS, error_line
from itrans.testing.networks import pictures

if TYPE_CHECKING:
    from torch import Tensor

    from itrans.testing.findings import Findings

_SIDE = 64
_TARGETS = {
    "image": (ImageSpec(3), ImageSpec(1)),
    "labels": (ImageSpec(1, "labels", 5),),
    "lightness": (ImageSpec(1, "lightness"),),
    "ab": (ImageSpec(2, "ab"),),
}


def check(findings: Findings) -> None:
    """Note what is wrong with a metric."""
    given = findings.given
    kinds = getattr(findings.component, "kinds", ("image", "lightness", "ab"))
    targets = [given["target"]] if "target" in given else [spec for kind in kinds for spec in _TARGETS[kind]]
    refusals = []
    for target in targets:
        offered = {"source": ImageSpec(3), "target": target, "device": torch.device("cpu"), "announce": print, **given}
        with findings.trying(f"For targets of {target.planes} channels ({target.kind}), it"):
            try:
                metric = findings.build(**offered)
            except REFUSALS as error:
                refusals.append(error)
                continue
            _check_values(findings, Meter("it", metric), target)
    if len(refusals) == len(targets):
        findings.faults.append(f"It refuses all targets that were tried: {error_line(refusals[0])}")


def _check_values(findings: Findings, meter: Meter, target: ImageSpec) -> None:
    side = max(_SIDE, meter.smallest)
    outputs, targets = (pictures(target.planes, side, side, count=3, seed=seed) for seed in (1, 2))
    if target.kind == "labels":
        targets = torch.where(targets == targets.amax(dim=1, keepdim=True), 1.0, -1.0)
    before = outputs.clone(), targets.clone()
    together = _value(meter, [(outputs, targets)])
    kept = torch.equal(outputs, before[0]) and torch.equal(targets, before[1])
    findings.expect(kept, "measure() should leave outputs and targets as they are, but changes them.")
    findings.expect(
        together is not None and math.isfinite(together), f"It should give a finite number, but gives {together}."
    )
    alone = _value(meter, [(outputs[i : i + 1], targets[i : i + 1]) for i in (2, 0, 1)])
    findings.expect(
        alone is not None and together is not None and math.isclose(alone, together, rel_tol=1e-4, abs_tol=1e-6),
        f"It should give the same in whatever batches pictures come, but gives {together} and {alone}.",
    )


def _value(meter: Meter, batches: list[tuple[Tensor, Tensor]]) -> float | None:
    meter.reset()
    for outputs, targets in batches:
        meter.add(outputs, targets)
    return meter.result()
