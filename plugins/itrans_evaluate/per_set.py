"""Metrics of whole sets of pictures: how far the translations, as a set, are from the targets as a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch

from itrans.api import DataError
from itrans_evaluate.features import BackboneFeatures
from itrans_evaluate.perceptual import check_colours
from itrans_evaluate.weights import inception

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from itrans.api import ImageSpec
    from itrans_evaluate.weights import Inception

SET_METRICS = ("fid", "kid")

_BLOCK = 1024
_FEATURES_OF_FID = 2048


class InceptionDistance:
    """FID or KID by torchmetrics.

    Args:
        name: `fid` or `kid`.
        metric: torchmetrics' own, on pictures of uint8.
        pictures: how many there will be.
    """

    def __init__(self, name: str, metric: Any, pictures: int) -> None:
        self.name, self._metric = name, metric
        self.note: str | None = None
        if name == "fid" and pictures < _FEATURES_OF_FID:
            self.note = (
                f"fid: {pictures} pictures are fewer than the {_FEATURES_OF_FID} features that it is computed from; "
                "the estimate is too high. kid has no such bias."
            )

    def add(self, output: Tensor, target: Tensor) -> None:
        """Count grey or RGB pictures `(N, C, H, W)` in [-1, 1]."""
        with torch.no_grad():
            self._metric.update(_as_bytes(output), real=False)
            self._metric.update(_as_bytes(target), real=True)

    def value(self) -> float:
        """Return the distance; the subsets of KID are the same in each run."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = self._metric.compute()
        return float(found[0] if isinstance(found, tuple) else found)


class KernelDistance:
    """The squared maximum mean discrepancy of features under the polynomial kernel of KID.

    Args:
        features: what makes a feature vector of a picture.
    """

    def __init__(self, features: BackboneFeatures) -> None:
        self.name = f"kernel distance ({features.title})"
        self.note: str | None = None
        self._features = features
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []

    def add(self, output: Tensor, target: Tensor) -> None:
        """Count grey or RGB pictures `(N, C, H, W)` in [-1, 1]."""
        self._outputs.append(self._features(output).cpu())
        self._targets.append(self._features(target).cpu())

    def value(self) -> float:
        """Return the distance of all that was counted."""
        return kernel_distance(torch.cat(self._outputs), torch.cat(self._targets))


SetMetric: TypeAlias = InceptionDistance | KernelDistance
"""What measures sets. `name` is what it is called, `note` what a reader should know of the value, or None."""


def set_metrics(
    names: Sequence[str],
    features: str | None,
    weights: Path | None,
    target: ImageSpec,
    pictures: int,
    device: torch.device,
    announce: Callable[[str], None],
) -> list[SetMetric]:
    """Return what measures whole sets, of the names of metrics and the choice of features.

    Raises:
        DataError: there are no sets, or weights cannot be had.
    """
    found: list[SetMetric] = []
    chosen = [*(name for name in SET_METRICS if name in names), *([features] if features is not None else [])]
    for name in chosen:
        check_colours(name, target)
        if pictures < 2:
            raise DataError(f'"{name}" compares sets of pictures, and there is only one pair.')
        if name is features:
            found.append(KernelDistance(BackboneFeatures(name, weights, announce).to(device)))
        else:
            metric = inception(cast("Inception", name), pictures, announce)
            found.append(InceptionDistance(name, metric.to(device), pictures))
    return found


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy; it may be a little below 0.

    The kernel is (x y / D + 1)^3. Source: Bińkowski et al., arXiv 1801.01401, section 4; Gretton et al.
    (2012), lemma 6.

    Args:
        first: features `(M, D)`, M of 2 or more.
        second: features `(N, D)`, N of 2 or more.
    """
    first, second = first.double(), second.double()
    within = sum(_kernel_sum(side, side, own=False) / (len(side) * (len(side) - 1)) for side in (first, second))
    return within - 2 * _kernel_sum(first, second, own=True) / (len(first) * len(second))


def _kernel_sum(first: Tensor, second: Tensor, *, own: bool) -> float:
    """Return the sum of the kernel over all pairs, block by block; without `own`, no vector is paired with itself."""
    total = 0.0
    for start in range(0, len(first), _BLOCK):
        kernel = (first[start : start + _BLOCK] @ second.T / first.shape[1] + 1) ** 3
        total += float(kernel.sum())
        if not own:
            total -= float(kernel.diagonal(start).sum())
    return total


def _as_bytes(pictures: Tensor) -> Tensor:
    return ((pictures.expand(-1, 3, -1, -1) + 1) * 127.5).round().to(torch.uint8)
