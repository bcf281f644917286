"""`itrans data prepare`: what is made of the pictures of folders."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from guests.data.folders import files, label_map, picture
from PIL import Image
from plugins.datasets.streets import palette_png

from itrans.api import DATASETS, part_of, read_image, read_label_map, write_image

COLOURS = [[0, 0, 0], [250, 0, 0], [0, 250, 0], [0, 0, 250]]


# Splits


def test_pictures_are_divided_by_their_names_alone(photos, tmp_path, itrans):
    before = files(photos)
    done = itrans("data", "prepare", "photos", "-o", "out", "--split", "train=0.5,val=0.25,test=0.25")
    assert done.exit_code == 0, done.output
    places = {name.split("/", 1)[1]: name.split("/")[0] for name in files(tmp_path / "out")}
    assert places == {name: part_of(name.removesuffix(".png"), 0.5) for name in before}
    for number in range(100, 130):
        write_image(photos / f"new/{number}.png", picture(number))
    assert itrans("data", "prepare", "photos", "-o", "more", "--split", "train=0.5,val=0.25,test=0.25").exit_code == 0
    assert set(files(tmp_path / "out")) < set(files(tmp_path / "more"))
    assert {name: before[name] for name in before} == {name: files(photos)[name] for name in before}


@pytest.mark.parametrize("group", ["folder", r"(v\d)/", r"^v\d"])
def test_groups_stay_together(photos, tmp_path, itrans, group):
    done = itrans("data", "prepare", "photos", "-o", "out", "--split", "train=0.6,test=0.4", "--group", group)
    assert done.exit_code == 0, done.output
    splits: dict[str, set[str]] = {}
    for name in files(tmp_path / "out"):
        splits.setdefault(name.split("/")[1], set()).add(name.split("/")[0])
    assert len(splits) == 4
    assert all(len(found) == 1 for found in splits.values())


def test_what_is_divided_stays_so(photos, tmp_path, itrans):
    for split, folder in (("train", "v0"), ("val", "v1")):
        (photos / folder).rename(photos / split)
    assert itrans("data", "prepare", "photos", "-o", "out").exit_code == 0
    assert sorted(files(tmp_path / "out")) == [
        *(f"train/f{number:02d}.png" for number in range(3)),
        *(f"val/f{number:02d}.png" for number in range(3, 6)),
    ]
    done = itrans("data", "prepare", "photos", "-o", "again", "--split", "train=1")
    assert (done.exit_code, "--split" in done.stderr) == (2, True)


# Two folders and A|B


def test_joining_and_halving_are_each_others_reverse(sides, tmp_path, itrans):
    done = itrans("data", "prepare", "a", "b", "-o", "ab", "--join")
    assert done.exit_code == 0, done.output
    assert 'name = "aligned"' in done.output
    joined = read_image(tmp_path / "ab/3.png")
    assert np.array_equal(joined, np.hstack([picture(3), picture(53)]))
    done = itrans("data", "prepare", "ab", "-o", "two", "--halve")
    assert done.exit_code == 0, done.output
    for number in range(8):
        assert np.array_equal(read_image(tmp_path / f"two/source/{number}.png"), picture(number))
        assert np.array_equal(read_image(tmp_path / f"two/target/{number}.png"), picture(number + 50))
    pairs = DATASETS.build(
        {"name": "paired", "root": str(tmp_path / "two"), "source": "source", "target": "target"}, split="train"
    )
    assert len(pairs) > 0


def test_grey_beside_colours_becomes_colours_and_other_kinds_are_refused(sides, tmp_path, itrans):
    write_image(tmp_path / "a/0.png", picture(0)[:, :, :1])
    write_image(tmp_path / "a/1.png", picture(1).astype(np.uint16) * 257)
    done = itrans("data", "prepare", "a", "b", "-o", "ab", "--join")
    assert done.exit_code == 2
    assert "a/1.png" in done.stderr
    assert sorted(files(tmp_path / "ab")) == ["0.png", *(f"{number}.png" for number in range(2, 8))]
    assert read_image(tmp_path / "ab/0.png").shape == (24, 64, 3)


# Sizes and tiles


@pytest.mark.parametrize(
    ("options", "shape"),
    [(["--shorter", 12], (12, 16)), (["--longer", 16], (12, 16)), (["--resize", "10x30"], (10, 30))],
)
def test_sizes(photos, tmp_path, itrans, options, shape):
    assert itrans("data", "prepare", "photos", "-o", "out", *options).exit_code == 0
    assert {read_image(tmp_path / "out" / name).shape[:2] for name in files(tmp_path / "out")} == {shape}


def test_what_is_not_changed_is_copied_bit_for_bit(photos, tmp_path, itrans):
    (photos / "v0/f00.png").unlink()
    cv2.imwrite(str(photos / "v0/f00.JPG"), picture(0))
    assert itrans("data", "prepare", "photos", "-o", "out", "--resize", "24x32").exit_code == 0
    found = files(tmp_path / "out")
    assert found.pop("v0/f00.jpg") == files(photos)["v0/f00.JPG"]
    assert found.items() < files(photos).items()


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (np.arange(96, dtype=np.uint16).reshape(8, 12, 1) * 600, ".png"),
        (np.linspace(0, 1, 288, dtype=np.float32).reshape(8, 12, 3), ".tif"),
        (np.arange(480, dtype=np.uint16).reshape(8, 12, 5), ".npy"),
        (np.arange(384, dtype=np.uint8).reshape(8, 12, 4), ".png"),
    ],
)
def test_depth_and_channels_stay(tmp_path, itrans, image, suffix):
    write_image(tmp_path / f"in/a{suffix}", image)
    done = itrans("data", "prepare", "in", "-o", "out", "--tile", 4, "--overlap", 2)
    assert done.exit_code == 0, done.output
    assert len(files(tmp_path / "out")) == 3 * 5
    tile = read_image(tmp_path / f"out/a-y04-x06{suffix}")
    assert np.array_equal(tile, image[4:8, 6:10])


def test_the_last_tile_ends_where_the_picture_does(tmp_path, itrans):
    write_image(tmp_path / "in/a.png", picture(0, 10, 23))
    assert itrans("data", "prepare", "in", "-o", "out", "--tile", 10).exit_code == 0
    assert sorted(files(tmp_path / "out")) == ["a-y00-x00.png", "a-y00-x10.png", "a-y00-x13.png"]
    assert np.array_equal(read_image(tmp_path / "out/a-y00-x13.png"), picture(0, 10, 23)[:, 13:])


def test_a_picture_smaller_than_a_tile_is_named_and_left_out(photos, tmp_path, itrans):
    write_image(photos / "small.png", picture(0, 8, 40))
    done = itrans("data", "prepare", "photos", "-o", "out", "--tile", 20)
    assert done.exit_code == 2
    assert "small.png" in done.stderr
    assert len(files(tmp_path / "out")) == 12 * 4


# Edges and label maps


@pytest.mark.parametrize("method", ["canny", "xdog"])
def test_edges_are_those_of_the_data_set(photos, tmp_path, itrans, method):
    done = itrans("data", "prepare", "photos", "-o", "out", "--edges", method, "--split", "train=1")
    assert done.exit_code == 0, done.output
    pairs = DATASETS.build({"name": "edges", "root": str(tmp_path / "photos"), "method": method}, split="train")
    source, target, key = pairs[0]
    assert np.array_equal(read_image(tmp_path / f"out/train/source/{key}"), source)
    assert np.array_equal(read_image(tmp_path / f"out/train/target/{key}"), target)


def test_label_maps_keep_values_and_palettes(tmp_path, itrans):
    for number in range(3):
        write_image(tmp_path / f"photos/{number}.png", picture(number))
        (tmp_path / "maps").mkdir(exist_ok=True)
        (tmp_path / f"maps/{number}.png").write_bytes(palette_png(label_map(number), COLOURS))
    done = itrans(
        "data", "prepare", "maps", "photos", "-o", "out", "--labels", "source", "--shorter", 12, "--split", "train=1"
    )
    assert done.exit_code == 0, done.output
    for number in range(3):
        path = tmp_path / f"out/train/source/{number}.png"
        stored = read_label_map(path)
        assert stored.shape == (12, 16, 1)
        assert np.array_equal(stored, label_map(number)[::2, ::2])
        with Image.open(path) as opened:
            assert opened.getpalette()[:12] == np.ravel(COLOURS).tolist()
    assert 'name = "labels"' in done.output
    assert "classes = 4" in done.output
    done = itrans("data", "prepare", "maps", "photos", "-o", "ab", "--labels", "source", "--join")
    assert done.exit_code == 2
    assert "maps/0.png" in done.stderr
