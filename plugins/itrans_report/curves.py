"""The numbers of a run as curves: of few points, however long it is, and with every peak."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from itrans_report.record import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_MOST_POINTS = 600
_SMOOTHED = 40
"""Fewer points than these are shown as they are; of more, a fortieth of them make a point of the smooth line."""


def curves_of(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the curves of a run's log, as the page draws them.

    Each has a `name`, a `group` (`loss`, `metric` or `pace`), `x` (steps), `y` and, if it has many points, `smooth`:
    a running mean at the same steps.
    """
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for event in events:
        for group, name, value in _values(event):
            found.setdefault((group, name), []).append((event["step"], value))
    return [{"group": group, "name": name, **_curve(points)} for (group, name), points in found.items()]


def _values(event: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    if event["event"] == "step":
        losses = event.get("means") or event.get("losses")
        yield from (("loss", name, value) for name, value in _numbers(losses))
        for name in ("lr", "images_per_second"):
            if (value := number(event, name)) is not None:
                yield "pace", name, value
    elif event["event"] == "validation":
        yield from (("metric", name, value) for name, value in _numbers(event["metrics"]))


def _numbers(values: object) -> list[tuple[str, float]]:
    table = values if isinstance(values, dict) else {}
    return [(name, value) for name in table if (value := number(table, name)) is not None and np.isfinite(value)]


def _curve(points: Sequence[tuple[int, float]]) -> dict[str, list[float]]:
    steps, values = np.array([step for step, _ in points]), np.array([value for _, value in points], float)
    kept = peaks(values, _MOST_POINTS)
    curve = {"x": steps[kept].tolist(), "y": _rounded(values[kept])}
    if len(values) >= _SMOOTHED:
        curve["smooth"] = _rounded(_running_mean(values, len(values) // _SMOOTHED)[kept])
    return curve


def peaks(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return the places of at most so many values that look like all of them: of each stretch, the two extremes."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, most // 2).astype(int)  # a stretch less than there is room for: the ends stay too
    stretches = [(start, values[start:end]) for start, end in itertools.pairwise(edges)]
    extremes = [start + place for start, part in stretches for place in (part.argmin(), part.argmax())]
    return np.unique([0, count - 1, *extremes])


def _running_mean(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the mean of each value and so many on either side; at the ends of those that there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    first, last = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
