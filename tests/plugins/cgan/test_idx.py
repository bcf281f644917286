"""The data set of IDX files, as MNIST and Fashion-MNIST are published."""

from __future__ import annotations

import gzip
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from itrans.api import DATASETS, DataError, MissingSplitError
from itrans.testing import check_dataset

COUNTS = {"train": 40, "t10k": 6}


def idx(array, kind=8):
    """Return what an IDX file of an array holds."""
    head = bytes([0, 0, kind, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.tobytes()


def build(root, split="train", **arguments):
    return DATASETS.build({"name": "idx", "root": str(root), **arguments}, split=split)


@pytest.fixture
def drawn():
    random = np.random.default_rng(0)
    return {
        part: (random.integers(0, 256, (count, 28, 28), np.uint8), random.integers(0, 10, count, np.uint8))
        for part, count in COUNTS.items()
    }


@pytest.fixture
def files(tmp_path, drawn):
    """A folder like MNIST's: those to train with are packed, those to test with are not."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, (images, labels) in drawn.items():
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            name, content = f"{part}-{kind}-ubyte", idx(array)
            if part == "train":
                name, content = f"{name}.gz", gzip.compress(content)
            (folder / name).write_bytes(content)
    return folder


def test_each_picture_comes_with_its_label(files, drawn):
    images, labels = drawn["t10k"]
    dataset = build(files, "test")
    assert len(dataset) == 6
    for index in range(6):
        source, target, key = dataset[index]
        assert np.array_equal(target[..., 0], images[index])
        assert source.shape == (28, 28, 10)
        assert (source == 255 * (np.arange(10) == labels[index])).all()
        assert key == f"{index:05d}-label{labels[index]}"


def test_val_is_held_out_of_train(files, drawn):
    keys = {split: {build(files, split, holdout=0.3)[i].key for i in range(n)} for split, n in sizes(files).items()}
    assert not keys["train"] & keys["val"]
    assert {int(key[:5]) for key in keys["train"] | keys["val"]} == set(range(COUNTS["train"]))
    images, _ = drawn["train"]
    pair = build(files, "val", holdout=0.3)[1]
    assert np.array_equal(pair.target[..., 0], images[int(pair.key[:5])])


def sizes(files):
    return {split: len(build(files, split, holdout=0.3)) for split in ("train", "val")}


def test_pictures_are_resized_and_may_have_other_classes(files):
    pair = build(files, size=16, classes=12)[0]
    assert (pair.source.shape, pair.target.shape) == ((16, 16, 12), (16, 16, 1))


def test_it_is_what_itrans_asks_for(files):
    check_dataset("idx", root=str(files), holdout=0.3)
    assert pickle.loads(pickle.dumps(build(files)))[3].key == build(files)[3].key


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (IMAGES, lambda content: b"\x89PNG" + content[4:], "not an IDX file"),
        (IMAGES, lambda content: b"\0", "not an IDX file"),
        (IMAGES, lambda content: content[:2] + b"\x0d" + content[3:], "type 0x0D"),
        (IMAGES, lambda content: content[:3] + b"\x02" + content[4:], "2 dimensions"),
        (LABELS, lambda content: content[:3] + b"\x03" + content[4:], "3 dimensions"),
        (IMAGES, lambda content: content[:-1], "6x28x28"),
        (IMAGES, lambda content: content[:7], "is damaged"),
        (LABELS, lambda content: content + b"\0", "has 15"),
        (LABELS, lambda _: idx(np.zeros(5, np.uint8)), "6 pictures"),
        (LABELS, lambda _: idx(np.full(6, 10, np.uint8)), "label 10"),
        (LABELS, lambda _: idx(np.zeros(0, np.uint8)), "no labels"),
    ],
)
def test_a_damaged_file_is_named(files, name, change, said):
    path = files / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError) as raised:
        build(files, "test")
    assert said in str(raised.value)
    assert path.name in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [lambda content: content[:-20], lambda content: content[:50] + b"\0\0\0" + content[53:], lambda _: b"plain"],
)
def test_a_damaged_gzip_file_is_named(files, change):
    path = files / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is not a gzip file, or is truncated or damaged"):
        build(files)


def test_missing_files_are_told_with_those_there_are(files):
    (files / LABELS).unlink()
    with pytest.raises(MissingSplitError, match=rf"no {LABELS}, with \.gz or without\. It has: {IMAGES}"):
        build(files, "test")
    shutil.rmtree(files)
    files.mkdir()
    with pytest.raises(DataError, match="no IDX files"):
        build(files)


@pytest.mark.parametrize("name", ["gan_mnist", "cgan_mnist"])
def test_a_recipe_trains_on_such_files(itrans, files, name):
    recipe = Path(__file__).parents[3] / "recipes" / f"{name}.toml"
    options = ["--set", f"dataset.root={files.as_posix()}", "--set", "train.steps=1", "--set", "dataset.holdout=0.3"]
    done = itrans("run", recipe, "-o", "run", "--set", "generator.hidden=[8]", "--set", "train.batch_size=4", *options)
    assert done.exit_code == 0, done.output
