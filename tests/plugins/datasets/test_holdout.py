"""What has no folders for splits is divided by a hash of the names, in every data set of folders."""

from __future__ import annotations

import numpy as np
import pytest
from plugins.datasets.pairs import fill, keys
from plugins.datasets.streets import classes

from itrans.api import DATASETS, DataError, write_image

NAMES = [f"{index:02d}.png" for index in range(60)]


@pytest.fixture
def folders(tmp_path):
    fill(tmp_path / "flat", *NAMES)
    fill(tmp_path / "photos", *NAMES)
    for name in NAMES:
        write_image(tmp_path / "maps" / name, classes(int(name[:2])))
    return tmp_path


TABLES = {
    "aligned": {"root": "flat"},
    "edges": {"root": "flat"},
    "inpainting": {"root": "flat"},
    "colorization": {"root": "flat"},
    "unaligned": {"root": "", "folder_a": "photos", "folder_b": "flat"},
    "labels": {"root": "", "label_folder": "maps", "photo_folder": "photos", "classes": 3},
}


def build(folders, name, split="train", **arguments):
    table = {"name": name, **TABLES[name], **arguments}
    return DATASETS.build(table | {"root": str(folders / table["root"])}, split=split)


@pytest.mark.parametrize("name", TABLES)
def test_every_picture_is_in_one_split(folders, name):
    parts = {split: set(keys(build(folders, name, split, holdout=0.5))) for split in ("train", "val", "test")}
    if name != "unaligned":  # whose keys name two pictures
        assert sum(map(len, parts.values())) == len(set().union(*parts.values())) == 60
    assert 18 <= len(parts["train"]) <= 42
    assert min(len(parts["val"]), len(parts["test"])) >= 5
    more = set(keys(build(folders, name, holdout=0.1)))
    assert len(more) > len(parts["train"])
    if name != "unaligned":
        assert more > parts["train"]


def test_the_sides_of_unpaired_data_have_their_own_splits(folders):
    seen = {split: build(folders, "unaligned", split, holdout=0.4)._files for split in ("train", "val", "test")}
    for side in (0, 1):
        assert sorted(name for files in seen.values() for name in files[side]) == NAMES


def test_instance_maps_are_divided_too(folders):
    (folders / "inst").mkdir()
    for name in NAMES:
        write_image(folders / "inst" / name, classes(0))
    table = {"name": "instance_maps", "root": str(folders), "labels": 3, "holdout": 0.5}
    table |= {"label_folder": "maps", "photo_folder": "photos", "instance_folder": "inst"}
    parts = [keys(DATASETS.build(table, split=split)) for split in ("train", "val", "test")]
    assert sorted(key for part in parts for key in part) == [name.removesuffix(".png") for name in NAMES]


def test_folders_for_splits_are_used_where_there_are_some(folders):
    fill(folders / "flat" / "train", "a.png", "b.png")
    assert keys(build(folders, "aligned", holdout=0.5)) == ["a.png", "b.png"]
    with pytest.raises(DataError, match='has no folder "val"'):
        build(folders, "aligned", "val")


def test_a_name_that_is_no_utf_8_is_divided_like_others(tmp_path):
    place = tmp_path / "flat"
    fill(place, "a.png")
    try:
        (place / "a.png").rename(place / "\udcff.png")
    except OSError:
        pytest.skip("file names are Unicode here")
    fill(place, *NAMES)
    found = [key for split in ("train", "val", "test") for key in keys(build(tmp_path, "aligned", split))]
    assert "\udcff.png" in found
    assert np.array_equal(sorted(found), sorted([*NAMES, "\udcff.png"]))
