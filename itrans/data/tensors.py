"""Between the arrays of files, `(H, W, C)`, and the tensors of networks, `(N, C, H, W)` floats in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itrans.protocols import ImageArray, PixelType

WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""The value that stands for 1 after normalisation, for each way of storing pixels; 0 stands for -1."""


def stack(images: Sequence[ImageArray]) -> Tensor:
    """Return arrays `(H, W, C)` of equal shape and type as one tensor `(N, C, H, W)` of that type.

    Its memory is laid out channels last, as the arrays' is.
    """
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def normalized(images: Tensor) -> Tensor:
    """Return `(N, C, H, W)` of uint8, uint16 or float32 as float32 in [-1, 1]; the memory layout is kept."""
    half = WHITE[str(images.dtype).removeprefix("torch.")] / 2
    return images.to(torch.float32).div(half).sub_(1)  # `div_` would change float32 images, which `to` does not copy


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
