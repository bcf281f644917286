"""Metrics of one picture: its translation against its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch

from itrans.backbones import fitting_torchvision
from itrans.errors import DataError, counted
from itrans.metrics.labels import LABEL_METRICS, LabelScores
from itrans.metrics.pictures import NAMES, SOURCE_L1, Scores
from itrans.training.processes import Processes
from itrans_evaluate.weights import LPIPS, lpips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from itrans.protocols import ImageSpec

PICTURE_METRICS = (*NAMES, "ms_ssim", *LPIPS)
"""Those of pictures; label maps have `LABEL_METRICS`."""

LOWER_IS_BETTER = {"l1", SOURCE_L1, *LPIPS}

SMALLEST = {"ssim": 11, "ms_ssim": 176, **dict.fromkeys(LPIPS, 32)}
"""Pixels of the shorter side. MS-SSIM halves a picture four times and then compares windows of 11x11 (Wang et al.,
2003); LPIPS needs one that its network does not shrink to nothing."""


class PictureMetric(Protocol):
    """What measures one picture."""

    def __call__(self, source: Tensor, output: Tensor, target: Tensor, /) -> dict[str, float]:
        """Return the values by their names; what cannot be told of this picture is absent.

        Args:
            source: `(1, Cin, H, W)` in [-1, 1].
            output: `(1, Cout, H, W)` in [-1, 1].
            target: `(1, Cout, H, W)` in [-1, 1].
        """


def picture_metrics(
    names: Sequence[str], target: ImageSpec, device: torch.device, announce: Callable[[str], None]
) -> list[PictureMetric]:
    """Return what measures the named metrics; it may give others besides.

    Args:
        names: some of `PICTURE_METRICS` or, for label maps, of `LABEL_METRICS`.
        target: what translations are.
        device: where the pictures will be.
        announce: told before weights are downloaded.

    Raises:
        DataError: weights cannot be had, or the pictures have not the channels that a network sees.
    """
    metrics: list[PictureMetric] = []
    if set(names) & {*NAMES, *LABEL_METRICS}:
        metrics.append(_AsInTraining(target, device))
    if "ms_ssim" in names:
        metrics.append(_ms_ssim)
    for name in LPIPS:
        if name in names:
            check_colours(name, target)
            metrics.append(_Lpips(name, lpips(name, announce).to(device)))
    return metrics


def check_colours(name: str, target: ImageSpec) -> None:
    """Raise `DataError` if the translations are not grey or RGB, which is what networks for photographs see."""
    if target.kind == "labels":
        raise DataError(f'The metric "{name}" compares pictures, and this checkpoint makes label maps.')
    if target.channels not in {1, 3}:
        have = counted(target.channels, "channel")
        raise DataError(f'The metric "{name}" is for grey and RGB pictures, and these have {have}.')


class _AsInTraining:
    """What validation measures, of one picture."""

    def __init__(self, target: ImageSpec, device: torch.device) -> None:
        self._target, self._device = target, device

    def __call__(self, source: Tensor, output: Tensor, target: Tensor) -> dict[str, float]:
        labels = self._target.kind == "labels"
        scores = LabelScores(self._target.planes, self._device) if labels else Scores(self._device)
        scores.add(source, output, target)
        return scores.means(Processes())


def _ms_ssim(_source: Tensor, output: Tensor, target: Tensor) -> dict[str, float]:
    with fitting_torchvision():
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    if min(target.shape[-2:]) < SMALLEST["ms_ssim"]:
        return {}
    value = multiscale_structural_similarity_index_measure((output + 1) / 2, (target + 1) / 2, data_range=1.0)
    return {"ms_ssim": float(value)}


class _Lpips:
    """LPIPS of grey or RGB pictures."""

    def __init__(self, name: str, metric: Any) -> None:
        self._name, self._metric = name, metric

    def __call__(self, _source: Tensor, output: Tensor, target: Tensor) -> dict[str, float]:
        if min(target.shape[-2:]) < SMALLEST[self._name]:
            return {}
        with torch.no_grad():
            value = self._metric(output.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1))
        return {self._name: float(value)}
