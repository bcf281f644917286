"""Drawn house fronts and their label maps."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from itrans.api import DATASETS, ImageSpec
from itrans.recipe.signature import Signature
from itrans.testing import check_dataset

CLASSES = ("sky", "wall", "roof", "window", "door", "balcony", "cornice", "shop")
SKY, WALL, ROOF, WINDOW, DOOR, BALCONY, CORNICE, SHOP = range(8)


def build(split="train", **arguments):
    return DATASETS.build({"name": "facades_sample", **arguments}, split=split)


def digest(dataset, indices) -> str:
    pairs = [dataset[index] for index in indices]
    return hashlib.sha256(b"".join(part.tobytes() for pair in pairs for part in pair[:2])).hexdigest()


@pytest.fixture(scope="module")
def pairs():
    dataset = build(size=64, count=60)
    return [dataset[index] for index in range(60)]


def test_label_maps_become_photos_or_photos_label_maps():
    labels, photo = ImageSpec(channels=1, kind="labels", labels=8, names=CLASSES), ImageSpec(channels=3)
    there, back = build(size=32), build(size=32, direction="photo_to_labels")

    assert (there.source, there.target) == (labels, photo) == (back.target, back.source)
    assert np.array_equal(there[3].source, back[3].target)
    assert np.array_equal(there[3].target, back[3].source)
    assert there[3].source.shape == (32, 32, 1)
    assert there[3].target.shape == (32, 32, 3)
    check_dataset("facades_sample", size=32, count=20)
    check_dataset("facades_sample", size=32, count=20, direction="photo_to_labels")


def test_validation_and_test_have_a_quarter_as_many():
    assert [len(build(split)) for split in ("train", "val", "test")] == [400, 100, 100]
    assert [len(build(split, count=2)) for split in ("train", "val", "test")] == [2, 1, 1]
    with pytest.raises(IndexError):
        build(count=2)[2]


def test_no_house_comes_twice_in_any_split_or_with_another_seed(pairs):
    houses = [pair.source.tobytes() for pair in pairs]
    for split, seed in (("val", 0), ("test", 0), ("train", 1)):
        dataset = build(split, size=64, count=240, seed=seed)
        houses += [dataset[index].source.tobytes() for index in range(60)]

    assert len(set(houses)) == 240


def test_another_process_with_other_threads_draws_the_same():
    program = (
        "import cv2, hashlib; from itrans.api import DATASETS; cv2.setNumThreads(3);"
        "dataset = DATASETS.build({'name': 'facades_sample', 'size': 128}, split='val');"
        "pairs = [dataset[index] for index in (2, 1, 0)][::-1];"
        "parts = b''.join(part.tobytes() for pair in pairs for part in pair[:2]);"
        "print(hashlib.sha256(parts).hexdigest())"
    )
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        here = digest(build("val"), range(3))
    finally:
        cv2.setNumThreads(threads)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == here


def test_what_is_done_to_a_pair_does_not_reach_the_next_one():
    dataset = build(size=32)
    before = dataset[0].target.copy()
    dataset[0].target[:] = 0

    assert np.array_equal(dataset[0].target, before)


def test_another_size_is_the_same_house_drawn_larger(pairs):
    larger = build(size=192)
    for index in range(12):
        labels, photo, key = larger[index]
        assert key == pairs[index].key
        # They differ along edges alone: thin parts keep at least a pixel.
        assert (labels[1::3, 1::3] == pairs[index].source).mean() > 0.85
        coarse = [cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA) for image in (photo, pairs[index].target)]
        assert cv2.absdiff(*coarse).mean() < 15


def test_every_size_can_be_drawn():
    for size in (32, 33, 47, 512):
        dataset = build(size=size, count=40)
        for index in range(40 if size < 100 else 2):
            labels, photo, _ = dataset[index]
            assert labels.shape == (size, size, 1)
            assert photo.shape == (size, size, 3)
            assert labels.max() < 8


def test_every_class_occurs_where_it_belongs(pairs):
    labels = np.stack([pair.source[:, :, 0] for pair in pairs])
    rows = np.arange(64)[None, :, None] * np.ones_like(labels)
    height = [rows[labels == label].mean() for label in range(8)]

    assert (labels == WALL).mean() == max((labels == label).mean() for label in range(8))
    assert max(height[SKY], height[ROOF]) < height[WINDOW] < min(height[DOOR], height[SHOP])
    assert all((house == DOOR).any() for house in labels)
    assert not (labels[:, -1] == ROOF).any()


def test_chance_decides_how_a_house_looks(pairs):
    """The walls' mean colours are spread, and so are those of the windows of a single house."""
    walls = np.array([pair.target[pair.source[:, :, 0] == WALL].mean(axis=0) for pair in pairs])
    assert walls.std(axis=0).min() > 25

    windows = [pair.target[pair.source[:, :, 0] == WINDOW] for pair in pairs]
    assert np.median([pixels.std() for pixels in windows]) > 25


def test_a_colour_does_not_say_what_a_pixel_is(pairs):
    """Taking each colour for the class that it mostly has is wrong for more than a third of the pixels."""
    colours = np.stack([pair.target for pair in pairs]).reshape(60, -1, 3).astype(int) // 16
    codes = colours @ np.array([256, 16, 1])
    labels = np.stack([pair.source for pair in pairs]).reshape(60, -1)
    counts = np.zeros((4096, 8), int)
    np.add.at(counts, (codes[:40].ravel(), labels[:40].ravel()), 1)

    guessed = counts[codes[40:]].argmax(axis=2)

    assert 0.3 < (guessed == labels[40:]).mean() < 0.65


@pytest.mark.parametrize(
    ("key", "value"), [("size", 31), ("size", 513), ("count", 0), ("seed", -1), ("direction", "AtoB"), ("size", "64")]
)
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("facades_sample"), ["split"])

    assert signature.faults({"size": 512, "count": 5, "seed": 7, "direction": "photo_to_labels"}, "") == []
    assert signature.faults({key: value}, "")


def test_a_segmenter_trains_on_it_and_is_measured(itrans, tmp_path):
    recipe = tmp_path / "segmenter.toml"
    recipe.write_text(
        """\
title = "facades"

[dataset]
name = "facades_sample"
size = 32
count = 8
direction = "photo_to_labels"

[generator]
name = "unet"
depth = 3
filters = 4

[[loss]]
name = "cross_entropy"

[train]
batch_size = 2
epochs = 1
precision = "fp32"
"""
    )
    result = itrans("run", recipe, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output

    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    measured = [line for line in lines if "class_iou" in json.dumps(line)]
    assert measured
