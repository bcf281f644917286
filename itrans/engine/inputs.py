"""What pictures a checkpoint's generator takes, and what is said of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.data.tensors import labels_fault
from itrans.errors import DataError, counted

if TYPE_CHECKING:
    from itrans.protocols import ImageSpec


def refuse_unfit(image: Any, spec: ImageSpec, remedy: str | None = None) -> None:
    """Raise `DataError` if something is no picture that can be translated.

    Args:
        image: should be `(H, W, C)` of uint8, uint16, or float32 in [0, 1].
        spec: what the sources of the training pairs were; where they were lightness, grey and RGB will do.
        remedy: what to do with one of another kind, as a sentence, where that is not to convert it.
    """
    wanted = "what is translated is an array (height, width, channels) of uint8, uint16, or float32 in [0, 1]."
    if not isinstance(image, np.ndarray):
        raise DataError(f"This is {type(image).__name__}; {wanted}")
    if image.ndim != 3 or 0 in image.shape or image.dtype.name not in {"uint8", "uint16", "float32"}:
        raise DataError(f"This is an array of shape {image.shape} and type {image.dtype}; {wanted}")
    if image.dtype == np.float32 and not (float(image.min()) >= 0 and float(image.max()) <= 1):  # so is NaN
        raise DataError(f"This array has floats from {image.min():g} to {image.max():g}; {wanted}")
    if fault := _labels_fault(image, spec, remedy) if spec.kind == "labels" else _channels_fault(image, spec, remedy):
        raise DataError(fault)


def _labels_fault(image: np.ndarray[Any, Any], spec: ImageSpec, remedy: str | None) -> str | None:
    if image.shape[2] != 1 or image.dtype == np.float32:
        classes = f"from 0 to {spec.labels - 1}" if spec.labels is not None else "from 0 on"
        ignored = f", or {spec.ignored} for no class" if spec.ignored is not None else ""
        return (
            f"The picture has {_channels(image.shape[2])} of {image.dtype}, but this checkpoint's generator takes "
            f"label maps: one channel of integers, which are class indices {classes}{ignored}. "
            + (remedy or "Colours are not looked up: write the indices themselves into a file of one channel.")
        )
    fault = labels_fault(image, spec)
    return f"The label map {fault}. {remedy or ''}".rstrip() if fault else None


def _channels_fault(image: np.ndarray[Any, Any], spec: ImageSpec, remedy: str | None) -> str | None:
    channels = image.shape[2]
    if spec.kind == "lightness":
        if image.dtype == np.uint8 and channels in {1, 3, 4}:
            return None
        return (
            f"The picture has {_channels(channels)} of {image.dtype}, and this checkpoint colours grey and RGB "
            "pictures of 8 bits."
        )
    if channels == spec.channels:
        return None
    return (
        f"The picture has {_channels(channels)}, but this checkpoint's generator takes {_channels(spec.channels)}. "
        f"{remedy or 'Convert it first.'}"
    )


def _channels(count: int) -> str:
    names = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGBA)"}
    return names.get(count, counted(count, "channel"))
