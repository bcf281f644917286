"""How many pairs to hold out where there are no folders for splits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from itrans.api import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itrans_init.sides import Layout

_FRACTIONS = (0.1, 0.2, 0.3, 0.05, 0.15, 0.25, 0.35, 0.4, 0.45, 0.5)
"""Those that are tried: the first that is good enough is taken, or the best."""

_TRAINED = 0.7
"""The least share of pairs to train with."""

_ENOUGH, FEWEST = 8, 2
"""Pairs in `val`, below which the best checkpoint is a matter of luck; and of few pairs, how many at least."""


@dataclass(frozen=True)
class Parts:
    """What a fraction gives.

    Attributes:
        fraction: the data set's `holdout`.
        train: how many pairs.
        val: likewise.
        test: likewise.
    """

    fraction: float
    train: int
    val: int
    test: int

    @property
    def text(self) -> str:
        """The counts, as people say them."""
        return f"{self.train:,} train, {self.val:,} val, {self.test:,} test"


def best_parts(layout: Layout, *, are_pairs: bool) -> Parts:
    """Return the fraction that suits the pictures' names best: these decide what is held out.

    Args:
        layout: of a folder without splits.
        are_pairs: whether a pair has a name, and not each picture.
    """
    if are_pairs:
        names: list[Iterable[str]] = [layout.sides[0].names("")]
    else:
        names = [[_within(file, side.template) for file in side.all_files] for side in layout.sides]
    sides = [sorted(side) for side in names]
    enough = min(_ENOUGH, max(FEWEST, min(map(len, sides)) // 10))
    tried = []
    for fraction in _FRACTIONS:
        parts, share = _parts(sides, fraction)
        can_be_used = parts.train > 0 and parts.val > 0
        worth = (can_be_used, share >= _TRAINED, min(parts.val, enough), min(parts.test, 1))
        if worth == (True, True, enough, 1):
            return parts
        tried.append((worth, parts))
    return max(tried, key=lambda one: (one[0], one[1].train))[1]


def _parts(sides: Sequence[Sequence[str]], fraction: float) -> tuple[Parts, float]:
    """Return what a fraction gives of the smaller side, and the share of pictures to train with."""
    counts = [Counter(part_of(name, fraction) for name in names) for names in sides]
    train, val, test = (min(count[split] for count in counts) for split in ("train", "val", "test"))
    share = min(count["train"] / count.total() for count in counts)
    return Parts(fraction, train, val, test), share


def _within(file: str, folder: str) -> str:
    return PurePosixPath(file).relative_to(folder).as_posix() if folder else file
