"""Pictures side by side, in one file each."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from itrans.api import DATASETS, DataError, ImageSpec, MissingSplitError, as_channels, write_image
from itrans.recipe.signature import Signature


def build(root, **arguments):
    arguments.setdefault("split", "train")
    return DATASETS.build({"name": "aligned", "root": str(root), **arguments})


def halves(seed: int, channels: int = 3, dtype: str = "uint8", height: int = 6, width: int = 8) -> np.ndarray:
    values = np.random.default_rng(seed).random((2, height, width, channels))
    if dtype == "float32":
        return values.astype(np.float32)
    return (values * np.iinfo(dtype).max).astype(dtype)


def place(path, *pictures: np.ndarray) -> None:
    write_image(path, np.hstack(pictures))


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "edges 2 猫"
    for seed, name in enumerate(["train/b/1.png", "train/a.png", "train/c.png", "val/a.png"]):
        place(root / name, *halves(seed))
    return root


@pytest.mark.parametrize(("direction", "first", "second"), [("AtoB", 0, 1), ("BtoA", 1, 0)])
def test_a_pair_is_the_two_halves_in_the_direction_asked_for(root, direction, first, second):
    source, target, key = build(root, direction=direction)[1]

    assert key == "b/1.png"
    assert np.array_equal(source, halves(0)[first])
    assert np.array_equal(target, halves(0)[second])


def test_left_to_right_is_the_default(root):
    assert np.array_equal(build(root)[0].source, halves(1)[0])


def test_pairs_are_sorted_by_path(root):
    dataset = build(root)

    assert len(dataset) == 3
    assert [dataset[index].key for index in range(3)] == ["a.png", "b/1.png", "c.png"]
    with pytest.raises(IndexError):
        dataset[3]


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_and_any_layout_are_kept(tmp_path, suffix, channels):
    place(tmp_path / "train" / f"a{suffix}", *halves(5, channels, "uint16"))

    dataset = build(tmp_path)

    assert dataset.source == dataset.target == ImageSpec(channels=channels, dtype="uint16")
    assert np.array_equal(dataset[0].target, halves(5, channels, "uint16")[1])


@pytest.mark.parametrize(("channels", "dtype"), [(2, "uint8"), (5, "float32")])
def test_arrays_of_any_channel_count(tmp_path, channels, dtype):
    place(tmp_path / "train" / "a.npy", *halves(5, channels, dtype))

    dataset = build(tmp_path)

    assert dataset.source == ImageSpec(channels=channels, dtype=dtype)
    assert np.array_equal(dataset[0].source, halves(5, channels, dtype)[0])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_are_converted_where_asked_for(tmp_path, channels):
    stored = {1: halves(1, 1), 3: halves(2, 3), 4: halves(3, 4)}
    for count, pair in stored.items():
        place(tmp_path / "train" / f"{count}.png", *pair)

    dataset = build(tmp_path, channels=channels)

    assert dataset.source == ImageSpec(channels=channels)
    for index, pair in enumerate(stored.values()):
        assert np.array_equal(dataset[index].target, as_channels(pair[1], channels))


@pytest.mark.parametrize(("there", "asked"), [("val", "test"), ("test", "val")])
def test_val_and_test_stand_in_for_each_other(root, there, asked):
    if there != "val":
        (root / "val").rename(root / there)

    assert np.array_equal(build(root, split=asked)[0].source, halves(3)[0])


def test_val_is_not_test_where_both_are_there(root):
    place(root / "test" / "a.png", *halves(9))

    assert np.array_equal(build(root, split="val")[0].source, halves(3)[0])
    assert np.array_equal(build(root, split="test")[0].source, halves(9)[0])


def test_a_missing_split_says_which_there_are(root):
    shutil.rmtree(root / "val")
    (root / "extra").mkdir()

    with pytest.raises(MissingSplitError) as caught:
        build(root, split="val")

    assert str(caught.value) == f'{root} has no folder "val". It has: extra, train.'


def test_nothing_stands_in_for_train(root):
    shutil.rmtree(root / "train")

    with pytest.raises(MissingSplitError, match=r'has no folder "train"\. It has: val\.'):
        build(root)


def test_missing_root(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there\. Set dataset\.root"):
        build(tmp_path / "nowhere")


def test_root_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"file is a file, not a folder"):
        build(tmp_path / "file")


def test_split_without_pictures(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "notes.txt").touch()

    with pytest.raises(DataError, match=r"train holds no pictures\. Put those of the split there"):
        build(tmp_path)


@pytest.mark.parametrize("position", [0, 1])
def test_odd_width_names_the_picture(root, position):
    name = ["a.png", "c.png"][position]
    write_image(root / "train" / name, halves(0)[0][:, :7])

    with pytest.raises(DataError, match=rf"{name} is 7 pixels wide: a picture A\|B has an even width"):
        build(root)[[0, 2][position]]


def test_other_channels_name_the_picture_and_the_remedy(root):
    place(root / "train" / "c.png", *halves(0, 1))

    with pytest.raises(DataError) as caught:
        build(root)[2]

    assert str(caught.value) == (
        f"{root / 'train' / 'c.png'} has 1 channel of uint8, but the first picture, a.png, has 3 of uint8. "
        "dataset.channels = 3 makes all RGB."
    )


def test_other_values_name_the_picture_and_do_not_blame_its_channels(root):
    place(root / "train" / "c.png", *halves(0, 3, "uint16"))

    with pytest.raises(DataError, match=r"c\.png has 3 channels of uint16, .*Save all pictures with the same kind"):
        build(root)[2]


def test_channels_that_cannot_be_converted(tmp_path):
    place(tmp_path / "train" / "a.npy", *halves(0, 5))

    with pytest.raises(DataError, match=r"a\.npy: 5 channels cannot be made into 3\."):
        build(tmp_path, channels=3)


def test_damaged_picture_is_named(root):
    content = (root / "train" / "c.png").read_bytes()
    (root / "train" / "c.png").write_bytes(content[:-20])

    dataset = build(root)

    assert dataset[0].key == "a.png"
    with pytest.raises(DataError, match=r"c\.png is truncated"):
        dataset[2]


def test_it_can_be_sent_to_a_worker(root):
    dataset = build(root, direction="BtoA")
    sent = pickle.dumps(dataset)

    assert len(sent) < 2000
    assert np.array_equal(pickle.loads(sent)[1].source, halves(0)[1])


@pytest.mark.parametrize(("key", "value"), [("direction", "AtoC"), ("channels", 2), ("root", 5), ("split", "train")])
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("aligned"), ["split"])

    assert signature.faults({"root": "datasets", "channels": 3, "direction": "BtoA"}, "It") == []
    assert signature.faults({"root": "datasets", key: value}, "It")


def test_transparent_pictures_are_laid_on_the_colour_that_the_recipe_names(tmp_path):
    drawing = np.zeros((8, 16, 4), np.uint8)
    drawing[2:4, :, 3] = 255  # black lines, in alpha alone
    write_image(tmp_path / "train" / "a.png", drawing)

    def source(**arguments):
        return DATASETS.build({"name": "aligned", "root": str(tmp_path), **arguments}, split="train")[0].source

    for arguments, ground in (({}, [255, 255, 255]), ({"background": "#20a060"}, [0x20, 0xA0, 0x60])):
        picture = source(channels=3, **arguments)
        assert picture[0, 0].tolist() == ground
        assert picture[2, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("arguments", [{"background": "black"}, {"channels": 3, "background": "blackish"}])
def test_a_background_that_has_no_effect_or_is_no_colour_is_refused(tmp_path, arguments):
    write_image(tmp_path / "train" / "a.png", np.zeros((8, 16, 4), np.uint8))
    with pytest.raises(ValueError, match="background|blackish"):
        DATASETS.build({"name": "aligned", "root": str(tmp_path), **arguments}, split="train")
