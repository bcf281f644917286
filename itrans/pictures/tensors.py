"""Between the arrays of files, `(H, W, C)`, and the tensors of networks, `(N, C, H, W)` floats in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import torch

from itrans.pictures.pixels import WHITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itrans.protocols import ImageArray, ImageSpec, PixelType


def stack(images: Sequence[ImageArray], memory_format: torch.memory_format = torch.channels_last) -> Tensor:
    """Return arrays `(H, W, C)` of equal shape and type as one tensor `(N, C, H, W)` of that type.

    Args:
        images: the arrays.
        memory_format: how the tensor lies in memory: channels last, as the arrays do, or contiguous.
    """
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


def normalized(images: Tensor, memory_format: torch.memory_format = torch.preserve_format) -> Tensor:
    """Return `(N, C, H, W)` of uint8, uint16 or float32 as new float32 in [-1, 1].

    Args:
        images: values from 0 to `WHITE`.
        memory_format: how the result lies in memory; as `images` do, if nothing is said.
    """
    half = WHITE[str(images.dtype).removeprefix("torch.")] / 2
    # one new block of memory, converted and laid out in a single pass
    return torch.empty_like(images, dtype=torch.float32, memory_format=memory_format).copy_(images).div_(half).sub_(1)


def planes(images: Tensor, spec: ImageSpec, memory_format: torch.memory_format = torch.preserve_format) -> Tensor:
    """Return stored pictures as networks see them: `(N, spec.planes, H, W)` of float32 in [-1, 1].

    Label maps become a plane for each class: 1 for the pixels of the class, -1 for all others, and -1 in every plane
    for pixels of the value that stands for no class.

    Args:
        images: `(N, C, H, W)` as stored.
        spec: what they are.
        memory_format: how the result lies in memory; as `images` do, if nothing is said.
    """
    if spec.kind != "labels":
        return normalized(images, memory_format)
    images = images.int()  # there is little that torch does with uint16
    hot = images == torch.arange(spec.planes, device=images.device, dtype=images.dtype).view(1, -1, 1, 1)
    if spec.ignored is not None:
        hot &= images != spec.ignored
    return normalized(hot.to(torch.uint8) * 255, memory_format)


def stored(images: Tensor, spec: ImageSpec, dtype: PixelType | None = None) -> list[ImageArray]:
    """Return what networks make as arrays `(H, W, C)`: of label maps, the class whose plane is highest.

    Args:
        images: `(N, spec.planes, H, W)` in [-1, 1].
        spec: what they are.
        dtype: another type than that of `spec`, which label maps keep.
    """
    if spec.kind != "labels":
        return arrays(images, dtype or spec.dtype)
    classes = images.detach().argmax(dim=1).cpu().numpy()
    return [cast("ImageArray", image[:, :, None].astype(spec.dtype)) for image in classes]


def labels_fault(image: ImageArray, spec: ImageSpec) -> str | None:
    """Return what is wrong with the values of a label map, as the end of a sentence, or None."""
    if spec.labels is None:
        return "is said to be a label map of an unknown number of classes"
    if int(image.max()) < spec.labels:
        return None
    wrong = image >= spec.labels
    if spec.ignored is not None:
        wrong &= image != spec.ignored
    if not wrong.any():
        return None
    row, column = np.argwhere(wrong)[0][:2]
    return f"has the value {image[row, column, 0]} at x = {column}, y = {row}, and classes are 0 to {spec.labels - 1}"


def arrays(images: Tensor, dtype: PixelType) -> list[ImageArray]:
    """Return `(N, C, H, W)` in [-1, 1] as arrays `(H, W, C)` of that type; what is outside is clipped.

    Integers are rounded to nearest.
    """
    half = WHITE[dtype] / 2
    values = images.detach().to(torch.float32).clamp(-1, 1).add_(1).mul_(half)
    if dtype != "float32":
        values = values.round_()
    channels_last = values.permute(0, 2, 3, 1).cpu().numpy()
    return [cast("ImageArray", np.ascontiguousarray(image).astype(dtype)) for image in channels_last]
