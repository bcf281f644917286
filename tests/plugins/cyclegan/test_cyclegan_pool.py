"""The history of outputs that the discriminators are shown."""

from __future__ import annotations

import io

import pytest
import torch

from itrans_cyclegan.pool import ImagePool


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


def numbered(*numbers, size=2):
    """Return a batch of pictures, each full of its number."""
    return torch.stack([torch.full((1, size, size), float(number)) for number in numbers])


def numbers(batch):
    return [int(picture.flatten()[0]) for picture in batch]


def filled(capacity):
    pool = ImagePool(capacity)
    pool.exchange(numbered(*range(capacity)))
    return pool


def test_without_a_capacity_every_batch_is_handed_on():
    pool = ImagePool(0)
    for number in range(20):
        batch = numbered(number, -number)
        assert pool.exchange(batch) is batch
    assert pool.state() == []


def test_until_it_is_full_it_hands_on_and_keeps():
    pool = ImagePool(5)
    assert numbers(pool.exchange(numbered(0, 1, 2))) == [0, 1, 2]
    assert numbers(pool.state()) == [0, 1, 2]
    assert numbers(pool.exchange(numbered(3, 4))) == [3, 4]
    assert numbers(pool.state()) == [0, 1, 2, 3, 4]


def test_once_full_it_swaps_half_of_the_time():
    pool, swaps, count = filled(10), 0, 1000
    for number in range(10, 10 + count):
        before = numbers(pool.state())
        [shown] = numbers(pool.exchange(numbered(number)))
        after = numbers(pool.state())
        if shown == number:
            assert after == before
            continue
        swaps += 1
        assert shown in before
        assert after == [number if kept == shown else kept for kept in before]
    assert abs(swaps - count / 2) < 4 * (count / 4) ** 0.5  # four standard deviations of a fair coin


def test_every_place_is_swapped_alike():
    pool, count = filled(4), 2000
    places = []
    for number in range(4, 4 + count):
        before = numbers(pool.state())
        [shown] = numbers(pool.exchange(numbered(number)))
        if shown != number:
            places.append(before.index(shown))
    expected = len(places) / 4
    assert all(abs(places.count(place) - expected) < 4 * (expected * 3 / 4) ** 0.5 for place in range(4))


def test_each_picture_of_a_batch_is_drawn_for_by_itself():
    pool = filled(50)
    shown = numbers(pool.exchange(numbered(*range(50, 100))))
    kept = [place for place, number in enumerate(shown) if number == 50 + place]
    assert 0 < len(kept) < 50
    assert all(number < 50 + place for place, number in enumerate(shown) if place not in kept)  # those are of the past


def test_it_gives_nothing_that_it_was_not_given_and_each_picture_twice_at_most():
    """A picture is shown when it is new, or when it leaves the pool; one that was kept at first is shown both times."""
    pool, given, shown = ImagePool(7), [], []
    for step in range(200):
        batch = [2 * step, 2 * step + 1]
        given += batch
        found = numbers(pool.exchange(numbered(*batch)))
        assert set(found) <= set(given)
        shown += found
    assert max(map(shown.count, given)) == 2
    assert {number for number in given if shown.count(number) == 2} <= set(given[:7])


def test_what_is_done_to_a_batch_later_does_not_reach_what_is_kept():
    pool, batch = ImagePool(1), numbered(1)
    pool.exchange(batch)
    batch.zero_()
    assert numbers(pool.state()) == [1]


def test_the_seed_of_torch_decides():
    def drawn():
        torch.manual_seed(5)
        pool = ImagePool(3)
        return [numbers(pool.exchange(numbered(number))) for number in range(30)]

    assert drawn() == drawn()


def test_a_pool_goes_on_from_its_state_as_if_it_had_not_been_saved():
    first, file = filled(4), io.BytesIO()
    first.exchange(numbered(*range(10, 20)))
    torch.save(first.state(), file)
    file.seek(0)
    second = ImagePool(4)
    second.restore(torch.load(file, weights_only=True), numbered(0))
    for number in range(20, 40):
        outputs = []
        for pool in (first, second):
            torch.manual_seed(number)
            outputs.append(numbers(pool.exchange(numbered(number))))
        assert outputs[0] == outputs[1]
    assert numbers(first.state()) == numbers(second.state())


def test_a_pool_that_was_not_full_goes_on_being_filled():
    pool = ImagePool(3)
    pool.restore(list(numbered(0, 1)), numbered(0))
    assert numbers(pool.exchange(numbered(2))) == [2]
    assert numbers(pool.state()) == [0, 1, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_type_of_outputs_is_kept(dtype):
    pool = filled(1)
    pool.restore([picture.to(dtype) for picture in pool.state()], numbered(0))
    batches = [pool.exchange(numbered(number).to(dtype)) for number in range(1, 20)]
    assert {batch.dtype for batch in batches} == {dtype}


def test_a_batch_whose_past_has_another_size_is_shown_as_it_is():
    pool, batch = filled(20), numbered(*range(20, 28), size=3)
    assert pool.exchange(batch) is batch
    assert {tuple(picture.shape) for picture in pool.state()} == {(1, 2, 2), (1, 3, 3)}


def test_a_single_picture_may_meet_a_past_of_another_size():
    pool = filled(20)
    shown = [pool.exchange(numbered(number, size=3)) for number in range(20, 40)]
    assert {tuple(batch.shape) for batch in shown} == {(1, 1, 2, 2), (1, 1, 3, 3)}
