"""How convolutions are computed on a CPU while training: each in the way that suits the size of what it is given.

Away from the bottleneck a convolution is fastest with channels last in memory. At the bottleneck there are a million
weights and a handful of pixels: there, a convolution library spends most of the time on rearranging the weights, while
one matrix product reads them once. Which of the two it is depends on shapes alone, so a run's numbers do not depend on
the moment. tests/benchmarks/step.py measures it.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Callable

Layer: TypeAlias = nn.Conv2d | nn.ConvTranspose2d

_FEW_PIXELS = 12 * 12
"""Of an input with fewer, rearranging the weights to channels last takes longer than it gains."""

_MANY_WEIGHTS = 2**18
"""With fewer, a convolution library has little to rearrange."""

_FEW_ROWS = {torch.bfloat16: (64, 256), torch.float32: (0, 64)}
"""Up to so many rows, the pixels of all pictures, a matrix product is faster: in a convolution; in a transposed one."""


def suit_to_cpu(network: nn.Module, dtype: torch.dtype) -> None:
    """Have a network's convolutions computed in the way that suits their sizes, wherever gradients are recorded.

    Only layers of torch itself are changed, and not those with groups or odd paddings. Inputs and outputs of a network
    stay laid out as they were. What lies between them may be laid out with channels last if the network says
    `channels_last = True`: another one may call `view` on it.

    Args:
        network: on a CPU.
        dtype: what its convolutions are computed in.
    """
    rows, rows_transposed = _FEW_ROWS.get(dtype, (0, 0))
    may_be_last = bool(getattr(network, "channels_last", False))
    for module in network.modules():
        if type(module) is nn.Conv2d and is_plain(module):
            module.forward = functools.partial(_convolve, module, rows, may_be_last)  # type: ignore[method-assign]
        elif type(module) is nn.ConvTranspose2d and is_plain(module):
            module.forward = functools.partial(  # type: ignore[method-assign]
                _convolve_transposed, module, rows_transposed, may_be_last
            )
        elif isinstance(module, _BatchNorm):
            module.register_forward_hook(_with_whole_gradient)
    if may_be_last:
        network.register_forward_hook(lambda _network, _inputs, output: _laid_out_as_usual(output))
        if features := getattr(network, "features", None):
            vars(network)["features"] = functools.partial(_features_as_usual, features)


def is_as_written(layer: nn.Module) -> bool:
    """Whether a layer does what its class says, in whatever way; nobody else has given it another `forward`."""
    forward = vars(layer).get("forward")
    return forward is None or getattr(forward, "func", None) in {_convolve, _convolve_transposed}


def is_plain(layer: Layer) -> bool:
    """Whether a layer has neither groups nor a padding other than so many zeros."""
    return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _convolve(layer: nn.Conv2d, rows: int, may_be_last: bool, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
    if not torch.is_grad_enabled() or not takes(layer, input):
        return nn.Conv2d.forward(layer, input)
    height, width = (
        (input.shape[2 + side] + 2 * _padding(layer)[side] - _extent(layer, side)) // layer.stride[side] + 1
        for side in range(2)
    )
    if 0 < len(input) * height * width <= rows and height > 0 and is_large(layer):
        patches = functional.unfold(input, layer.kernel_size, layer.dilation, _padding(layer), layer.stride)
        found = functional.linear(patches.transpose(1, 2), layer.weight.flatten(1), layer.bias)
        return found.transpose(1, 2).reshape(len(input), layer.out_channels, height, width).contiguous()
    return nn.Conv2d.forward(layer, _laid_out(input, may_be_last))


def _convolve_transposed(
    layer: nn.ConvTranspose2d,
    rows: int,
    may_be_last: bool,
    input: Tensor,  # noqa: A002  # torch's name
    output_size: Any = None,
) -> Tensor:
    if not torch.is_grad_enabled() or not takes(layer, input) or output_size is not None:
        return nn.ConvTranspose2d.forward(layer, input, output_size)
    count, channels, height, width = input.shape
    if 0 < count * height * width <= rows and not any(layer.output_padding) and is_large(layer):
        pixels = input.permute(0, 2, 3, 1).reshape(-1, channels)
        patches = (pixels @ layer.weight.flatten(1)).view(count, height * width, -1).transpose(1, 2)
        whole = tuple(
            (input.shape[2 + side] - 1) * layer.stride[side] - 2 * _padding(layer)[side] + _extent(layer, side)
            for side in range(2)
        )
        found = functional.fold(patches, whole, layer.kernel_size, layer.dilation, _padding(layer), layer.stride)
        return found if layer.bias is None else found + layer.bias.view(1, -1, 1, 1).to(found.dtype)
    return nn.ConvTranspose2d.forward(layer, _laid_out(input, may_be_last))


def _extent(layer: Layer, side: int) -> int:
    """Return how many pixels a kernel spans."""
    return layer.dilation[side] * (layer.kernel_size[side] - 1) + 1


def _padding(layer: Layer) -> tuple[int, ...]:
    return cast("tuple[int, ...]", layer.padding)  # a word only where the layer is not plain


def takes(layer: Layer, images: Tensor) -> bool:
    """Whether images are a batch with the layer's channels; of anything else torch knows what to say."""
    return images.ndim == 4 and images.shape[1] == layer.in_channels


def is_large(layer: Layer) -> bool:
    """Whether a layer has so many weights that a convolution library takes long to rearrange them."""
    return layer.weight.numel() >= _MANY_WEIGHTS and math.prod(layer.kernel_size) > 1


def _laid_out(images: Tensor, may_be_last: bool) -> Tensor:
    if may_be_last and images.shape[2] * images.shape[3] >= _FEW_PIXELS:
        return images.contiguous(memory_format=torch.channels_last)
    return images.contiguous()


def _with_whole_gradient(_layer: nn.Module, _inputs: Any, output: Tensor) -> None:
    """Have the gradient of batch normalisation's output put into one piece: of a part of a tensor, torch is slow.

    Such parts come from a skip connection, which puts the channels of two layers side by side.
    """
    if isinstance(output, Tensor) and output.requires_grad:
        output.register_hook(_in_layout_of(output))  # type: ignore[no-untyped-call]


def _in_layout_of(output: Tensor) -> Callable[[Tensor], Tensor]:
    is_last = output.is_contiguous(memory_format=torch.channels_last) and not output.is_contiguous()
    layout = torch.channels_last if is_last else torch.contiguous_format
    return lambda gradient: gradient.contiguous(memory_format=layout)


def _features_as_usual(features: Callable[..., Any], *inputs: Any, **more: Any) -> Any:
    return _laid_out_as_usual(features(*inputs, **more))


def _laid_out_as_usual(output: Any) -> Any:
    """Return what a network gives with its tensors laid out as if nothing had been changed."""
    if not torch.is_grad_enabled():
        return output
    if isinstance(output, Tensor):
        return output.contiguous()
    if isinstance(output, dict):
        return {name: _laid_out_as_usual(part) for name, part in output.items()}
    return type(output)(map(_laid_out_as_usual, output)) if type(output) in {list, tuple} else output
