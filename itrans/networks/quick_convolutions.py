"""Convolutions at test time on a CPU, in bf16, where something else is quicker than what a convolution library does.

At the bottleneck of a U-Net, a handful of pixels meet a million weights. The library spends most of its time on
rearranging these; a product of matrices reads them as they lie. While training, `convolutions.py` does it in its own
way: here a picture's output must be the same bytes in any company. So every product has the same number of rows,
whatever the batch, and the rows that a batch does not fill are zeros.

A transposed convolution that doubles the size and makes few channels, as the last of a U-Net, fills little of what the
library works in. An ordinary convolution can make the four pixels of each place as channels (Shi et al.,
arXiv 1609.07009).

tests/benchmarks/translate.py measures it.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.networks.convolutions import Layer, is_as_written, is_large, is_plain, takes
from itrans.networks.test_mode import CastWeights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST_PIXELS = 16
"""Of a picture in a layer, the larger of input and output where it is reduced. With more, convolutions are faster."""

_FEW_CHANNELS, _MANY_CHANNELS = 4, 64
"""A transposed convolution makes few, of many."""

_TAPS = [[3, 1, 4], [4, 2, 0]]
"""Which rows of a kernel of 4, with padding 1, meet the input's rows above, at and below, for the upper and the lower
of the two rows that are made there; 4 is none. Columns likewise."""


class QuickConvolutions:
    """The layers of networks that have a quicker way, at least where their pictures are small enough.

    The networks are on the CPU, and they are computed in bf16: in fp32 there is little to gain. Best, their weights are
    in bf16 and lie with channels last.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        modules: list[Any] = [module for network in networks for module in network.modules()]
        found = {module: _way_of(module) for module in dict.fromkeys(modules) if _is_simple(module)}
        self._ways = [(layer, way) for layer, way in found.items() if way is not None]

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Have them go that way for as long as the block lasts."""
        before = [(layer, vars(layer).get("forward")) for layer, _ in self._ways]
        try:
            for layer, way in self._ways:
                layer.forward = functools.partial(way, layer)
            yield
        finally:
            for layer, forward in before:
                if forward is None:
                    del layer.forward
                else:
                    layer.forward = forward


class TestPrecision:
    """How networks are computed at test time: in a precision, with weights that are cast once, in the quickest way."""

    def __init__(self, networks: Iterable[nn.Module], device: torch.device) -> None:
        self._networks, self._device = list(networks), device
        self._cast: CastWeights | None = None
        self._quick = QuickConvolutions(self._networks)

    @contextlib.contextmanager
    def of(self, dtype: torch.dtype) -> Iterator[None]:
        """Compute in a precision for as long as the block lasts; a reduced one is always the same."""
        if dtype == torch.float32:
            yield
            return
        layout = torch.channels_last if self._device.type in {"cpu", "cuda"} else torch.preserve_format
        self._cast = self._cast or CastWeights(self._networks, dtype, layout)
        is_quick = dtype == torch.bfloat16 and self._device.type == "cpu"
        with (
            self._cast.in_place(),
            self._quick.in_place() if is_quick else contextlib.nullcontext(),
            torch.autocast(self._device.type, dtype, cache_enabled=False),
        ):
            yield


def _is_simple(module: Any) -> bool:
    if type(module) not in {nn.Conv2d, nn.ConvTranspose2d} or not is_as_written(module):
        return False
    return is_plain(module) and set(module.dilation) == {1} and not any(module.output_padding)


def _way_of(layer: Layer) -> Callable[..., Tensor] | None:
    if is_large(layer):
        return _convolve if isinstance(layer, nn.Conv2d) else _convolve_transposed
    doubles = (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
    is_narrow = layer.out_channels <= _FEW_CHANNELS and layer.in_channels >= _MANY_CHANNELS
    return _double if isinstance(layer, nn.ConvTranspose2d) and doubles and is_narrow else None


def _convolve(layer: nn.Conv2d, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
    (down, across), (stride_down, stride_across) = layer.kernel_size, layer.stride
    above, beside = cast("tuple[int, int]", layer.padding)
    height = (input.shape[-2] + 2 * above - down) // stride_down + 1
    width = (input.shape[-1] + 2 * beside - across) // stride_across + 1
    if not takes(layer, input) or not 0 < height * width <= _MOST_PIXELS or height < 0:
        return nn.Conv2d.forward(layer, input)
    padded = functional.pad(input, (beside, beside, above, above)).permute(0, 2, 3, 1)
    patches = padded.unfold(1, down, stride_down).unfold(2, across, stride_across).permute(0, 1, 2, 4, 5, 3)
    weights = layer.weight.permute(0, 2, 3, 1).flatten(1)
    found = _product(patches.flatten(3).flatten(0, 2), weights.T, height * width, layer.bias)
    return found.view(len(input), height, width, -1).permute(0, 3, 1, 2)


def _convolve_transposed(layer: nn.ConvTranspose2d, input: Tensor, output_size: Any = None) -> Tensor:  # noqa: A002  # torch's name
    height, width = input.shape[-2:]
    if not takes(layer, input) or output_size is not None or height * width > _MOST_PIXELS:
        return nn.ConvTranspose2d.forward(layer, input, output_size)
    (down, across), (stride_down, stride_across) = layer.kernel_size, layer.stride
    above, beside = cast("tuple[int, int]", layer.padding)
    weights = layer.weight.permute(0, 2, 3, 1).flatten(1)
    pixels = input.permute(0, 2, 3, 1).flatten(0, 2)
    patches = _product(pixels, weights, height * width).view(len(input), height, width, down, across, -1)
    whole = patches.new_zeros(
        (
            len(input),
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


def _double(layer: nn.ConvTranspose2d, input: Tensor, output_size: Any = None) -> Tensor:  # noqa: A002  # torch's name
    if not takes(layer, input) or output_size is not None:
        return nn.ConvTranspose2d.forward(layer, input, output_size)
    taps = torch.tensor(_TAPS, device=input.device)
    with_none = functional.pad(layer.weight, (0, 1, 0, 1))
    kernels = with_none[:, :, taps][..., taps].permute(1, 2, 4, 0, 3, 5).flatten(0, 2)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    places = functional.conv2d(input, kernels.contiguous(memory_format=torch.channels_last), bias, padding=1)
    return functional.pixel_shuffle(places, 2)


def _product(rows: Tensor, weights: Tensor, pixels: int, bias: Tensor | None = None) -> Tensor:
    """Return the product of rows, which are those of pictures with so many pixels each, and weights."""
    count = 64 if pixels > 8 else 32  # as measured: of 64 rows, a picture of few pixels would leave most empty
    missing = -len(rows) % count
    blocks = torch.split(functional.pad(rows, (0, 0, 0, missing)), count)
    found = [block @ weights if bias is None else torch.addmm(bias, block, weights) for block in blocks]
    return torch.cat(found)[: len(rows)]
