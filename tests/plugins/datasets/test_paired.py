"""Pairs of two folders, matched by name; which split a pair is in is told in test_paired_splits.py."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from plugins.datasets.pairs import FLAT, build, fill, keys, picture

from itrans.api import DATASETS, DataError, ImageSpec
from itrans.recipe.signature import Signature


def test_pairs_share_their_path_but_not_their_suffix_channels_or_values(divided):
    dataset = build(divided)

    assert keys(dataset) == ["b", "c", "deep/a.v1"]
    assert dataset.source == ImageSpec(channels=3)
    assert dataset.target == ImageSpec(channels=1, dtype="uint16")
    source, target, _ = dataset[2]
    assert np.array_equal(source, picture(1))
    assert np.array_equal(target, picture(51, 1, "uint16"))


def test_one_side_alone_can_have_an_ending(divided):
    for path in (divided / "train" / "source").rglob("*.png"):
        path.rename(path.with_name(f"{path.stem}-in.png"))

    dataset = build(divided, source_ending="-in")

    assert keys(dataset) == ["b", "c", "deep/a.v1"]
    assert np.array_equal(dataset[0].source, picture(0))


# Mismatches


def test_missing_root(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there\. Set dataset\.root"):
        build(tmp_path / "nowhere")


def test_folders_without_pictures(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "maps").mkdir()

    with pytest.raises(DataError, match=r"photos and .*maps hold no pictures"):
        build(tmp_path, **FLAT)


def test_all_that_is_missing_is_listed_by_side_with_ten_names_at_most(flat):
    for index in range(13):
        (flat / "maps" / f"{index:02d}.bmp").unlink()
    (flat / "photos" / "39.png").unlink()

    with pytest.raises(DataError) as caught:
        build(flat, **FLAT)

    assert str(caught.value).splitlines() == [
        "The folders do not match (names are compared without suffix):",
        f"1 missing in {flat / 'photos'}: 39",
        f"13 missing in {flat / 'maps'}: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, ...",
    ]


def test_two_files_of_the_same_name_on_one_side(flat):
    fill(flat / "maps", "07.jpg")

    with pytest.raises(DataError, match=r"07\.bmp and .*07\.jpg have the same name"):
        build(flat, **FLAT)


def test_pictures_of_different_sizes_name_both_files_and_both_sizes(divided):
    fill(divided / "train" / "target", "c.png", channels=1, dtype="uint16", width=9)

    dataset = build(divided)

    assert dataset[0].key == "b"
    with pytest.raises(DataError) as caught:
        dataset[1]
    source, target = (divided / "train" / side / "c.png" for side in ("source", "target"))
    assert f"{source} is 8x6, but {target} is 9x6" in str(caught.value)


def test_other_channels_name_the_picture_and_the_remedy(divided):
    fill(divided / "train" / "source", "c.png", channels=4)

    with pytest.raises(DataError) as caught:
        build(divided)[1]

    assert str(caught.value) == (
        f"{divided / 'train' / 'source' / 'c.png'} has 4 channels of uint8, but the first picture, b.png, has 3 of "
        "uint8. dataset.source_channels = 3 makes all RGB."
    )


def test_other_values_name_the_picture(divided):
    fill(divided / "train" / "target", "c.png", channels=1)

    with pytest.raises(DataError, match=r"c\.png has 1 channel of uint8, .*b\.tif, has 1 of uint16\. Save all"):
        build(divided)[1]


def test_each_side_is_converted_on_its_own(divided):
    fill(divided / "train" / "source", "c.png", channels=4)

    dataset = build(divided, source_channels=1, target_channels=3)

    assert dataset.source == ImageSpec(channels=1)
    assert dataset.target == ImageSpec(channels=3, dtype="uint16")
    assert dataset[1].source.shape == (6, 8, 1)
    assert np.array_equal(dataset[0].target, np.repeat(picture(50, 1, "uint16"), 3, axis=2))


def test_damaged_picture_is_named(divided):
    (divided / "train" / "target" / "c.png").write_bytes(b"nonsense")

    with pytest.raises(DataError, match=r"c\.png cannot be read as a picture"):
        build(divided)[1]


def test_it_can_be_sent_to_a_worker(flat):
    dataset = build(flat, **FLAT)
    sent = pickle.dumps(dataset)

    assert len(sent) < 4000
    assert np.array_equal(pickle.loads(sent)[0].target, dataset[0].target)


@pytest.mark.parametrize(
    ("key", "value"),
    [("holdout", 0), ("holdout", 1.0), ("holdout", "0.1"), ("source_channels", 2), ("source", 1), ("target", ["a"])],
)
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("paired"), ["split"])

    assert (
        signature.faults({"root": "a", "source": "b", "target": "c", "holdout": 0.25, "source_channels": 1}, "") == []
    )
    assert signature.faults({"root": "a", key: value}, "")
