"""How well label maps agree: the scores of semantic segmentation (Long et al., arXiv 1411.4038, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itrans.training.processes import Processes

LABEL_METRICS = ("accuracy", "class_accuracy", "class_iou")


class LabelScores:
    """A confusion matrix that grows, and its scores; memory does not grow with the number of pictures.

    Args:
        classes: how many there are.
        device: where the label maps are.
    """

    def __init__(self, classes: int, device: torch.device) -> None:
        self._confusion = torch.zeros(classes, classes, dtype=torch.int64, device=device)

    def add(self, source: Tensor, output: Tensor, target: Tensor) -> None:
        """Count some translations.

        Args:
            source: not looked at.
            output: `(N, K, H, W)`, a plane for each class.
            target: `(N, K, H, W)`, 1 in the plane of a pixel's class, -1 in all others.
        """
        true = class_indices(target, ignoring=True)
        self._confusion += confusion(class_indices(output), true, len(self._confusion))

    @property
    def matrix(self) -> Tensor:
        """The confusion matrix of this process, `(K, K)` of int64: rows are the truth."""
        return self._confusion.cpu()

    def means(self, processes: Processes) -> dict[str, float]:
        """Return the scores over the pixels of all processes; empty if no pixel has a class."""
        total = processes.total(self._confusion)
        return segmentation_scores(total) if int(total.sum()) else {}


def class_indices(planes: Tensor, *, ignoring: bool = False) -> Tensor:
    """Return the class of each pixel, `(N, H, W)` of int64: that of the highest plane.

    Args:
        planes: `(N, K, H, W)`, a plane for each class.
        ignoring: give -1 where no plane is above 0, as no plane of a target is where it has no class.
    """
    highest, indices = planes.max(dim=1)
    return indices.masked_fill(highest <= 0, -1) if ignoring else indices


def confusion(predicted: Tensor, true: Tensor, classes: int) -> Tensor:
    """Return how many pixels of each true class (row) were taken for each class (column): `(K, K)` of int64.

    Args:
        predicted: classes from 0 to `classes` - 1, of any shape.
        true: of the same shape; pixels below 0 are left out.
        classes: K.
    """
    counted = true >= 0
    pairs = true[counted].long() * classes + predicted[counted].long()
    return torch.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


class ClassScore(NamedTuple):
    """How well one class is told; a score is None where no pixel decides it.

    Attributes:
        name: what the class is called, or its index.
        pixels: how many pixels are of it.
        accuracy: which part of them was told right.
        iou: how many were told right, of those that are of the class or were taken for it.
    """

    name: str
    pixels: int
    accuracy: float | None
    iou: float | None


def class_scores(matrix: Tensor, names: Sequence[str]) -> list[ClassScore]:
    """Return the scores of each class.

    Args:
        matrix: a confusion matrix `(K, K)`, rows the truth.
        names: what the K classes are called; none, for their indices.
    """
    right, truth, predicted = matrix.diag().tolist(), matrix.sum(1).tolist(), matrix.sum(0).tolist()
    return [
        ClassScore(
            names[index] if names else str(index),
            truth[index],
            hits / truth[index] if truth[index] else None,
            hits / either if (either := truth[index] + predicted[index] - hits) else None,
        )
        for index, hits in enumerate(right)
    ]


def segmentation_scores(matrix: Tensor) -> dict[str, float]:
    """Return per-pixel accuracy, per-class accuracy and class IoU, each from 0 to 1.

    The last two are means over the classes that occur: in the truth for the accuracy, in either for the IoU, where a
    class that only the prediction has scores 0.

    Args:
        matrix: a confusion matrix `(K, K)`, rows the truth, with at least one pixel.
    """
    matrix = matrix.double().cpu()
    right, truth, predicted = matrix.diag(), matrix.sum(1), matrix.sum(0)
    either = truth + predicted - right
    return {
        "accuracy": float(right.sum() / matrix.sum()),
        "class_accuracy": float((right[truth > 0] / truth[truth > 0]).mean()),
        "class_iou": float((right[either > 0] / either[either > 0]).mean()),
    }
