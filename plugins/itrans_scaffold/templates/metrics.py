"""A metric for translations of held-out pairs."""

from __future__ import annotations

from torch import Tensor


class TemplateMetric:
    """The root of the mean squared difference of output and target, on a scale from 0 to 1."""

    lower_is_better = True
    """Which way is better: by it the best checkpoint is chosen."""

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return a value for each picture, `(N,)`; the mean over all pictures is what is logged.

        Args:
            outputs: translations, `(N, C, H, W)` of float32 in [-1, 1].
            targets: what they should be, of the same shape.
        """
        difference = (outputs - targets) / 2
        return difference.square().mean((1, 2, 3)).sqrt()
