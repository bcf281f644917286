"""Between the arrays of files, `(H, W, C)`, and the tensors of networks, `(N, C, H, W)` floats in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import torch

from itrans.pictures.spec import WHITE, ImageSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itrans.pictures.extras import Extra, ExtraSpec
    from itrans.pictures.spec import ImageArray, PixelType


def stack(images: Sequence[ImageArray], memory_format: torch.memory_format = torch.channels_last) -> Tensor:
    """Return arrays `(H, W, C)` of equal shape and type as one tensor `(N, C, H, W)` of that type."""
    if memory_format == torch.channels_last:
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    height, width, channels = images[0].shape
    planes = np.empty((len(images), channels, height, width), images[0].dtype)
    for image, into in zip(images, planes, strict=True):
        if channels in {2, 3, 4}:
            cv2.split(image, list(into))  # a fifth of the time that NumPy and torch take
        else:
            into[:] = image.transpose(2, 0, 1)
    return torch.from_numpy(planes)


def stack_extras(values: Sequence[Extra], spec: ExtraSpec, memory_format: torch.memory_format) -> Tensor:
    """Return an extra of some pairs as one tensor: pictures as `stack` does, numbers as `(N,)` of int64 or float32."""
    if isinstance(spec, ImageSpec):
        return stack(cast("Sequence[ImageArray]", values), memory_format)
    kind = torch.float32 if spec is float else torch.int64
    return torch.tensor([float(value) if spec is float else int(value) for value in values], dtype=kind)


def scaled_planes(
    images: Tensor, memory_format: torch.memory_format | None = None, range_: tuple[float, float] | None = None
) -> Tensor:
    """Return `(N, C, H, W)` of uint8, uint16 or float32 as new float32 in [-1, 1].

    Without a memory format, the result lies in memory as `images` do. Values of `range_` become -1 and 1; without it,
    0 and `WHITE` do.
    """
    memory_format = memory_format or torch.preserve_format
    # one new block of memory, converted and laid out in a single pass
    values = torch.empty_like(images, dtype=torch.float32, memory_format=memory_format).copy_(images)
    if range_ is None:
        return values.div_(WHITE[str(images.dtype).removeprefix("torch.")] / 2).sub_(1)
    low, high = range_
    return values.sub_(low).div_((high - low) / 2).sub_(1)


def arrays(images: Tensor, dtype: PixelType, range_: tuple[float, float] | None = None) -> list[ImageArray]:
    """Return `(N, C, H, W)` in [-1, 1] as arrays `(H, W, C)` of that type; what is outside is clipped.

    Integers are rounded to nearest. -1 and 1 become the values of `range_`; without it, 0 and `WHITE`.
    """
    low, high = (0.0, WHITE[dtype]) if range_ is None else range_
    values = images.detach().to(torch.float32).clamp(-1, 1).add_(1).mul_((high - low) / 2)
    if range_ is not None:
        values = values.add_(low).clamp_(low, high)  # sums may be rounded to beyond it
    if dtype != "float32":
        values = values.round_()
    if dtype == "uint8" and not values.is_cpu:
        values = values.to(torch.uint8)  # a quarter of the bytes to send
    channels_last = values.permute(0, 2, 3, 1).cpu().numpy()
    return [cast("ImageArray", np.ascontiguousarray(image).astype(dtype)) for image in channels_last]
