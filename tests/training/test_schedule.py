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


def test_too_few_pairs_are_an_error():
    with pytest.raises(DataError, match="3 training pairs"):
        plan_of(3, batch_size=4, epochs=1)
