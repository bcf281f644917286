"""The pairs of a split in batches, and what of them is translated and compared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

from itrans.data.sampler import EvaluationSampler
from itrans.errors import ItransError
from itrans.pictures.channels import with_ab
from itrans.protocols import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from itrans.data.pairs import PairItems, Skipped
    from itrans.data.sampler import Draw
    from itrans.protocols import ImageArray


def read_batches(items: PairItems, total: int, size: int, *, swapped: bool = False) -> Iterator[list[Pair]]:
    """Yield batches of pairs; the next one is read while one is looked at.

    Args:
        items: all pairs.
        total: how many to read, from the first on.
        size: how many at once.
        swapped: whether the data set's targets are the sources, and its sources the targets.

    Raises:
        ItransError: a pair cannot be read.
    """

    def pairs(draws: list[Draw]) -> list[Pair | Skipped | ItransError]:
        return [items[draw] for draw in draws]

    def good(pair: Pair | Skipped | ItransError) -> Pair:
        if isinstance(pair, ItransError):
            raise pair
        assert isinstance(pair, Pair), "here, no pair is left out"
        return Pair(pair.target, pair.source, pair.key) if swapped else pair

    with ThreadPoolExecutor(1) as reader:
        ahead = None
        for draws in [*EvaluationSampler(total, size), None]:
            reading = reader.submit(pairs, draws) if draws else None
            if ahead is not None:
                yield [good(pair) for pair in ahead.result()]
            ahead = reading


def on_lightness(pair: Pair) -> ImageArray:
    """Return the RGB picture `(H, W, 3)` of a lightness and the a and b that belong to it."""
    return with_ab(cast("NDArray[np.uint8]", pair.source), cast("NDArray[np.uint8]", pair.target))
