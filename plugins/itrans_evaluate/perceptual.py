"""Metrics that compare pictures at several scales, or by a network's features."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from itrans.api import DataError, ImageSpec, counted, fitting_torchvision
from itrans_evaluate.weights import lpips

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from itrans.api import ImageKind


class MultiScaleSSIM:
    """Structural similarity at five scales (Wang et al., 2003), for pictures of 176 pixels or more.

    A picture is halved four times and then compared in windows of 11x11.
    """

    lower_is_better = False
    smallest = 176

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return that of each picture, `(N,)`."""
        with fitting_torchvision():
            from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

        sides = (outputs + 1) / 2, (targets + 1) / 2
        found: Tensor = multiscale_structural_similarity_index_measure(*sides, data_range=1.0, reduction="none")
        return found


class LPIPS:
    """Distance of features of AlexNet (Zhang et al., arXiv 1801.03924), for grey and RGB pictures.

    Args:
        target: what the targets are.
        device: where they are.
        announce: told before weights are downloaded.

    Raises:
        DataError: weights cannot be had, or the pictures have not the channels that a network sees.
    """

    lower_is_better = True
    kinds: ClassVar[tuple[ImageKind, ...]] = ("image", "lightness")
    smallest = 32
    """The network shrinks smaller ones to nothing."""
    _name = "lpips"

    def __init__(self, target: ImageSpec, device: torch.device, announce: Callable[[str], None]) -> None:
        check_colours(self._name, target)
        self._network = lpips(self._name, announce).to(device)

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return that of each picture, `(N,)`."""
        sides = (torch.split(side.expand(-1, 3, -1, -1), 1) for side in (outputs, targets))
        return torch.stack([self._network(output, target) for output, target in zip(*sides, strict=True)])


class LPIPSWithVGG(LPIPS):
    """Distance of features of VGG-16; see LPIPS."""

    _name = "lpips_vgg"


class LPIPSWithSqueezeNet(LPIPS):
    """Distance of features of SqueezeNet; see LPIPS."""

    _name = "lpips_squeeze"


def check_colours(name: str, target: ImageSpec) -> None:
    """Raise `DataError` if the translations are not grey or RGB, which is what networks for photographs see."""
    if target.kind == "labels":
        raise DataError(f'The metric "{name}" compares pictures, and this checkpoint makes label maps.')
    if target.channels not in {1, 3}:
        have = counted(target.channels, "channel")
        raise DataError(f'The metric "{name}" is for grey and RGB pictures, and these have {have}.')
