"""The loss that makes a generator a segmenter, which is what the U-Net was made for (arXiv 1505.04597)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional

from itrans.api import DataError, Translated


class CrossEntropyLoss:
    """The mean of -log p(class) over the pixels that have one, where p is the softmax of the output's planes.

    It is for data sets whose targets are label maps: the generator makes a plane for each class. Outputs are in
    [-1, 1], too small a range for logits, so the planes are multiplied first. At 10, the logits of two classes can
    differ by at most 20.

    Args:
        weights: one for each class, such as more for those that are rare; by default all are equal.
        sharpness: the factor that turns planes into logits.

    Raises:
        ValueError: all weights are 0.
    """

    role: Literal["image"] = "image"

    def __init__(
        self,
        *,
        weights: list[Annotated[float, Ge(0)]] | None = None,
        sharpness: Annotated[float, Gt(0)] = 10.0,
    ) -> None:
        if weights is not None and not any(weights):
            raise ValueError("all weights are 0, so that nothing would be learnt")
        self.weights, self.sharpness = weights, sharpness
        self._has_seen_labels = False
        self._on_device: Tensor | None = None

    def __call__(self, translated: Translated) -> Tensor:
        """Return a scalar, 0 or more; 0 for a batch in which no pixel has a class.

        Raises:
            DataError: the targets are no label maps, or there are more or fewer weights than classes.
        """
        logits, planes = translated.output.float() * self.sharpness, translated.target
        if not self._has_seen_labels and not planes.is_meta:  # once: looking at values makes a GPU wait
            _refuse_pictures(planes)
            self._has_seen_labels = True
        highest, classes = planes.max(dim=1)
        weights = self._weights(planes)
        counted = (highest > 0) * weights[classes]
        losses = functional.cross_entropy(logits, classes, reduction="none")
        return (losses * counted).sum() / counted.sum().clamp(min=torch.finfo(torch.float32).tiny)

    def _weights(self, planes: Tensor) -> Tensor:
        if self.weights is None:
            return torch.ones(planes.shape[1], device=planes.device)
        if len(self.weights) != planes.shape[1]:
            raise DataError(
                f'The loss "cross_entropy" has {len(self.weights)} weights, and the label maps have '
                f"{planes.shape[1]} classes: loss.cross_entropy.weights needs one for each."
            )
        if self._on_device is None or self._on_device.device != planes.device:
            self._on_device = torch.tensor(self.weights, device=planes.device)  # once: a GPU waits for the copy
        return self._on_device


def _refuse_pictures(planes: Tensor) -> None:
    if planes.shape[1] < 2 or int((planes > 0).sum(dim=1).max()) > 1:
        raise DataError(
            'The loss "cross_entropy" needs label maps as targets, such as those of the data set "labels" with '
            'direction = "photo_to_labels"; this data set\'s targets are pictures.'
        )
