"""How well label maps agree: the scores of semantic segmentation (Long et al., arXiv 1411.4038, section 5)."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from itrans.pictures.spec import ImageKind


class Confusion:
    """How many pixels of each true class (row) were taken for each class (column), and a score of that."""

    lower_is_better = False
    kinds: ClassVar[tuple[ImageKind, ...]] = ("labels",)
    _latest: ClassVar[tuple[tuple[weakref.ref[Tensor], ...], Tensor]] = ((), torch.empty(0))
    """The planes that were measured last and their matrices: several scores of one batch take the time of one."""

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the matrices of pictures with a plane for each of K classes, `(N, K, K)` of int64."""
        seen = tuple(side() for side in Confusion._latest[0])
        if not (len(seen) == 2 and seen[0] is outputs and seen[1] is targets):
            found = confusions(class_indices(outputs), class_indices(targets, ignoring=True), outputs.shape[1])
            Confusion._latest = (weakref.ref(outputs), weakref.ref(targets)), found
        return Confusion._latest[1]


class Accuracy(Confusion):
    """Which part of all pixels is told right."""

    def value(self, matrix: Tensor) -> float | None:
        """Return the score of a confusion matrix; None if it has no pixel."""
        pixels = int(matrix.sum())
        return int(matrix.diag().sum()) / pixels if pixels else None


class ClassAccuracy(Confusion):
    """Which part of a class's pixels is told right, the mean over the classes that occur in the truth."""

    def value(self, matrix: Tensor) -> float | None:
        """Return the score of a confusion matrix; None if it has no pixel."""
        return _mean(matrix.diag(), matrix.sum(1))


class ClassIoU(Confusion):
    """Intersection over union, the mean over the classes that occur in the truth or in the prediction.

    A class that only the prediction has scores 0.
    """

    def value(self, matrix: Tensor) -> float | None:
        """Return the score of a confusion matrix; None if it has no pixel."""
        return _mean(matrix.diag(), matrix.sum(1) + matrix.sum(0) - matrix.diag())


def _mean(right: Tensor, of: Tensor) -> float | None:
    right, of = right.cpu().double(), of.cpu().double()
    return float((right[of > 0] / of[of > 0]).mean()) if of.any() else None


def class_indices(planes: Tensor, *, ignoring: bool = False) -> Tensor:
    """Return the class of each pixel, `(N, H, W)` of int64: that of the highest of planes `(N, K, H, W)`.

    With `ignoring` it is -1 where no plane is above 0, as no plane of a target is where it has no class.
    """
    highest, indices = planes.max(dim=1)
    return indices.masked_fill(highest <= 0, -1) if ignoring else indices


def confusions(predicted: Tensor, true: Tensor, classes: int) -> Tensor:
    """Return how many pixels of each true class (row) were taken for each class (column): `(N, K, K)` of int64.

    Both are `(N, ...)`, classes from 0 to K - 1; pixels whose true class is below 0 are left out.
    """
    size = classes * classes
    first = torch.arange(len(true), device=true.device).view(-1, *[1] * (true.ndim - 1)) * size
    pairs = (first + true * classes + predicted)[true >= 0]
    return torch.bincount(pairs, minlength=len(true) * size).reshape(-1, classes, classes)
