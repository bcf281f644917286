"""Which split a pair of two folders is in: that of its folder, or what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from plugins.datasets.pairs import FLAT, build, fill, keys, picture

from itrans.api import DataError, MissingSplitError
from itrans.recipe.load import load_recipe

# Folders for splits


def test_each_split_has_its_folders(divided):
    assert np.array_equal(build(divided, split="val")[0].source, picture(80))


@pytest.mark.parametrize(("there", "asked"), [("val", "test"), ("test", "val")])
def test_val_and_test_stand_in_for_each_other(divided, there, asked):
    if there != "val":
        (divided / "val").rename(divided / there)

    assert np.array_equal(build(divided, split=asked)[0].target, picture(90))


def test_other_layouts_can_be_described(tmp_path):
    fill(tmp_path / "photos" / "train_2016", "a.png")
    fill(tmp_path / "labels" / "train_2016", "a.png", seed=7)

    dataset = build(tmp_path, source="photos/{split}_2016", target="labels/{split}_2016")

    assert np.array_equal(dataset[0].target, picture(7))


def test_a_missing_split_says_which_there_are(divided):
    (divided / "val").rename(divided / "validation")

    with pytest.raises(MissingSplitError) as caught:
        build(divided, split="val")

    told = f'{divided} has no folders for the split "val". It has: train. '
    assert str(caught.value).startswith(told)
    assert "rename validation/source to val/source and validation/target to val/target" in str(caught.value)


def test_a_root_without_any_split_says_what_was_looked_for(tmp_path):
    with pytest.raises(MissingSplitError, match=r'"train"\. It has no \{split\}/source and no \{split\}/target\.'):
        build(tmp_path)


def test_half_a_split_is_an_error_even_where_another_could_stand_in(divided):
    fill(divided / "test" / "source", "a.png")

    with pytest.raises(DataError) as caught:
        build(divided, split="test")

    assert not isinstance(caught.value, MissingSplitError)
    assert str(caught.value) == (
        f"No folder {divided / 'test' / 'target'}; dataset.source and dataset.target name them."
    )


@pytest.mark.parametrize("pattern", [{"source": "photos"}, {"target": "photos"}])
def test_one_side_cannot_be_split_alone(divided, pattern):
    with pytest.raises(ValueError, match='"{split}" belongs in each of "source" and "target", or in none'):
        build(divided, **pattern)


def test_that_refusal_is_an_error_of_the_recipe(recipe, divided):
    lines = recipe.read_text().replace('name = "aligned"', 'name = "paired"\nsource = "photos"')
    recipe.write_text(lines)
    with pytest.raises(Exception, match='refuses its arguments: "{split}" belongs in each'):
        load_recipe(recipe, overrides=[f"dataset.root={divided.as_posix()}"]).build("dataset", split="train")


# One folder for all splits


def test_without_folders_for_splits_a_part_is_held_out(flat):
    splits = {split: keys(build(flat, **FLAT, holdout=0.4, split=split)) for split in ("train", "val", "test")}

    everything = [key for names in splits.values() for key in names]
    assert sorted(everything) == [f"{index:02d}" for index in range(40)]
    assert 16 <= len(splits["train"]) <= 32
    assert splits["val"]
    assert splits["test"]


def test_what_is_held_out_does_not_depend_on_what_else_there_is(flat):
    before = set(keys(build(flat, **FLAT, holdout=0.4, split="val")))
    fill(flat / "photos", *(f"new/{index}.png" for index in range(20)))
    fill(flat / "maps", *(f"new/{index}.png" for index in range(20)))

    after = set(keys(build(flat, **FLAT, holdout=0.4, split="val")))

    assert {key for key in after if not key.startswith("new")} == before


def test_a_larger_holdout_holds_out_what_a_smaller_one_did(flat):
    rest = [set(keys(build(flat, **FLAT, holdout=holdout))) for holdout in (0.2, 0.5, 0.8)]

    assert rest[0] > rest[1] > rest[2]


def test_too_few_pairs_to_hold_any_out(tmp_path):
    fill(tmp_path / "photos", "a.png")
    fill(tmp_path / "maps", "a.png")

    with pytest.raises(MissingSplitError, match=r'falls into the split "val": .*dataset\.holdout'):
        build(tmp_path, **FLAT, holdout=0.001, split="val")


def test_missing_folder(flat):
    with pytest.raises(DataError) as caught:
        build(flat, source="fotos", target="karten")

    assert str(caught.value) == (
        f"No folder {flat / 'fotos'} and no folder {flat / 'karten'}; dataset.source and dataset.target name them. "
        'What is there fits dataset.source = "maps" and dataset.target = "photos", or the other way round.'
    )
