"""Whether pictures fit together: the types of a side, and the sizes of pairs."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from itrans.api import DataError, counted
from itrans_init.sides import listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itrans_init.headers import Stored
    from itrans_init.pictures import Look
    from itrans_init.sides import Layout

SCALES = (2, 3, 4, 8)
"""By which a network makes pictures larger."""

_BITS = {"uint8": "8 bits", "uint16": "16 bits", "float32": "floats"}


def check_types(root: Path, look: Look) -> None:
    """Raise `DataError` if the pictures of a side have several types of values; the rarer ones are named."""
    types = Counter(stored.dtype for stored in look.stored.values())
    if len(types) < 2:
        return
    (usual, count), *_ = types.most_common()
    for other in types.keys() - {usual}:
        files = [file for file, stored in look.stored.items() if stored.dtype == other]
        have, them = ("has", "it") if len(files) == 1 else ("have", "them")
        raise DataError(
            f"{root}: {listed(files)} {have} {_BITS[other]}, the {'others' if count > 1 else 'other'} {_BITS[usual]}. "
            f"All pictures of a side have the same type: convert {them}, or move {them} away."
        )


def check_same_sizes(layout: Layout, looks: Sequence[Look]) -> None:
    """Raise `DataError` if the two pictures of a pair have different sizes; pairs are named."""
    _refuse_others(layout, looks, Fraction(1))


def scale_of(layout: Layout, looks: list[Look]) -> int:
    """Return how many times as large as sources targets are; where it is a guess which is which, the smaller is one.

    Raises:
        DataError: the two pictures of a pair have different sizes otherwise.
    """
    ratios = Counter(_ratio(*pair) for _, pair in _known_pairs(layout, looks))
    usual = ratios.most_common(1)[0][0] if ratios else Fraction(1)
    if usual and usual < 1 and layout.is_order_guessed:
        layout.sides.reverse()
        looks.reverse()
        usual = 1 / usual
    if not usual or usual < 1:
        usual = Fraction(1)
    _refuse_others(layout, looks, usual)
    return int(usual)


def _refuse_others(layout: Layout, looks: Sequence[Look], ratio: Fraction) -> None:
    """Raise `DataError` if the targets of some pairs are not so many times as large as their sources."""
    wrong = [
        f"{files[1]} is {target.size_text}, but {files[0]} {source.size_text}"
        for files, (source, target) in _known_pairs(layout, looks)
        if _ratio(source, target) != ratio
    ]
    if wrong:
        pairs = counted(len(wrong), "pair")
        what = f"the two pictures of {pairs} have different sizes"
        if ratio > 1:
            what = f"targets are {ratio} times as large as their sources, but not in {pairs}"
        raise DataError(f"{layout.root}: {what}: {listed(wrong, '; ')}. Scale one of the two, or move both away.")


def _known_pairs(layout: Layout, looks: Sequence[Look]) -> list[tuple[tuple[str, str], tuple[Stored, Stored]]]:
    """Return the files of each pair, and how they are stored, where that is known of both."""
    one, other = looks
    return [
        ((mine, yours), (one.stored[mine], other.stored[yours]))
        for mine, yours in layout.pairs()
        if mine in one.stored and yours in other.stored
    ]


@lru_cache
def _ratio(source: Stored, target: Stored) -> Fraction | None:
    """Return how many times as large as a source a target is; None if its shape is another, or the number is odd."""
    ratio = Fraction(target.width, source.width)
    if ratio != Fraction(target.height, source.height):
        return None
    return ratio if max(ratio, 1 / ratio) in {1, *SCALES} else None
