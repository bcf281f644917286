"""Which metrics are measured without being asked for, and which of them decides. Imports no metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itrans.protocols import ImageSpec

SOURCE_L1 = "source_l1"
"""The L1 distance of the source itself from the target, where both are pictures of one kind: what is to be beaten."""

_OF_PICTURES, _OF_LABELS = ("l1", "psnr", "ssim"), ("accuracy", "class_accuracy", "class_iou")


def usual_metrics(target: ImageSpec) -> tuple[str, ...]:
    """Return the names of those that validation and evaluation measure of such targets."""
    return _OF_LABELS if target.kind == "labels" else _OF_PICTURES


def deciding_metric(name: str, *, labels: bool) -> str:
    """Return the metric that is meant: `auto` is the class IoU for label maps, and the L1 distance for pictures."""
    if name != "auto":
        return name
    return "class_iou" if labels else "l1"
