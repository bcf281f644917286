"""Any height and width for a generator that wants multiples of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from itrans.protocols import Generator


def apply_generator(generator: Generator, source: Tensor) -> Tensor:
    """Translate pictures of any size: reflect them to the generator's `size_multiple`, and crop the output back.

    Args:
        generator: may have `size_multiple` (default 1).
        source: `(N, C, H, W)` in [-1, 1].

    Returns:
        `(N, C', H, W)`.

    Raises:
        TypeError: the generator returns no tensor.
    """
    multiple = getattr(generator, "size_multiple", 1)
    height, width = source.shape[-2:]
    missing_rows, missing_columns = -height % multiple, -width % multiple
    if not (missing_rows or missing_columns):
        return _tensor(generator(source), generator)
    top, left = missing_rows // 2, missing_columns // 2
    # Made on the device: a GPU would wait for a copy.
    rows, columns = (reflected_positions(side, multiple, source.device) for side in (height, width))
    output = _tensor(generator(source.index_select(-2, rows).index_select(-1, columns)), generator)
    return output[..., top : top + height, left : left + width]


def _tensor(output: object, generator: Generator) -> Tensor:
    """Return an output if it is one; whoever is at work says where."""
    if isinstance(output, torch.Tensor):
        return output
    raise TypeError(
        f"the generator {type(generator).__name__} should return a tensor (N, C, H, W), and returns "
        f"{type(output).__name__}"
    )


def reflected_positions(size: int, multiple: int, device: torch.device | None = None) -> Tensor:
    """Return the positions of which a side of a picture consists once it has been padded to a multiple.

    Half of what is missing comes before it, half after it, reflected about the edge pixels as often as that takes. The
    device is the one that they are made on.
    """
    missing = -size % multiple
    before = missing // 2
    if size == 1:
        return torch.zeros(1 + missing, dtype=torch.long, device=device)
    positions = torch.arange(-before, size + missing - before, device=device).remainder(2 * (size - 1))
    return torch.minimum(positions, 2 * (size - 1) - positions)
