"""What pictures a checkpoint's generator takes, and what is said of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.errors import DataError, counted
from itrans.pictures.channels import as_channels
from itrans.pictures.pixels import WHITE
from itrans.pictures.tensors import labels_fault

if TYPE_CHECKING:
    from itrans.protocols import ImageArray, ImageSpec


def as_source(image: ImageArray, spec: ImageSpec, background: str = "white") -> tuple[ImageArray, str | None]:
    """Return a picture with the channels that the generator takes, as a data set's `channels` would make them.

    Args:
        image: `(H, W, C)`.
        spec: what the sources of the training pairs were.
        background: the colour under what is transparent; see `itrans.pictures.channels.as_channels`.

    Returns:
        The picture, as it is where there is no such conversion, and what is to be said of it. A fourth channel is not
        made up: it may have been a mask.
    """
    have = image.shape[2]
    if spec.kind not in {"image", "lightness"} or have not in {1, 3, 4}:
        return image, None
    is_opaque = have == 4 and float(image[:, :, 3].min()) == WHITE[image.dtype.name]
    if spec.kind == "image" and spec.channels == have:
        note = "the fourth channel is opaque everywhere; if it was a mask of holes in training, that is all hole"
        return image, note if is_opaque else None
    if spec.kind == "image" and spec.channels not in {1, 3}:
        return image, None
    if is_opaque:
        note = "an alpha that is opaque everywhere was left out"
    elif have == 4:
        note = f"what is transparent was laid on {background} (--background)"
    elif have == 1:
        note = "grey was repeated as RGB"
    else:
        note = "colours became grey by their luminance"
    if spec.kind == "lightness":
        return (as_channels(image, 3, background), note) if have == 4 else (image, None)
    return as_channels(image, spec.channels, background), note


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
    takes = f"The picture has {_channels(channels)}, but this checkpoint's generator takes"
    if spec.channels == 4 and remedy is None:
        return (
            f"{takes} 4 channels. The fourth is alpha or a mask, as in training; without it the picture cannot be used."
        )
    if remedy is None:
        converts = {channels, spec.channels} <= {1, 3, 4}
        remedy = "Convert it first, as itrans.api.as_channels does." if converts else "Choose its channels first."
    return f"{takes} {_channels(spec.channels)}. {remedy}"


def _channels(count: int) -> str:
    names = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGBA)"}
    return names.get(count, counted(count, "channel"))
