"""Folders of a split, and the pictures in them that belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itrans.api import (
    DataError,
    MissingSplitError,
    check_same_size,
    existing_root,
    image_names,
    match_images,
    match_names,
    names_of_split,
    split_folders,
    take_split,
)

SIDES = {"left": "left/{split}", "right": "{split}_right", "depth": "{split}/depth"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("left/train", "train_right", "train/depth", "left/test", "test_right", "test/depth"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


# Folders of a split


def test_any_number_of_folders_in_the_order_they_are_given_in(root):
    assert split_folders(root, SIDES, "train") == [root / "left/train", root / "train_right", root / "train/depth"]
    assert split_folders(str(root), {"depth": "{split}/depth"}, "train") == [root / "train/depth"]


def test_test_stands_in_for_val_and_nothing_for_train(root):
    assert split_folders(root, SIDES, "val")[0] == root / "left/test"
    for name in ("left/train", "train_right", "train/depth"):
        (root / name).rmdir()
    with pytest.raises(MissingSplitError) as caught:
        split_folders(root, SIDES, "train")
    assert str(caught.value) == f'{root} has no folders for the split "train". It has: test.'


def test_nothing_stands_in_where_some_of_the_folders_are_there(root):
    (root / "left" / "val").mkdir()

    with pytest.raises(DataError) as caught:
        split_folders(root, SIDES, "val")

    assert not isinstance(caught.value, MissingSplitError)
    assert str(caught.value) == (
        f"No folder {root / 'val_right'} and no folder {root / 'val' / 'depth'}; dataset.left and dataset.right and "
        "dataset.depth name them."
    )


def test_without_the_placeholder_all_splits_have_the_same(root):
    for split in ("train", "val", "test"):
        assert split_folders(root, {"left": "left", "right": "train_right"}, split) == [
            root / "left",
            root / "train_right",
        ]


def test_the_placeholder_belongs_in_all_names_or_none(root):
    with pytest.raises(ValueError, match='"{split}" belongs in each of "left" and "right", or in none'):
        split_folders(root, {"left": "left", "right": "{split}_right"}, "train")


@pytest.mark.parametrize("call", [existing_root, lambda root: split_folders(root, SIDES, "train")])
def test_a_root_that_is_no_folder(tmp_path, call):
    with pytest.raises(DataError, match=r"gone is not there\. Set dataset\.root"):
        call(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file is a file, not a folder"):
        call(str(tmp_path / "file"))


# Pictures that belong together


def test_names_are_paths_without_suffix_and_sorted(tmp_path):
    left = touch(tmp_path / "left", "b.png", "a/z.v1.JPG", "notes.txt")
    right = touch(tmp_path / "right", "b.npy", "a/z.v1.tif")

    assert match_images([left, right]) == {"a/z.v1": ("a/z.v1.JPG", "a/z.v1.tif"), "b": ("b.png", "b.npy")}
    assert match_images([right]) == {"a/z.v1": ("a/z.v1.tif",), "b": ("b.npy",)}


@pytest.mark.parametrize("ending", ["_rgb", "_rgb.png"])
def test_an_ending_is_taken_off_with_or_without_the_suffix_and_other_files_are_left_out(tmp_path, ending):
    left = touch(tmp_path / "left", "1_rgb.png", "1_depth.png", "in/2_rgb.png", "rgb_3.png", "4_RGB.png")
    right = touch(tmp_path / "right", "1.png", "in/2.png")

    found = match_images([left, right], {"left_ending": ending, "right_ending": None})

    assert found == {"1": ("1_rgb.png", "1.png"), "in/2": ("in/2_rgb.png", "in/2.png")}
    assert match_images([left, right], {"left_ending": ending, "right_ending": ""}) == found


def test_a_suffix_alone_is_an_ending(tmp_path):
    mixed = touch(tmp_path / "mixed", "a.jpg", "a.png", "b.jpg", "b.png")

    found = match_images([mixed, mixed], {"photo_ending": ".jpg", "map_ending": ".png"})

    assert found == {"a": ("a.jpg", "a.png"), "b": ("b.jpg", "b.png")}


def test_a_folder_for_each_pair(tmp_path):
    scenes = touch(tmp_path / "scenes", "0001/photo.png", "0001/depth.png", "0002/photo.png", "0002/depth.png")
    touch(scenes, "photo.png")  # nothing is left to call it by

    found = match_images([scenes, scenes], {"photo_ending": "photo", "depth_ending": "depth"})

    assert list(found) == ["0001", "0002"]
    assert found["0002"] == ("0002/photo.png", "0002/depth.png")


def test_all_that_is_missing_is_listed_for_each_folder(tmp_path):
    left = touch(tmp_path / "left", *(f"{index:02d}_l.png" for index in range(12)))
    right = touch(tmp_path / "right", "00.png", "other.png")
    depth = touch(tmp_path / "depth", *(f"{index:02d}.npy" for index in range(12)), "other.npy")

    with pytest.raises(DataError) as caught:
        match_images([left, right, depth], {"left_ending": "_l", "right_ending": None, "depth_ending": None})

    assert str(caught.value).splitlines() == [
        "The folders do not match (names are compared without ending and suffix):",
        f'1 that end in "_l" missing in {left}: other',
        f"11 missing in {right}: 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, ...",
    ]


def test_an_empty_folder_lacks_all(tmp_path):
    left, right = touch(tmp_path / "left", "a.png"), tmp_path / "right"
    right.mkdir()

    with pytest.raises(DataError, match=r"without suffix\):\n1 missing in .*right: a$"):
        match_images([left, right])
    with pytest.raises(DataError, match=r'1 that end in "_r" missing in .*right: a$'):
        match_images([left, right], {"left_ending": None, "right_ending": "_r"})
    (left / "a.png").unlink()
    with pytest.raises(DataError, match=r"left and .*right hold no pictures"):
        match_images([left, right])


def test_endings_are_suggested_where_no_name_is_in_all_folders(tmp_path):
    left, right = touch(tmp_path / "left", "a_l.png", "b.png"), touch(tmp_path / "right", "a_r.png")
    advice = r"No name is in all of them\. If they end differently, set "

    with pytest.raises(DataError, match=advice + r"dataset\.left_ending and dataset\.right_ending to their endings\.$"):
        match_images([left, right], {"left_ending": None, "right_ending": None})
    with pytest.raises(DataError, match=advice + r"dataset\.right_ending to their endings\.$"):
        match_images([left, right], {"left_ending": "_l", "right_ending": None})
    touch(right, "b.png")
    with pytest.raises(DataError, match=r"1 missing in .*left: a_r\n1 missing in .*right: a_l$"):
        match_images([left, right], {"left_ending": None, "right_ending": None})


def test_an_ending_that_no_picture_has_is_told_with_its_argument(tmp_path):
    left = touch(tmp_path / "left", "b_rgb.png", "a_rgb.png")

    with pytest.raises(DataError) as caught:
        match_images([left, left], {"left_ending": "_rgb", "right_ending": "_rbg"})

    assert str(caught.value) == (
        f'{left} has no pictures whose names end in "_rbg"; the first is a_rgb.png. Set dataset.right_ending to the '
        "ending of those to use."
    )


def test_two_pictures_of_one_name(tmp_path):
    left = touch(tmp_path / "left", "a_rgb.png", "a_rgb.jpg")

    with pytest.raises(DataError, match=r"a_rgb\.jpg and .*a_rgb\.png have the same name\. Remove one\.$"):
        match_images([left])
    with pytest.raises(DataError, match=r"Remove one, or set dataset\.left_ending to an ending that has the suffix"):
        match_images([left], {"left_ending": "_rgb"})
    assert match_images([left], {"left_ending": "_rgb.jpg"}) == {"a": ("a_rgb.jpg",)}


def test_sizes_are_compared_and_channels_are_not():
    image, other = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6, 1), np.uint16)
    check_same_size(Path("a.png"), image, Path("b.png"), other)

    with pytest.raises(DataError, match=r"a\.png is 6x4, but b\.png is 5x4 \(width x height\)"):
        check_same_size(Path("a.png"), image, Path("b.png"), other[:, :5])


@pytest.mark.parametrize("endings", [None, {"a_ending": "_a", "b_ending": None}])
def test_one_folder_twice_needs_two_endings(tmp_path, endings):
    touch(tmp_path, "0_a.png")
    with pytest.raises(ValueError, match="holds two sides of a pair"):
        match_images([tmp_path, tmp_path], endings)


def test_names_that_differ_in_upper_and_lower_case_alone_are_told_so(tmp_path):
    left, right = touch(tmp_path / "left", "IMG_1.png"), touch(tmp_path / "right", "img_1.png")

    with pytest.raises(DataError, match="upper and lower case"):
        match_images([left, right], {"left_ending": None, "right_ending": None})
    touch(right, "more.png")
    with pytest.raises(DataError, match="left_ending"):
        match_images([left, right], {"left_ending": None, "right_ending": None})


# Compact matches


def test_matches_are_a_mapping_in_the_order_of_the_names(tmp_path):
    left, right = (
        touch(tmp_path / "left", "a-b.png", "a.png", "c/d.jpg"),
        touch(tmp_path / "r", "a.npy", "a-b.tif", "c/d.bmp"),
    )
    found = match_names([left, right])
    assert dict(found) == match_images([left, right])
    assert list(found.names) == ["a", "a-b", "c/d"]
    assert [list(files) for files in found.files] == [["a.png", "a-b.png", "c/d.jpg"], ["a.npy", "a-b.tif", "c/d.bmp"]]
    assert dict(found.take([0, 2])) == {"a": ("a.png", "a.npy"), "c/d": ("c/d.jpg", "c/d.bmp")}
    assert "b" not in found


def test_names_and_matches_are_divided_as_lists_are(tmp_path):
    folder = touch(tmp_path, *(f"{number}.png" for number in range(60)))
    names, found = image_names(folder), match_names([folder])
    for split in ("train", "val", "test"):
        assert list(take_split(names, 0.5, split, folder)) == names_of_split(names, 0.5, split, folder)
        assert list(take_split(found, 0.5, split, folder)) == names_of_split(found, 0.5, split, folder)
    with pytest.raises(MissingSplitError, match="dataset.holdout"):
        take_split(names, 1e-9, "val", folder)
