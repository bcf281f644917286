"""What an evaluation has found, and how it is gathered picture by picture in memory that does not grow."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from itrans.commands import Row

_ROWS = 6


class ClassScore(NamedTuple):
    """How well one class is recognised; a score is None if no pixel decides it.

    Attributes:
        name: what the class is called, or its index.
        pixels: how many pixels are of it.
        accuracy: the fraction of them that was recognised.
        iou: the fraction recognised, among pixels that are of the class or were taken for it.
    """

    name: str
    pixels: int
    accuracy: float | None
    iou: float | None


def class_scores(matrix: Tensor, names: Sequence[str]) -> list[ClassScore]:
    """Return the scores of each class.

    Args:
        matrix: a confusion matrix `(K, K)`, rows the truth.
        names: what the K classes are called; none, for their indices.
    """
    right, truth, predicted = matrix.diag().tolist(), matrix.sum(1).tolist(), matrix.sum(0).tolist()
    return [
        ClassScore(
            names[index] if names else str(index),
            truth[index],
            hits / truth[index] if truth[index] else None,
            hits / either if (either := truth[index] + predicted[index] - hits) else None,
        )
        for index, hits in enumerate(right)
    ]


@dataclass(frozen=True)
class Score:
    """A metric's value.

    Attributes:
        value: over all pictures: the mean, or for a metric of whole sets the one value that there is; None if none
            could be measured.
        pictures: how many were measured.
        deviation: the standard deviation of the pictures' own values; None where they have none.
    """

    value: float | None
    pictures: int
    deviation: float | None = None

    def as_json(self) -> dict[str, float | int | None]:
        """Return it as plain data; JSON has no word for what is no finite number."""
        plain = vars(self).items()
        return {key: value if value is None or math.isfinite(value) else None for key, value in plain}


@dataclass(frozen=True)
class Evaluation:
    """What has been measured, and of what.

    Attributes:
        checkpoint: the file.
        title: of its recipe.
        sample: what stood in for the recipe's data in training, to be shown with the scores; None if nothing did.
        attribution: what the data set wants to be said with pictures of it; may be empty.
        split: which part of the data set was asked for.
        measured_split: which one was measured, where another one stands in for it.
        chosen: whether the checkpoint was chosen, among those of its run, by its score on that split.
        pictures: how many pairs.
        direction: which way, of a method that translates both ways; None for all others.
        mode: `paper` or `running`.
        seed: of dropout and noise.
        options: of the method, those that were given.
        step: how many steps the checkpoint was trained for.
        scores: by the metric's name.
        classes: the scores of each class, where targets are label maps.
        confusion: how many pixels of each class (row) were taken for each class (column); empty of very many classes.
        segmented: the scores of the segmented outputs and of the segmented `real photos`; empty without a segmenter.
        notes: what a reader of the scores should know.
        ranked_by: the metric that orders `best` and `worst`; None if pictures have no value of their own.
        best: the pairs with the best values, the best first.
        worst: the pairs with the worst values, the worst first; none of them is among the best.
        first: the first pairs, as many as were to be kept.
    """

    checkpoint: str
    title: str
    sample: str | None
    attribution: str
    split: str
    pictures: int
    mode: str
    seed: int
    step: int
    scores: Mapping[str, Score]
    direction: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    measured_split: str | None = None
    chosen: bool = False
    classes: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    segmented: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ranked_by: str | None = None
    best: tuple[Row, ...] = ()
    worst: tuple[Row, ...] = ()
    first: tuple[Row, ...] = ()

    @property
    def credit(self) -> str:
        """What is to be said with every result; empty where nothing is."""
        return credit([] if self.sample is None else [("This checkpoint", self.sample)], [self.attribution])

    def as_json(self) -> dict[str, Any]:
        """Return all but the pictures as plain data."""
        plain = {key: value for key, value in vars(self).items() if key not in {"best", "worst", "first"}}
        plain["scores"] = {name: score.as_json() for name, score in self.scores.items()}
        plain["segmented"] = {name: dict(scores) for name, scores in self.segmented.items()}
        plain["classes"] = [one._asdict() for one in self.classes]
        plain["confusion"] = [list(row) for row in self.confusion]
        plain["notes"], plain["options"] = list(self.notes), dict(self.options)
        return plain


def credit(sampled: Iterable[tuple[str, str]], attributions: Iterable[str]) -> str:
    """Return what is to be said with pictures; empty where nothing is.

    Args:
        sampled: which checkpoint was trained on sample data, and what there is to say of these.
        attributions: what data sets want to be said; each is said once.
    """
    said = " ".join(f"{which} was trained on sample data. {sample}".strip() for which, sample in sampled)
    for attribution in attributions:
        if attribution not in said:
            said = f"{said} {attribution}".strip()
    return said


class RunningScore:
    """The mean and the deviation of values that come one by one (Welford, 1962)."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.count += 1
        difference = value - self.mean
        self.mean += difference / self.count
        self._squares += difference * (value - self.mean)

    def score(self) -> Score:
        """Return what has been gathered."""
        return Score(self.mean, self.count, math.sqrt(self._squares / self.count)) if self.count else Score(None, 0)


class Extremes:
    """The few best and the few worst pairs; no pair is among both, however few there are.

    Args:
        lower_is_better: which way is up.
    """

    def __init__(self, *, lower_is_better: bool) -> None:
        self._sign = -1.0 if lower_is_better else 1.0
        self._count = 0
        # of equal values the earlier one is the better, so that rows are never compared
        self._best: list[tuple[float, int, Row]] = []
        self._worst: list[tuple[float, int, Row]] = []

    def add(self, value: float, position: int, row: Row) -> None:
        """Keep a pair if it is among them."""
        self._count += 1
        goodness = self._sign * value
        for heap, order in ((self._best, (goodness, -position)), (self._worst, (-goodness, position))):
            heapq.heappush(heap, (*order, row))
            if len(heap) > _ROWS:
                heapq.heappop(heap)

    def best(self) -> tuple[Row, ...]:
        """Return the best, the best of all first; of few pairs, the better half."""
        return _rows(self._best)[: (self._count + 1) // 2]

    def worst(self) -> tuple[Row, ...]:
        """Return the worst, the worst of all first; of few pairs, the worse half."""
        return _rows(self._worst)[: self._count // 2]


def _rows(heap: list[tuple[float, int, Row]]) -> tuple[Row, ...]:
    return tuple(row for _, _, row in sorted(heap, key=lambda kept: kept[:2], reverse=True))
