"""The FCN score: how well a segmentation network recognises translations of label maps (Isola et al., section 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from itrans.api import CheckpointError, DataError, counted, kind_of
from itrans.commands import Translator, measuring
from itrans_evaluate.findings import as_planes

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import torch
    from torch import Tensor

    from itrans.api import ImageArray, ImageSpec


class Segmenter:
    """A checkpoint that makes label maps of photos, and the scores of what it recognises.

    It segments as its own validation does, in mode `paper`.

    Args:
        checkpoint: a `.pt` file that a run has written.
        labels: what the true label maps are.
        photos: what the pictures to segment are.
        device: where.
        paired: whether the photos are those of the label maps.

    Raises:
        DataError: the checkpoint to be scored does not make photos from label maps.
        CheckpointError: it cannot be used, does not make label maps, or has other classes or channels.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        labels: ImageSpec,
        photos: ImageSpec,
        device: torch.device,
        *,
        paired: bool = True,
    ) -> None:
        if not paired:
            raise DataError("--segmenter scores pairs, and this data set is unpaired.")
        if labels.kind != "labels" or photos.kind == "labels":
            raise DataError("--segmenter is for checkpoints that make photos of label maps, in pairs; this is not one.")
        self._translator = Translator(checkpoint, device=str(device))
        made, taken = self._translator.target, self._translator.source
        if made.kind != "labels":
            raise CheckpointError(
                f"--segmenter {checkpoint}: this checkpoint makes no label maps. Train one from photos to labels."
            )
        if made.planes != labels.planes:
            raise CheckpointError(
                f"--segmenter {checkpoint}: it tells {made.planes} classes apart, and the label maps here have "
                f"{labels.planes}. Train it on the same classes."
            )
        if made.names and labels.names and made.names != labels.names:
            raise CheckpointError(
                f"--segmenter {checkpoint}: its classes are {', '.join(made.names)}, and here they are "
                f"{', '.join(labels.names)}. Train it on the same classes, in the same order."
            )
        if taken.kind != "image" or taken.channels != photos.channels:
            raise CheckpointError(
                f"--segmenter {checkpoint}: it segments pictures of {counted(taken.channels, 'channel')} "
                f"({taken.kind}), and these have {photos.channels}."
            )
        self._device = device
        self._made = replace(made, ignored=None)  # what it makes always has a class
        self._meters = {
            name: measuring.meters_for(kind_of(labels).metrics, photos, labels, device)
            for name in ("outputs", "real photos")
        }

    def add(self, labels: Tensor, outputs: Sequence[ImageArray], photos: Sequence[ImageArray]) -> None:
        """Segment translations and real photos of the same label maps.

        Args:
            labels: the true label maps, `(N, K, H, W)`, a plane for each class.
            outputs: their translations, `(H, W, C)`.
            photos: their targets, `(H, W, C)`.
        """
        for meters, pictures in zip(self._meters.values(), (outputs, photos), strict=True):
            found = as_planes(self._translator.translate_batch(pictures), self._made, self._device)
            measuring.count(meters, labels, found, labels, self._made)

    def scores(self) -> dict[str, dict[str, float]]:
        """Return accuracy, class accuracy and class IoU, over all pixels that have a class."""
        return {
            name: {meter.name: value for meter in meters if (value := meter.result()) is not None}
            for name, meters in self._meters.items()
        }
