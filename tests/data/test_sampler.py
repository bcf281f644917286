"""The order of the pairs is a function of the seed and the position, however many processes share it."""

from __future__ import annotations

import itertools

import pytest

from itrans.data.sampler import Draw, EvaluationSampler, TrainingSampler, derived_seed


def steps(count, *args, **kwargs):
    return list(itertools.islice(TrainingSampler(*args, **kwargs), count))


def positions(batches):
    return [draw.position for batch in batches for draw in batch]


def test_same_seed_same_order():
    assert steps(25, 10, 2, 3) == steps(25, 10, 2, 3)


def test_iterating_twice_begins_anew():
    sampler = TrainingSampler(10, 2, 3)
    assert list(itertools.islice(sampler, 12)) == list(itertools.islice(sampler, 12))


def test_other_seeds_have_other_orders():
    orders = {tuple(positions(steps(50, 50, 1, seed))) for seed in range(20)}
    assert len(orders) == 20


def test_each_epoch_has_every_pair_once_and_an_order_of_its_own():
    batches = steps(3 * 6, 12, 2, 0)
    epochs = [batches[first : first + 6] for first in (0, 6, 12)]
    for number, epoch in enumerate(epochs):
        assert sorted(positions(epoch)) == list(range(12))
        assert {draw.epoch for batch in epoch for draw in batch} == {number}
    assert len({tuple(positions(epoch)) for epoch in epochs}) == 3


def test_the_order_is_not_the_files():
    assert positions(steps(100, 100, 1, 0)) != list(range(100))


@pytest.mark.parametrize(("world", "batch"), [(2, 2), (2, 3), (3, 1), (4, 2)])
def test_processes_see_together_what_one_sees(world, batch):
    alone = steps(20, 31, world * batch, 5)
    ranks = [steps(20, 31, batch, 5, rank=rank, world_size=world) for rank in range(world)]
    together = [list(itertools.chain(*parts)) for parts in zip(*ranks, strict=True)]
    assert together == alone


@pytest.mark.parametrize("world", [1, 2])
def test_every_process_takes_equally_many_steps_of_whole_batches(world):
    for rank in range(world):
        sampler = TrainingSampler(23, 3, 0, rank=rank, world_size=world)
        assert sampler.steps_per_epoch == 23 // (3 * world)
        assert {len(batch) for batch in itertools.islice(sampler, 20)} == {3}


@pytest.mark.parametrize("done", [(0, 1), (0, 4), (1, 0), (1, 3), (2, 2)])
def test_resuming_gives_the_tail(done):
    epoch, batch = done
    whole, skipped = steps(30, 10, 2, 7), epoch * 5 + batch
    assert steps(30 - skipped, 10, 2, 7, epoch=epoch, batch=batch) == whole[skipped:]


def test_resuming_at_the_end_of_an_epoch_begins_the_next():
    assert steps(5, 10, 2, 7, epoch=0, batch=5) == steps(5, 10, 2, 7, epoch=1)


def test_the_last_incomplete_step_is_left_out():
    batches = steps(6, 11, 4, 0)
    assert TrainingSampler(11, 4, 0).steps_per_epoch == 2
    assert [batch[0].epoch for batch in batches] == [0, 0, 1, 1, 2, 2]
    assert all(len(set(positions(batches[first : first + 2]))) == 8 for first in (0, 2, 4))


def test_what_is_left_out_changes_from_epoch_to_epoch():
    batches = steps(40, 5, 4, 0)
    assert set(positions(batches)) == set(range(5))


@pytest.mark.parametrize(("length", "world"), [(0, 1), (3, 1), (7, 2)])
def test_too_few_pairs_for_a_step_give_none(length, world):
    sampler = TrainingSampler(length, 4, 0, world_size=world)
    assert sampler.steps_per_epoch == 0
    assert list(sampler) == []


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 3, 50])
def test_evaluation_covers_all_pairs_once(world, batch):
    ranks = [positions(EvaluationSampler(10, batch, rank=rank, world_size=world)) for rank in range(world)]
    assert sorted(itertools.chain(*ranks)) == list(range(10))
    assert all(part == sorted(part) for part in ranks)


def test_evaluation_keeps_the_last_small_batch():
    assert list(EvaluationSampler(5, 2)) == [
        [Draw(0, 0), Draw(0, 1)],
        [Draw(0, 2), Draw(0, 3)],
        [Draw(0, 4)],
    ]


def test_process_without_pairs_evaluates_none():
    assert list(EvaluationSampler(1, 2, rank=1, world_size=2)) == []


def test_derived_seeds_depend_on_every_part():
    seeds = {derived_seed(*parts) for parts in itertools.product(range(10), repeat=3)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert derived_seed(1, 2, 3) == derived_seed(1, 2, 3)
    assert derived_seed(1, 2) != derived_seed(2, 1)
