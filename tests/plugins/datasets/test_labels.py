"""Pairs of the data set `labels`; what label maps are stored in is in test_label_maps.py."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from plugins.datasets.streets import COLOURS, SHORT, build, classes, label_map, photo

from itrans.api import DATASETS, DataError, ImageSpec, MissingSplitError, write_image
from itrans.recipe.load import load_recipe
from itrans.recipe.signature import Signature
from itrans.testing import check_dataset

# Pairs


def test_pairs_are_matched_by_name_and_say_what_they_are(streets):
    dataset = build(streets, ignored=255, names=["road", "house", "car"])

    assert [dataset[index].key for index in range(len(dataset))] == ["a", "b", "deep/c"]
    labels = ImageSpec(channels=1, kind="labels", labels=3, ignored=255, names=("road", "house", "car"))
    assert (dataset.source, dataset.target) == (labels, ImageSpec(channels=3))
    assert np.array_equal(dataset[0].source, classes(0))
    assert np.array_equal(dataset[0].target, photo(0))
    check_dataset("labels", root=str(streets), classes=3)


def test_photos_can_be_the_source(streets):
    dataset = build(streets, direction="photo_to_labels")

    assert (dataset.source.kind, dataset.target.kind) == ("image", "labels")
    assert np.array_equal(dataset[0].source, photo(0))
    assert np.array_equal(dataset[0].target, classes(0))


def test_other_folders_and_a_stand_in_for_a_split(streets):
    for split in ("train", "val"):
        (streets / "maps").mkdir(exist_ok=True)
        (streets / split / "labels").rename(streets / "maps" / split)

    dataset = build(streets, label_folder="maps/{split}", split="test")

    assert dataset[0].key == "d"


def test_it_can_be_sent_to_a_worker(streets):
    dataset = build(streets, palette=None)
    assert np.array_equal(pickle.loads(pickle.dumps(dataset))[2].source, dataset[2].source)


def test_different_sizes_name_both_files(streets):
    write_image(label_map(streets), classes(0, width=9))

    with pytest.raises(DataError) as caught:
        build(streets)[0]

    photo_file = streets / "train" / "photos" / "a.png"
    assert f"{label_map(streets)} is 9x6, but {photo_file} is 8x6 (width x height)" in str(caught.value)


def test_another_kind_of_photo_names_the_remedy(streets):
    cv2.imwrite(str(streets / "train/photos/b.jpg"), np.zeros((6, 8), np.uint8))

    with pytest.raises(DataError, match=r"b\.jpg has 1 channel .*dataset\.photo_channels = 3 makes all RGB"):
        build(streets)[1]
    assert build(streets, photo_channels=3)[1].target.shape == (6, 8, 3)


# What is wrong with the folders


def test_missing_folders_and_pictures(streets, tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there\. Set dataset\.root"):
        build(tmp_path / "nowhere")
    label_map(streets, "b.png").unlink()
    with pytest.raises(DataError, match=r"1 missing in .*labels: b$"):
        build(streets)
    with pytest.raises(DataError) as caught:
        build(streets, label_folder="{split}/maps")
    assert str(caught.value) == (
        f"No folder {streets / 'train' / 'maps'}; dataset.label_folder and dataset.photo_folder name them. What is "
        'there fits dataset.label_folder = "{split}/labels".'
    )
    (streets / "val").rename(streets / "validation")
    with pytest.raises(MissingSplitError, match=r'no folders for the split "val"\. It has: train\.'):
        build(streets, split="val")


# What is wrong with the recipe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label_folder": "maps"}, '"{split}" belongs in each of "label_folder" and "photo_folder"'),
        ({"photo_folder": "photos"}, '"{split}" belongs in each of "label_folder" and "photo_folder"'),
        ({"values": [0, 255]}, '"values" has 2 entries for 3 classes'),
        ({"values": [0, 255, 0]}, '"values" has the value 0 twice'),
        ({"values": [0, 128, 255], "ignored": 128}, '"ignored" is 128, which "values" says is a class'),
        ({"values": [0, 128, 255], "palette": COLOURS}, '"values" and "palette" both say'),
        ({"names": ["road"]}, '"names" has 1 entries for 3 classes'),
        ({"palette": COLOURS[:2]}, '"palette" has 2 colours for 3 classes: it needs one for each$'),
        ({"palette": [*COLOURS, [1, 2, 3]]}, '"palette" has 4 colours for 3 classes: it needs one for each$'),
        ({"palette": COLOURS[:2], "ignored": 9}, "it needs one for each, and may have one more"),
        ({"palette": [*COLOURS[:2], COLOURS[0]]}, r"the colour \[128, 64, 128\] twice"),
    ],
)
def test_arguments_that_do_not_fit_together(recipe, streets, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(streets, **arguments)


def test_that_refusal_is_an_error_of_the_recipe(recipe, streets):
    recipe.write_text(recipe.read_text().replace('name = "aligned"', 'name = "labels"\nclasses = 3\nnames = ["road"]'))

    with pytest.raises(Exception, match='refuses its arguments: "names" has 1 entries for 3 classes'):
        load_recipe(recipe, overrides=[f"dataset.root={streets.as_posix()}"]).build("dataset", split="train")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", 1),
        ("classes", 65536),
        ("values", [0, 65536, 1]),
        ("ignored", -1),
        ("palette", [[1, 2]]),
        ("palette", [[0, 0, 256]]),
        ("names", 3),
    ],
)
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("labels"), ["split"])

    good = {"root": "a", "classes": 3, "ignored": 255, "palette": COLOURS, "names": ["a", "b", "c"]}
    assert signature.faults(good, "") == []
    assert signature.faults({**good, key: value}, "")


@pytest.mark.parametrize("classes", [256, 300])
def test_many_classes_are_validated(itrans, streets, tmp_path, classes):
    dataset = f'[dataset]\nname = "labels"\nroot = "{streets.as_posix()}"\nclasses = {classes}\n'
    dataset += 'direction = "photo_to_labels"\n'
    (tmp_path / "many.toml").write_text(dataset + SHORT.replace('"l1"', '"cross_entropy"') + "batch_size = 1\n")

    done = itrans("run", "many.toml")

    assert done.exit_code == 0, done.output
    assert "class_iou" in (tmp_path / "runs/many/log.jsonl").read_text()
