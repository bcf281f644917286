"""Two folders of pictures, matched by name."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from itrans.api import DATASETS, DataError, ImageSpec, MissingSplitError, write_image
from itrans.recipe.arguments import Signature
from itrans.recipe.load import load_recipe


def build(root, **arguments):
    arguments.setdefault("split", "train")
    return DATASETS.build({"name": "paired", "root": str(root), **arguments})


def picture(seed: int, channels: int = 3, dtype: str = "uint8", height: int = 6, width: int = 8) -> np.ndarray:
    values = np.random.default_rng(seed).random((height, width, channels))
    return (values * np.iinfo(dtype).max).astype(dtype)


def fill(root, *names: str, seed: int = 0, **kind) -> None:
    for offset, name in enumerate(names):
        write_image(root / name, picture(seed + offset, **kind))


@pytest.fixture
def root(tmp_path):
    """Split folders: three pairs to train, of which one lies deeper, and one to validate."""
    root = tmp_path / "pairs"
    fill(root / "train" / "source", "b.png", "deep/a.v1.png", "c.png")
    fill(root / "train" / "target", "b.tif", "deep/a.v1.png", "c.png", seed=50, channels=1, dtype="uint16")
    fill(root / "val" / "source", "b.png", seed=80)
    fill(root / "val" / "target", "b.png", seed=90)
    return root


@pytest.fixture
def flat(tmp_path):
    """Forty pairs in the same two folders, for all splits."""
    root = tmp_path / "flat"
    fill(root / "photos", *(f"{index:02d}.png" for index in range(40)))
    fill(root / "maps", *(f"{index:02d}.bmp" for index in range(40)), seed=100)
    return root


FLAT = {"source": "photos", "target": "maps"}


def keys(dataset) -> list[str]:
    return [dataset[index].key for index in range(len(dataset))]


# Folders for splits


def test_pairs_share_their_path_but_not_their_suffix_channels_or_values(root):
    dataset = build(root)

    assert keys(dataset) == ["b", "c", "deep/a.v1"]
    assert dataset.source == ImageSpec(channels=3)
    assert dataset.target == ImageSpec(channels=1, dtype="uint16")
    source, target, _ = dataset[2]
    assert np.array_equal(source, picture(1))
    assert np.array_equal(target, picture(51, 1, "uint16"))


def test_each_split_has_its_folders(root):
    assert np.array_equal(build(root, split="val")[0].source, picture(80))


@pytest.mark.parametrize(("there", "asked"), [("val", "test"), ("test", "val")])
def test_val_and_test_stand_in_for_each_other(root, there, asked):
    if there != "val":
        (root / "val").rename(root / there)

    assert np.array_equal(build(root, split=asked)[0].target, picture(90))


def test_other_layouts_can_be_described(tmp_path):
    fill(tmp_path / "photos" / "train_2016", "a.png")
    fill(tmp_path / "labels" / "train_2016", "a.png", seed=7)

    dataset = build(tmp_path, source="photos/{split}_2016", target="labels/{split}_2016")

    assert np.array_equal(dataset[0].target, picture(7))


def test_a_missing_split_says_which_there_are(root):
    (root / "val").rename(root / "validation")

    with pytest.raises(MissingSplitError) as caught:
        build(root, split="val")

    assert str(caught.value) == f'{root} has no folders for the split "val". It has: train.'


def test_a_root_without_any_split_says_what_was_looked_for(tmp_path):
    with pytest.raises(MissingSplitError, match=r'"train"\. It has no \{split\}/source and no \{split\}/target\.'):
        build(tmp_path)


def test_half_a_split_is_an_error_even_where_another_could_stand_in(root):
    fill(root / "test" / "source", "a.png")

    with pytest.raises(DataError) as caught:
        build(root, split="test")

    assert not isinstance(caught.value, MissingSplitError)
    assert str(caught.value) == (f"No folder {root / 'test' / 'target'}; dataset.source and dataset.target name them.")


@pytest.mark.parametrize("pattern", [{"source": "photos"}, {"target": "photos"}])
def test_one_side_cannot_be_split_alone(root, pattern):
    with pytest.raises(ValueError, match='"{split}" belongs in each of "source" and "target", or in none'):
        build(root, **pattern)


def test_that_refusal_is_an_error_of_the_recipe(recipe, root):
    lines = recipe.read_text().replace('name = "aligned"', 'name = "paired"\nsource = "photos"')
    recipe.write_text(lines)
    with pytest.raises(Exception, match='refuses its arguments: "{split}" belongs in each'):
        load_recipe(recipe, overrides=[f"dataset.root={root.as_posix()}"]).build("dataset", split="train")


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

    with pytest.raises(MissingSplitError, match=r'falls into the split "val"; another holdout may do'):
        build(tmp_path, **FLAT, holdout=0.001, split="val")


def test_missing_folder(flat):
    with pytest.raises(DataError) as caught:
        build(flat, source="fotos", target="karten")

    assert str(caught.value) == (
        f"No folder {flat / 'fotos'} and no folder {flat / 'karten'}; dataset.source and dataset.target name them."
    )


# Endings


def test_both_sides_can_lie_in_one_folder_and_be_told_apart_by_their_endings(tmp_path):
    names = [f"{index:02d}" for index in range(20)]
    fill(tmp_path / "all", *(f"{name}_noisy.png" for name in names), *(f"{name}_clean.tif" for name in names))
    fill(tmp_path / "all", "00_preview.jpg", "readme.png")
    arguments = {"source": "all", "target": "all", "source_ending": "_noisy", "target_ending": "_clean.tif"}

    train, val, test = (build(tmp_path, **arguments, holdout=0.5, split=split) for split in ("train", "val", "test"))

    assert sorted(keys(train) + keys(val) + keys(test)) == names
    assert keys(train) == sorted(keys(train))
    number = int(keys(val)[0])
    assert np.array_equal(val[0].source, picture(number))
    assert np.array_equal(val[0].target, picture(20 + number))


def test_one_side_alone_can_have_an_ending(root):
    for path in (root / "train" / "source").rglob("*.png"):
        path.rename(path.with_name(f"{path.stem}-in.png"))

    dataset = build(root, source_ending="-in")

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


def test_pictures_of_different_sizes_name_both_files_and_both_sizes(root):
    fill(root / "train" / "target", "c.png", channels=1, dtype="uint16", width=9)

    dataset = build(root)

    assert dataset[0].key == "b"
    with pytest.raises(DataError) as caught:
        dataset[1]
    assert f"{root / 'train' / 'source' / 'c.png'} is 8x6, but {root / 'train' / 'target' / 'c.png'} is 9x6" in str(
        caught.value
    )


def test_other_channels_name_the_picture_and_the_remedy(root):
    fill(root / "train" / "source", "c.png", channels=4)

    with pytest.raises(DataError) as caught:
        build(root)[1]

    assert str(caught.value) == (
        f"{root / 'train' / 'source' / 'c.png'} has 4 channels of uint8, but the first picture, b.png, has 3 of "
        "uint8. dataset.source_channels = 3 makes all RGB."
    )


def test_other_values_name_the_picture(root):
    fill(root / "train" / "target", "c.png", channels=1)

    with pytest.raises(DataError, match=r"c\.png has 1 channels of uint8, .*b\.tif, has 1 of uint16\. Save all"):
        build(root)[1]


def test_each_side_is_converted_on_its_own(root):
    fill(root / "train" / "source", "c.png", channels=4)

    dataset = build(root, source_channels=1, target_channels=3)

    assert dataset.source == ImageSpec(channels=1)
    assert dataset.target == ImageSpec(channels=3, dtype="uint16")
    assert dataset[1].source.shape == (6, 8, 1)
    assert np.array_equal(dataset[0].target, np.repeat(picture(50, 1, "uint16"), 3, axis=2))


def test_damaged_picture_is_named(root):
    (root / "train" / "target" / "c.png").write_bytes(b"nonsense")

    with pytest.raises(DataError, match=r"c\.png cannot be read as a picture"):
        build(root)[1]


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
