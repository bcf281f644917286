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
    """
    multiple = getattr(generator, "size_multiple", 1)
    height, width = source.shape[-2:]
    missing_rows, missing_columns = -height % multiple, -width % multiple
    if not (missing_rows or missing_columns):
        return generator(source)
    top, left = missing_rows // 2, missing_columns // 2
    rows = _reflected_positions(height, top, missing_rows - top, source.device)
    columns = _reflected_positions(width, left, missing_columns - left, source.device)
    output = generator(source.index_select(-2, rows).index_select(-1, columns))
    return output[..., top : top + height, left : left + width]


def _reflected_positions(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """Return the positions that reflection about the edge pixels gives, as often as the padding takes."""
    if size == 1:
        return torch.zeros(1 + before + after, dtype=torch.long, device=device)
    positions = torch.arange(-before, size + after, device=device).remainder(2 * (size - 1))
    return torch.minimum(positions, 2 * (size - 1) - positions)
