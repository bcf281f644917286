"""Pairs whose sides differ in size: what is cut out of the two belongs together, to the pixel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scaled import enlarged, steps

from itrans.data.augment import PairTransform
from itrans.errors import DataError
from itrans.pictures.spec import ImageSpec
from itrans.recipe.schema import Augment
from itrans.records import Pair

RGB = ImageSpec(3)


def transform(scale, *, paired=True, training=True, **augment):
    table = Augment.model_validate(augment)
    return PairTransform(table, RGB, RGB, paired=paired, training=training, scale=Fraction(scale))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_part_of_the_target_is_that_of_the_source(factor):
    source = steps(20, 30)
    change = transform(factor, crop=(6, 9), mirror=True)
    corners = set()
    for seed in range(20):
        made = change(Pair(source, enlarged(source, factor), "a"), seed)
        assert made.source.shape == (6, 9, 3)
        assert np.array_equal(made.target, enlarged(made.source, factor))
        corners.add(made.source.tobytes())
    assert len(corners) > 10


def test_so_it_is_where_targets_are_smaller():
    target = steps(20, 30)
    for seed in range(10):
        made = transform("1/2", crop=6, mirror=True)(Pair(enlarged(target, 2), target, "a"), seed)
        assert np.array_equal(made.source, enlarged(made.target, 2))


@pytest.mark.parametrize("scale", ["2/3", "3/2"])
def test_parts_begin_where_pixels_of_both_do(scale):
    scale = Fraction(scale)
    coarse = steps(24, 36)
    source, target = enlarged(coarse, scale.denominator), enlarged(coarse, scale.numerator)
    for seed in range(10):
        made = transform(scale, crop=6)(Pair(source, target, "a"), seed)
        assert np.array_equal(
            made.source[:: scale.denominator, :: scale.denominator], made.target[:: scale.numerator, :: scale.numerator]
        )


def test_sizes_are_those_of_the_source():
    source = steps(10, 10)
    made = transform(2, size=(8, 12))(Pair(source, enlarged(source, 2), "a"), 0)
    assert (made.source.shape[:2], made.target.shape[:2]) == ((8, 12), (16, 24))
    made = transform(2, resize=8, crop=4)(Pair(source, enlarged(source, 2), "a"), 0)
    assert (made.source.shape[:2], made.target.shape[:2]) == ((4, 4), (8, 8))


def test_what_is_measured_is_the_middle_and_not_scaled():
    source = steps(10, 14)
    made = transform(2, training=False, crop=4)(Pair(source, enlarged(source, 2), "a"), 5)
    assert np.array_equal(made.source, source[3:7, 5:9])
    assert np.array_equal(made.target, enlarged(source[3:7, 5:9], 2))


def test_sides_that_are_no_pair_are_cut_apart():
    source, target = steps(12, 12), enlarged(steps(10, 10), 2)
    made = transform(2, paired=False, crop=4)(Pair(source, target, "a"), 0)
    assert (made.source.shape[:2], made.target.shape[:2]) == ((4, 4), (8, 8))


def test_what_does_not_fit_is_named():
    source = steps(10, 10)
    with pytest.raises(DataError, match=r"a \(10x10\)"):
        transform(2, crop=16)(Pair(source, enlarged(source, 2), "a"), 0)
