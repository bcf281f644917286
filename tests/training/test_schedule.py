from __future__ import annotations

import pytest

from itrans.errors import DataError
from itrans.recipe.schema import Component, LossComponent, Schedule, Tables, Train
from itrans.training.schedule import plan


def plan_of(length, processes=1, schedule=None, **train):
    tables = Tables(
        dataset=Component(name="d"),
        generator=Component(name="g"),
        loss=(LossComponent(name="l"),),
        train=Train(**train),
        schedule=schedule or Schedule(),
    )
    return plan(tables, length, processes)


def test_the_papers_edges2shoes_takes_so_many_steps():
    # 50,000 pairs in batches of 4 for 15 epochs
    assert plan_of(50_000, batch_size=4, epochs=15).total == 187_500


def test_processes_share_a_step_and_what_does_not_fill_one_is_left_out():
    found = plan_of(11, processes=2, batch_size=2, epochs=3)
    assert (found.steps_per_epoch, found.total) == (2, 6)


def test_facades_of_the_pytorch_code_fall_over_the_last_hundred_of_two_hundred_epochs():
    found = plan_of(400, epochs=200, schedule=Schedule(name="linear", decay_epochs=100))
    assert found.learning_rate_factor(0) == found.learning_rate_factor(40_000) == 1
    assert found.learning_rate_factor(60_000) == pytest.approx(0.5)
    assert found.learning_rate_factor(80_000) == 0


def test_without_a_length_it_falls_over_the_second_half():
    found = plan_of(100, steps=41, schedule=Schedule(name="linear"))
    assert [found.learning_rate_factor(step) for step in (0, 20, 41)] == [1, 1, 0]
    assert found.learning_rate_factor(27) == pytest.approx(14 / 21)
    late = plan_of(100, steps=10, schedule=Schedule(name="linear", warmup_steps=8))
    assert [late.learning_rate_factor(step) for step in (0, 7, 8, 9)] == pytest.approx([1 / 8, 1, 1, 0.5])


def test_a_cosine_falls_over_all_of_the_run_or_the_last_part_of_it():
    whole = plan_of(100, steps=40, schedule=Schedule(name="cosine"))
    assert [whole.learning_rate_factor(step) for step in (0, 10, 20, 40)] == pytest.approx(
        [1, (2 + 2**0.5) / 4, 0.5, 0]
    )
    part = plan_of(100, steps=40, schedule=Schedule(name="cosine", decay_steps=20))
    assert [part.learning_rate_factor(step) for step in (0, 20, 30, 40)] == pytest.approx([1, 1, 0.5, 0])


@pytest.mark.parametrize(
    ("schedule", "after"),
    [
        ({"name": "constant"}, [1, 1]),
        ({"name": "linear", "decay_steps": 30}, [1, 0.5]),
        ({"name": "cosine"}, [1, 0.5]),
    ],
)
def test_any_schedule_rises_from_nothing_in_equal_parts(schedule, after):
    found = plan_of(100, steps=44, schedule=Schedule(warmup_steps=4, **schedule))
    assert [found.learning_rate_factor(step) for step in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1])
    middle = 29 if schedule["name"] == "linear" else 24
    assert [found.learning_rate_factor(step) for step in (4, middle)] == pytest.approx(after)


def test_a_step_of_several_batches_takes_their_pairs_together():
    found = plan_of(50, processes=2, batch_size=3, accumulate=4, epochs=3)
    assert (found.steps_per_epoch, found.total) == (2, 6)
    with pytest.raises(DataError, match=r"a step takes 60 .*train.accumulate = 20"):
        plan_of(50, batch_size=3, accumulate=20, epochs=3)


def test_a_learning_rate_that_rises_longer_than_the_run_is_an_error():
    with pytest.raises(DataError, match="schedule.warmup_steps"):
        plan_of(8, epochs=2, schedule=Schedule(warmup_steps=17))


def test_too_few_pairs_are_an_error():
    with pytest.raises(DataError, match="3 training pairs"):
        plan_of(3, batch_size=4, epochs=1)
