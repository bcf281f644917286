"""Convolutions of a handful of pixels by a million weights, at test time on a CPU: products of matrices.

At the bottleneck of a U-Net a convolution library spends most of its time on rearranging the weights, which a product
reads as they lie. tests/benchmarks/translate.py measures it. While training, `convolutions.py` does it in its own way:
here a picture's output must be the same bytes in any company. So every product has the same number of rows, whatever
the batch, and the rows that a batch does not fill are zeros.
"""

from __future__ import annotations

import contextlib
import functools
import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Layer: TypeAlias = nn.Conv2d | nn.ConvTranspose2d

_MOST_PIXELS = 16
"""Of a picture in a layer, the larger of input and output where it is reduced. With more, convolutions are faster."""

_MANY_WEIGHTS = 2**18
"""With fewer, a convolution library has little to rearrange."""


class FewPixels:
    """The layers of networks that are computed as products where their pictures are small enough.

    The networks are on the CPU, their weights lie there with channels last, and they are computed in bf16: in fp32,
    products gain nothing.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        modules = dict.fromkeys(module for network in networks for module in network.modules())
        self._layers: list[Any] = [module for module in modules if _is_suited(module)]

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Compute them so for as long as the block lasts."""
        try:
            for layer in self._layers:
                convolve = _convolve if type(layer) is nn.Conv2d else _convolve_transposed
                layer.forward = functools.partial(convolve, layer)
            yield
        finally:
            for layer in self._layers:
                vars(layer).pop("forward", None)


def _is_suited(module: nn.Module) -> bool:
    if type(module) not in {nn.Conv2d, nn.ConvTranspose2d} or "forward" in vars(module):
        return False
    layer: Any = module
    is_plain = layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    is_dense = set(layer.dilation) == {1} and not any(layer.output_padding) and math.prod(layer.kernel_size) > 1
    return is_plain and is_dense and layer.weight.numel() >= _MANY_WEIGHTS


def _convolve(layer: nn.Conv2d, images: Tensor) -> Tensor:
    (down, across), (stride_down, stride_across) = layer.kernel_size, layer.stride
    above, beside = cast("tuple[int, int]", layer.padding)
    height = (images.shape[-2] + 2 * above - down) // stride_down + 1
    width = (images.shape[-1] + 2 * beside - across) // stride_across + 1
    if not _takes(layer, images) or not 0 < height * width <= _MOST_PIXELS or height < 0:
        return nn.Conv2d.forward(layer, images)
    padded = functional.pad(images, (beside, beside, above, above)).permute(0, 2, 3, 1)
    patches = padded.unfold(1, down, stride_down).unfold(2, across, stride_across).permute(0, 1, 2, 4, 5, 3)
    weights = layer.weight.permute(0, 2, 3, 1).flatten(1)
    found = _product(patches.flatten(3).flatten(0, 2), weights.T, height * width, layer.bias)
    return found.view(len(images), height, width, -1).permute(0, 3, 1, 2)


def _convolve_transposed(layer: nn.ConvTranspose2d, images: Tensor, output_size: Any = None) -> Tensor:
    height, width = images.shape[-2:]
    if not _takes(layer, images) or output_size is not None or height * width > _MOST_PIXELS:
        return nn.ConvTranspose2d.forward(layer, images, output_size)
    (down, across), (stride_down, stride_across) = layer.kernel_size, layer.stride
    above, beside = cast("tuple[int, int]", layer.padding)
    weights = layer.weight.permute(0, 2, 3, 1).flatten(1)
    pixels = images.permute(0, 2, 3, 1).flatten(0, 2)
    patches = _product(pixels, weights, height * width).view(len(images), height, width, down, across, -1)
    whole = patches.new_zeros(
        (
            len(images),
            (height - 1) * stride_down + down,
            (width - 1) * stride_across + across,
            layer.out_channels,
        ),
        dtype=torch.float32,  # sums of several patches, which are rounded once
    )
    for y in range(down):
        for x in range(across):
            ends = y + height * stride_down, x + width * stride_across
            whole[:, y : ends[0] : stride_down, x : ends[1] : stride_across] += patches[:, :, :, y, x]
    found = whole[:, above : whole.shape[1] - above, beside : whole.shape[2] - beside]
    found = found if layer.bias is None else found + layer.bias
    return found.to(patches.dtype).permute(0, 3, 1, 2)


def _takes(layer: _Layer, images: Tensor) -> bool:
    return images.ndim == 4 and images.shape[1] == layer.in_channels


def _product(rows: Tensor, weights: Tensor, pixels: int, bias: Tensor | None = None) -> Tensor:
    """Return the product of rows, which are those of pictures with so many pixels each, and weights."""
    count = 64 if pixels > 8 else 32  # as measured: of 64 rows, a picture of few pixels would leave most empty
    missing = -len(rows) % count
    blocks = torch.split(functional.pad(rows, (0, 0, 0, missing)), count)
    found = [block @ weights if bias is None else torch.addmm(bias, block, weights) for block in blocks]
    return torch.cat(found)[: len(rows)]
