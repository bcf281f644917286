"""How near translations are to their targets: L1, PSNR and SSIM on a scale from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.metrics.libraries import fitting_torchvision

if TYPE_CHECKING:
    from torch import Tensor

_MOST_PSNR = 100.0
"""In dB; that of equal pictures is infinite, and one such picture would make every mean so."""


class L1:
    """Mean absolute difference, on a scale from 0 to 1."""

    lower_is_better = True

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return that of each picture, `(N,)`."""
        return (_from_0_to_1(outputs) - _from_0_to_1(targets)).abs().mean((1, 2, 3))


class PSNR:
    """Peak signal-to-noise ratio in dB, at most 100."""

    lower_is_better = False

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return that of each picture, `(N,)`."""
        with fitting_torchvision():
            from torchmetrics.functional.image import peak_signal_noise_ratio

        sides = _from_0_to_1(outputs), _from_0_to_1(targets)
        found: Tensor = peak_signal_noise_ratio(*sides, data_range=1.0, dim=(1, 2, 3), reduction="none")
        return found.clamp(max=_MOST_PSNR)


class SSIM:
    """Structural similarity of Gaussian windows of 11x11 (Wang et al., 2004)."""

    lower_is_better = False
    smallest = 11

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return that of each picture, `(N,)`."""
        with fitting_torchvision():
            from torchmetrics.functional.image import structural_similarity_index_measure

        sides = _from_0_to_1(outputs), _from_0_to_1(targets)
        found = structural_similarity_index_measure(*sides, data_range=1.0, reduction="none")
        return found[0] if isinstance(found, tuple) else found


def _from_0_to_1(planes: Tensor) -> Tensor:
    return (planes + 1) / 2
