"""A few pairs of a validation, kept to be looked at: the best, the worst, and those of the grid of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from itrans.errors import PluginError
from itrans.records import Batch, MeasuredPair, MeasuredPairs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.metrics.measuring import Measurement, Meter

_MOST = 3
"""Of the best, and of the worst."""

Sides: TypeAlias = "tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]"
"""Source, output and target as people look at them, `(H, W, 3)` each."""


class _Kept(NamedTuple):
    """A pair of a batch, alone, and its translation, still as planes where they were made."""

    value: float | None
    batch: Batch
    output: Tensor


class KeptPairs:
    """Keeps the three best and the three worst pairs by a metric, and some by their places.

    Pictures are drawn of those alone that are left at the end, so that it costs little.

    Args:
        meter: the metric.
        places: of the pairs that are going to be added, in that order.
        spread: the places of those to keep whatever is measured of them.
        draw: makes the pictures of a batch of one pair and its translation.
    """

    def __init__(
        self, meter: Meter, places: Iterable[int], spread: Collection[int], draw: Callable[[Batch, Tensor], Sides]
    ) -> None:
        self._meter, self._places, self._wanted, self._draw = meter, iter(places), frozenset(spread), draw
        self._best: list[tuple[float, _Kept]] = []
        self._worst: list[tuple[float, _Kept]] = []
        self._spread: list[_Kept] = []

    def add(self, found: Measurement) -> None:
        """Look at a batch that has been measured."""
        sign = 1 if self._meter.lower_is_better else -1
        for index, (key, value) in enumerate(zip(found.batch.keys, self._values(found), strict=True)):
            scores = [] if value is None else [(self._best, sign * value), (self._worst, -sign * value)]
            lists = [(kept, score) for kept, score in scores if len(kept) < _MOST or score < kept[-1][0]]
            is_wanted = next(self._places, None) in self._wanted
            if not lists and not is_wanted:
                continue
            here = slice(index, index + 1)
            # copies: a view would keep the whole batch
            alone = Batch(found.batch.source[here].clone(), found.batch.target[here].clone(), (key,))
            pair = _Kept(value, alone, found.outputs[here].clone())
            for kept, score in lists:
                kept.append((score, pair))
                kept.sort(key=lambda entry: entry[0])  # of equal ones, the first stays
                del kept[_MOST:]
            if is_wanted:
                self._spread.append(pair)

    def result(self, *, better: bool) -> MeasuredPairs:
        """Return what there is; `better`: whether the validation is the best so far."""
        drawn: dict[str, MeasuredPair] = {}

        def pictures(kept: Sequence[_Kept]) -> tuple[MeasuredPair, ...]:
            for pair in kept:
                (key,) = pair.batch.keys
                if key not in drawn:
                    drawn[key] = MeasuredPair(key, pair.value, *self._draw(pair.batch, pair.output))
            return tuple(drawn[pair.batch.keys[0]] for pair in kept)

        best, worst = ([pair for _, pair in kept] for kept in (self._best, self._worst))
        return MeasuredPairs(self._meter.name, better, pictures(best), pictures(worst), pictures(self._spread))

    def _values(self, found: Measurement) -> list[float | None]:
        """Return what the metric says of each picture; None where it says nothing, or is for all of them together."""
        measured = found.values[self._meter.name]
        nothing: list[float | None] = [None] * len(found.batch.keys)
        try:
            values = nothing if measured is None else self._meter.values(measured)
        except PluginError:
            values = nothing
        return [value if value is not None and math.isfinite(value) else None for value in values]
