"""Heights, widths and places in a source, and what they are in a target that is some times as large."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from itrans.scales import is_scaled

if TYPE_CHECKING:
    from fractions import Fraction

    from itrans.pictures.spec import ImageArray


def source_size(image: ImageArray, scale: Fraction) -> tuple[Fraction, Fraction]:
    """Return the height and width of the source that belongs to a side of a pair, of which this is the scale."""
    return image.shape[0] / scale, image.shape[1] / scale


def exactly_scaled(size: tuple[int, int], scale: Fraction) -> tuple[int, int]:
    """Return a height and a width as many times as large; raise `ValueError` if that is no number of pixels."""
    found = int(size[0] * scale), int(size[1] * scale)
    if not is_scaled(size, found, scale):
        raise ValueError(f"a source of {size[1]}x{size[0]} has no target of {scale} times its size")
    return found


def place_of_part(length: int, part: int, whole: int, chance: float | None) -> int:
    """Return where in a side of a source a part begins, at a multiple of `whole`.

    Args:
        length: of the side, in pixels.
        part: so many of them.
        whole: the denominator of the scale.
        chance: from 0 to below 1; None for the middle.
    """
    free = (length - part) // whole
    return whole * (free // 2 if chance is None else int((free + 1) * chance))


def part_of(image: ImageArray, corner: tuple[int, int], size: tuple[int, int], scale: Fraction) -> ImageArray:
    """Return a part of a side of a pair: its corner and size are the source's, and `scale` is the side's."""
    (top, left), (height, width) = exactly_scaled(corner, scale), exactly_scaled(size, scale)
    return cast("ImageArray", np.ascontiguousarray(image[top : top + height, left : left + width]))
