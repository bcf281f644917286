"""Where holes are and what is in them; that pairs are made of them is in test_made_pairs.py."""

from __future__ import annotations

import numpy as np
import pytest

from itrans.api import DATASETS, write_image
from itrans.data.augment import PairTransform
from itrans.data.pairs import PairItems
from itrans.data.sampler import Draw
from itrans.recipe.schema import Augment
from itrans.recipe.signature import Signature

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}


@pytest.fixture
def build(tmp_path):
    """Make the data set of one white picture."""

    def made(shape=(20, 30, 3), dtype="uint8", **arguments):
        write_image(tmp_path / "train" / "a.npy", np.full(shape, WHITE[dtype], dtype))
        return DATASETS.build({"name": "inpainting", "root": str(tmp_path), **arguments}, split="train")

    return made


def hole_of(pair) -> tuple[slice, slice]:
    """Return the rows and columns that differ; they must be a whole rectangle."""
    differs = (pair.source[:, :, : pair.target.shape[2]] != pair.target).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    assert differs.sum() == len(rows) * len(columns) > 0
    assert differs[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@pytest.mark.parametrize("dtype", list(WHITE))
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_holes_are_half_of_white_in_every_depth_and_channel(build, dtype, channels):
    dataset = build((20, 30, channels), dtype, mask_channel=True)
    pair = dataset[0]
    inside = pair.source[hole_of(pair)]

    assert np.abs(inside[..., :channels].astype(float) - WHITE[dtype] / 2).max() <= 0.5
    assert (inside[..., channels] == WHITE[dtype]).all()
    assert (dataset.source.channels, dataset.source.dtype) == (channels + 1, dtype)
    assert pair.source.dtype == dtype
    assert (pair.target == WHITE[dtype]).all()


@pytest.mark.parametrize("hole", [0.01, 0.1, 0.5, 0.99])
def test_a_hole_is_a_part_of_height_and_width_and_at_least_a_pixel(build, hole):
    rows, columns = hole_of(build(hole=hole)[0])

    assert rows.stop - rows.start == max(1, round(20 * hole))
    assert columns.stop - columns.start == max(1, round(30 * hole))


def test_random_holes_reach_every_border(build):
    dataset = build(mask="random", hole=0.5)
    places = [hole_of(dataset.draw(0, seed)) for seed in range(300)]

    assert {rows.start for rows, _ in places} == set(range(11))
    assert {columns.start for _, columns in places} == set(range(16))
    assert all((rows.stop - rows.start, columns.stop - columns.start) == (10, 15) for rows, columns in places)


def test_training_draws_a_new_hole_in_every_epoch_and_validation_does_not(build):
    dataset = build(mask="random", hole=0.3)

    def places(training):
        transform = PairTransform(Augment(), dataset.source, dataset.target, training=training)
        items = PairItems(dataset, transform, seed=1, training=training)
        return [items[Draw(epoch, 0)].source.tobytes() for epoch in range(10)]

    assert len(set(places(training=True))) > 5
    assert places(training=True) == places(training=True)
    assert len(set(places(training=False))) == 1


def test_a_hole_in_the_centre_is_the_same_however_it_is_drawn(build):
    dataset = build()

    np.testing.assert_array_equal(dataset.draw(0, 7).source, dataset[0].source)


@pytest.mark.parametrize(("key", "value"), [("hole", 0), ("hole", 1.0), ("mask", "circle"), ("mask_channel", 1)])
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("inpainting"), ["split"])

    assert signature.faults({"root": "a", "mask": "random", "hole": 0.25, "mask_channel": True}, "") == []
    assert signature.faults({key: value}, "")
