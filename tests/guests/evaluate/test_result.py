from __future__ import annotations

import numpy as np
import pytest

from itrans.pictures.grid import Row
from itrans_evaluate.result import Extremes, RunningScore, Score, credit


def row(value):
    side = np.full((1, 1, 1), value, np.uint8)
    return Row(side, side, side)


def shown(rows):
    return [int(one.source[0, 0, 0]) for one in rows]


def test_mean_and_deviation_are_those_of_all_values_whatever_their_offset():
    values = 1e6 + np.random.default_rng(0).random(1000)
    running = RunningScore()
    for value in values:
        running.add(float(value))
    score = running.score()
    assert score.value == pytest.approx(values.mean(), rel=1e-12)
    assert score.deviation == pytest.approx(values.std(), rel=1e-6)
    assert score.pictures == 1000


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_six_of_each_end_are_kept_and_the_most_extreme_is_first(lower_is_better):
    extremes = Extremes(lower_is_better=lower_is_better)
    for position, value in enumerate(np.random.default_rng(0).permutation(100)):
        extremes.add(float(value), position, row(value))
    ends = [0, 1, 2, 3, 4, 5], [99, 98, 97, 96, 95, 94]
    assert (shown(extremes.best()), shown(extremes.worst())) == (ends if lower_is_better else ends[::-1])


@pytest.mark.parametrize("count", range(16))
def test_no_pair_is_among_both_however_few_there_are(count):
    extremes = Extremes(lower_is_better=True)
    for position, value in enumerate(np.random.default_rng(0).permutation(count)):
        extremes.add(float(value), position, row(value))
    best, worst = shown(extremes.best()), shown(extremes.worst())
    assert best == list(range(min(6, (count + 1) // 2)))
    assert worst == list(range(count - min(6, count // 2), count))[::-1]


def test_of_equal_values_the_first_are_the_best():
    extremes = Extremes(lower_is_better=True)
    for position in range(10):
        extremes.add(0.5, position, row(position))
    assert (shown(extremes.best()), shown(extremes.worst())) == ([0, 1, 2, 3, 4], [9, 8, 7, 6, 5])


def test_what_nothing_was_measured_by_has_no_value():
    assert RunningScore().score() == Score(None, 0)


def test_what_is_to_be_said_is_said_once():
    assert credit([], [""]) == ""
    assert credit([("This checkpoint", "")], ["By a painter."]) == (
        "This checkpoint was trained on sample data. By a painter."
    )
    assert credit([("This checkpoint", "SAMPLE. By a painter.")], ["By a painter."] * 2) == (
        "This checkpoint was trained on sample data. SAMPLE. By a painter."
    )
