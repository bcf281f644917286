"""What pairs have besides their two pictures, on the way to a batch."""

from __future__ import annotations

import pickle

import conditional
import numpy as np
import pytest
import torch

from itrans.api import DataError, Pair, PluginError
from itrans.commands import build_dataset, held_out_batches, load_recipe
from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems, checked_pair
from itrans.data.sampler import Draw
from itrans.recipe.schema import Augment


@pytest.fixture
def batches():
    """Return the held-out batches of the recipe of `conditional`, with some of its keys replaced."""
    conditional.register()

    def make(**tables):
        recipe = load_recipe({**conditional.RECIPE, **tables})
        dataset = build_dataset(recipe, "val")
        where = torch.device("cpu"), torch.contiguous_format
        return [*held_out_batches(recipe, dataset, len(dataset), *where)]

    yield make
    conditional.unregister()


def test_a_pair_is_three_things_and_has_more():
    source, target = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    pair = Pair(source, target, "a", {"age": 3})
    one, other, key = pair
    assert (one is source, other is target, key, len(pair)) == (True, True, "a", 3)
    assert Pair(source, target, "a").extras == {}
    for copy in (pair._replace(key="b"), pickle.loads(pickle.dumps(pair))):
        assert copy.extras == {"age": 3}
    assert pair._replace(extras={}).extras == {}


def test_a_batch_has_a_tensor_for_each_extra(batches):
    batch = batches()[0]
    assert {name: (tuple(value.shape), value.dtype) for name, value in batch.extras.items()} == {
        "colour": ((3,), torch.int64),
        "mask": ((3, 1, 16, 16), torch.float32),
        "age": ((3,), torch.float32),
        "year": ((3,), torch.int64),
        "style": ((3, 3, 16, 16), torch.float32),
    }
    assert batch.extras["colour"].tolist() == [0, 1, 2]
    assert batch.extras["year"].tolist() == [1900, 1901, 1902]
    assert batch.extras["age"].tolist() == [1.5] * 3


def test_a_picture_that_shows_the_same_place_shares_the_geometry(batches):
    batch = batches()[0]  # the mask is the source's first channel
    assert torch.equal(batch.extras["mask"], batch.source[:, :1])


@pytest.mark.parametrize("crop", [8, 12])
def test_geometry_is_drawn_for_sides_and_extras_together_and_for_others_alone(crop):
    dataset = conditional.Coloured(split="train")
    augment = Augment(crop=crop, mirror=True)
    transform = PairTransform(augment, dataset.source, dataset.target, extras=dataset.extras)
    plain = PairTransform(augment, dataset.source, dataset.target)
    for seed in range(20):
        pair = dataset[seed % 6]
        made = transform(pair, seed)
        bare = plain(Pair(*pair), seed)
        assert np.array_equal(made.source, bare.source)  # what a pair without extras would draw
        assert np.array_equal(made.target, bare.target)
        assert np.array_equal(made.extras["mask"], made.source[..., :1])
        assert made.extras["style"].shape == (crop, crop, 3)
        assert made.extras["year"] == pair.extras["year"]
        whole = pair.extras["style"]
        alike = [
            np.array_equal(made.extras["style"], side[top : top + crop, left : left + crop])
            for side in (whole, whole[:, ::-1])
            for top in range(30 - crop + 1)
            for left in range(16 - crop + 1)
        ]
        assert any(alike)  # a part of its own picture


def faulty(**extras):
    """Return a data set whose pairs have what is not right."""

    class Faulty(conditional.Coloured):
        def __getitem__(self, index):
            pair = super().__getitem__(index)
            found = {name: value for name, value in {**pair.extras, **extras}.items() if value is not None}
            return pair._replace(extras=found)

    return Faulty(split="train")


@pytest.mark.parametrize(
    ("extras", "told"),
    [
        ({"colour": 3}, '"colour" is 3, but should be from 0 to 2'),
        ({"colour": "red"}, "\"colour\" is 'red'"),
        ({"year": 1.5}, '"year" is 1.5, but should be a whole number'),
        ({"age": float("nan")}, '"age" is nan, but should be a finite number'),
        ({"age": 1e39}, '"age" is 1e+39, but should be a finite number'),
        ({"age": None}, "the pair has the extras colour, mask, year, style"),
        ({"mask": np.zeros((9, 9, 1), np.uint8)}, 'the source is 24x20 and the extra "mask" 9x9'),
        ({"mask": np.zeros((20, 24, 3), np.uint8)}, 'extra "mask" has 3 channels'),
        ({"mask": np.zeros((20, 24, 1), np.uint16)}, 'extra "mask" is uint16'),
        ({"style": 5}, 'extra "style" is not an array'),
        ({"other": 1}, "and this data set says that pairs have colour"),
    ],
)
def test_what_is_not_as_the_data_set_says_names_the_pair(extras, told):
    with pytest.raises(DataError) as caught:
        checked_pair(faulty(**extras), 4)
    assert str(caught.value).startswith("pair-4: ")
    assert told in str(caught.value)


@pytest.mark.parametrize("extras", [{"seed": int}, {"a b": int}, {"x": str}, {"x": ()}, {"x": ("a", "a")}, ["x"]])
def test_what_cannot_be_an_extra_is_refused(extras):
    class Wrong(conditional.Coloured):
        def __init__(self, *, split):
            super().__init__(split=split)
            self.extras = extras

    with pytest.raises(PluginError, match="extra"):
        checked_pair(Wrong(split="train"), 0)


def test_extras_of_several_sizes_cannot_share_a_batch():
    class Uneven(conditional.Coloured):
        def __getitem__(self, index):
            pair = super().__getitem__(index)
            return pair._replace(extras={**pair.extras, "style": np.zeros((20 + index, 10, 3), np.uint8)})

    dataset = Uneven(split="train")
    transform = PairTransform(Augment(), dataset.source, dataset.target, extras=dataset.extras)
    batches = [[Draw(0, 0), Draw(0, 1)]]
    where = torch.device("cpu"), torch.contiguous_format
    with pytest.raises(DataError, match='"style" of pair-0 is 10x20 and that of pair-1 10x21'):
        next(load_batches(PairItems(dataset, transform, 0), batches, *where, workers=0))
