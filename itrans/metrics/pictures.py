"""How near translations are to their targets: L1, PSNR and SSIM on a scale from 0 to 1, the mean over pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itrans.backbones import fitting_torchvision
from itrans.metrics.labels import LABEL_METRICS, LabelScores

if TYPE_CHECKING:
    from torch import Tensor

    from itrans.protocols import ImageSpec
    from itrans.training.processes import Processes

NAMES = ("l1", "psnr", "ssim")
BETTER_IS_LOWER = {"l1": True, "psnr": False, "ssim": False, **dict.fromkeys(LABEL_METRICS, False)}
SOURCE_L1 = "source_l1"
"""The L1 distance of the source itself from the target, where both are pictures of one kind: what is to be beaten."""

_MOST_PSNR = 100.0
"""In dB; that of equal pictures is infinite, and one such picture would make every mean so."""

_SMALLEST_FOR_SSIM = 11
"""SSIM compares Gaussian windows of 11x11 (Wang et al., 2004)."""


def scores_for(source: ImageSpec, target: ImageSpec, device: torch.device) -> Scores | LabelScores:
    """Return what measures translations from sources to targets of some kinds."""
    if target.kind == "labels":
        return LabelScores(target.planes, device)
    return Scores(device, of_one_kind=source.kind == target.kind)


def metric_for(name: str, target: ImageSpec) -> str:
    """Return the metric that is meant: `auto` is the class IoU for label maps, and the L1 distance for pictures."""
    if name != "auto":
        return name
    return "class_iou" if target.kind == "labels" else "l1"


class Scores:
    """The running mean of the metrics; memory does not grow with the number of pictures.

    Args:
        device: where the pictures are.
        of_one_kind: whether sources can be compared with targets, given that their shapes are the same.
    """

    def __init__(self, device: torch.device, *, of_one_kind: bool = True) -> None:
        self._of_one_kind = of_one_kind
        self._sums = torch.zeros(len(NAMES) + 1, dtype=torch.float32, device=device)
        self._count = torch.zeros(len(NAMES) + 1, dtype=torch.float32, device=device)

    def add(self, source: Tensor, output: Tensor, target: Tensor) -> None:
        """Count some translations.

        Args:
            source: `(N, Cin, H, W)` in [-1, 1].
            output: `(N, Cout, H, W)` in [-1, 1].
            target: `(N, Cout, H, W)` in [-1, 1].
        """
        with torch.autocast(target.device.type, enabled=False):  # windows of SSIM cancel to nothing in bf16
            self._add(source, output, target)

    def _add(self, source: Tensor, output: Tensor, target: Tensor) -> None:
        with fitting_torchvision():
            from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

        source, output, target = ((side.float().clamp(-1, 1) + 1) / 2 for side in (source, output, target))
        psnr = peak_signal_noise_ratio(output, target, data_range=1.0, dim=(1, 2, 3), reduction="none")
        values = [(output - target).abs().mean((1, 2, 3)), psnr.clamp(max=_MOST_PSNR)]
        if min(target.shape[-2:]) >= _SMALLEST_FOR_SSIM:
            ssim = structural_similarity_index_measure(output, target, data_range=1.0, reduction="none")
            values.append(ssim if isinstance(ssim, torch.Tensor) else ssim[0])
        else:
            values.append(target.new_zeros(0))
        comparable = self._of_one_kind and source.shape == target.shape
        values.append((source - target).abs().mean((1, 2, 3)) if comparable else target.new_zeros(0))
        self._sums += torch.stack([value.sum() for value in values])
        self._count += torch.tensor([value.numel() for value in values], device=self._count.device)

    def means(self, processes: Processes) -> dict[str, float]:
        """Return each metric's mean over the pictures of all processes; one that nothing could be told of is absent."""
        sums, counts = processes.total(self._sums).tolist(), processes.total(self._count).tolist()
        names = (*NAMES, SOURCE_L1)
        return {name: total / count for name, total, count in zip(names, sums, counts, strict=True) if count}
