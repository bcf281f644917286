"""The data set of digits and their labels."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from itrans.api import DATASETS, DataError
from itrans.recipe.signature import Signature
from itrans.testing import check_dataset

SPLITS = ("train", "val", "test")


def build(split="train", **arguments):
    return DATASETS.build({"name": "digits", **arguments}, split=split)


@pytest.fixture(scope="module")
def everything():
    return {split: [dataset[index] for index in range(len(dataset))] for split in SPLITS for dataset in [build(split)]}


def test_every_digit_is_in_one_split_and_no_picture_in_two(everything):
    keys = [pair.key for pairs in everything.values() for pair in pairs]
    assert len(keys) == len(set(keys)) == 1797
    assert {int(key[:4]) for key in keys} == set(range(1797))
    pictures = {split: {pair.target.tobytes() for pair in pairs} for split, pairs in everything.items()}
    assert not pictures["train"] & pictures["val"]
    assert not pictures["train"] & pictures["test"]
    assert not pictures["val"] & pictures["test"]


def test_a_tenth_is_to_validate_by_and_a_tenth_to_test_with_all_labels_in_each(everything):
    deviation = 3 * np.sqrt(1797 * 0.1 * 0.9)
    for split in ("val", "test"):
        assert abs(len(everything[split]) - 179.7) < deviation
        assert {pair.key[-1] for pair in everything[split]} == set("0123456789")


def test_digits_and_labels_are_those_of_scikit_learn(everything):
    from sklearn.datasets import load_digits

    found = load_digits()
    for pair in (pair for pairs in everything.values() for pair in pairs):
        index, label = int(pair.key[:4]), int(pair.key.removeprefix(pair.key[:4] + "-label"))
        assert label == found.target[index]
        assert pair.source.shape == (8, 8, 10)
        assert (pair.source == 255 * (np.arange(10) == label)).all()
        assert pair.target.dtype == np.uint8
        assert np.abs(pair.target[:, :, 0] - found.images[index] * 255 / 16).max() <= 0.5


def test_larger_pictures_are_of_the_same_digits(everything):
    nearest, linear = build("val", size=24), build("val", size=24, interpolation="linear")
    for pair, larger, smooth in zip(everything["val"], nearest, linear, strict=True):
        assert larger.key == smooth.key == pair.key
        assert larger.source.shape == smooth.source.shape == (24, 24, 10)
        np.testing.assert_array_equal(larger.target[1::3, 1::3], pair.target)
        np.testing.assert_array_equal(larger.target, pair.target.repeat(3, axis=0).repeat(3, axis=1))
        np.testing.assert_array_equal(smooth.target[1::3, 1::3], pair.target)  # the middles of the pixels


def test_smooth_enlargement_has_values_in_between():
    counts = [len(np.unique(build("val", size=32, interpolation=how)[0].target)) for how in ("nearest", "linear")]
    assert counts[1] > counts[0]


def test_digits_are_what_itrans_asks_for():
    check_dataset("digits")
    check_dataset("digits", size=16)


def test_scikit_learn_is_named_by_how_to_install_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find(name))
    with pytest.raises(DataError, match=r"pip install 'itrans\[digits\]'"):
        build()


def test_looking_for_digits_imports_neither_scikit_learn_nor_torch():
    code = "import sys, itrans_cgan.datasets; print({'sklearn', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_sizes_that_are_no_multiples_of_eight_are_refused():
    signature = Signature(DATASETS.get("digits"), ["split"])
    for size in (0, 4, 12, 264, 8.0):
        assert [key for key, _ in signature.faults({"size": size}, "digits")] == ["size"], size
    assert signature.faults({"size": 64, "interpolation": "linear"}, "digits") == []
    with pytest.raises(ValueError, match="multiple of 8"):
        DATASETS.get("digits")(size=12, split="train")
