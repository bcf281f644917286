"""Any height and width for a generator that wants multiples of a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.scales import scale_of, scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.protocols import Generator


def apply_generator(generator: Generator, source: Tensor, *more: Any, **named: Any) -> Tensor:
    """Translate pictures of any size: reflect them to the generator's `size_multiple`, and crop the output back.

    Args:
        generator: may have `size_multiple` and `scale` (both 1 by default).
        source: `(N, C, H, W)` in [-1, 1].
        more: further arguments of the generator. Tensors among them that have the height and width of the source,
            `(..., H, W)` of four dimensions, are padded as it is.
        named: likewise, by their names.

    Returns:
        `(N, C', scale H, scale W)`, rounded up.

    Raises:
        TypeError: the generator returns no tensor.
    """
    translate: Callable[..., Tensor] = generator
    scale, multiple = scale_of(generator), multiple_of(generator)
    whole = scale.denominator
    height, width = source.shape[-2:]
    missing_rows, missing_columns = -height % multiple, -width % multiple
    if not (missing_rows or missing_columns):
        return _tensor(translate(source, *more, **named), generator)
    # Made on the device: a GPU would wait for a copy.
    rows, columns = (reflected_positions(side, multiple, source.device, whole) for side in (height, width))

    def padded(value: Any) -> Any:
        if isinstance(value, Tensor) and value.ndim == source.ndim and value.shape[-2:] == (height, width):
            return value.index_select(-2, rows).index_select(-1, columns)
        return value

    named = {name: padded(value) for name, value in named.items()}
    output = _tensor(translate(padded(source), *map(padded, more), **named), generator)
    top, left = (scaled(padding_before(side, multiple, whole), scale) for side in (height, width))
    return output[..., top : top + scaled(height, scale), left : left + scaled(width, scale)]


def _tensor(output: object, generator: Generator) -> Tensor:
    """Return an output if it is one; whoever is at work says where."""
    if isinstance(output, torch.Tensor):
        return output
    raise TypeError(
        f"the generator {type(generator).__name__} should return a tensor (N, C, H, W), but returns "
        f"{type(output).__name__}"
    )


def multiple_of(generator: object) -> int:
    """Return what the sides of a generator's pictures are made multiples of: those that it wants, and its scale."""
    return math.lcm(getattr(generator, "size_multiple", 1), scale_of(generator).denominator)


def padding_before(size: int, multiple: int, whole: int = 1) -> int:
    """Return how many pixels come before a side that is padded to a multiple: half of them, in steps of `whole`."""
    return -size % multiple // 2 // whole * whole


def reflected_positions(size: int, multiple: int, device: torch.device | None = None, whole: int = 1) -> Tensor:
    """Return the positions of which a side of a picture consists once it has been padded to a multiple.

    Half of what is missing comes before it, see `padding_before`, the rest after it, reflected about the edge pixels as
    often as that takes. The device is the one that they are made on.
    """
    missing = -size % multiple
    before = padding_before(size, multiple, whole)
    if size == 1:
        return torch.zeros(1 + missing, dtype=torch.long, device=device)
    positions = torch.arange(-before, size + missing - before, device=device).remainder(2 * (size - 1))
    return torch.minimum(positions, 2 * (size - 1) - positions)
