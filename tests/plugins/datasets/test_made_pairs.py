"""Pairs made of single pictures: edges, colours, holes."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from itrans.api import DATASETS, DataError, MissingSplitError, as_channels, load, read_image, with_ab, write_image
from itrans_datasets.edges import line_drawing


@pytest.fixture
def pictures(tmp_path):
    """A folder with a split for training and one to validate; each picture a bright square on a dark ground."""
    for split, count in (("train", 3), ("val", 2)):
        for index in range(count):
            image = np.full((32, 48, 3), 40, np.uint8)
            image[8:24, 10 + index : 26 + index] = (220, 150, 60)
            write_image(tmp_path / "pictures" / split / f"{index}.png", image)
    return tmp_path / "pictures"


def build(name, root, split="train", **arguments):
    return DATASETS.build({"name": name, "root": str(root), **arguments}, split=split)


@pytest.mark.parametrize("method", ["canny", "xdog"])
def test_edges_are_black_where_the_picture_changes_and_nowhere_else(pictures, method):
    dataset = build("edges", pictures, method=method)
    pair = dataset[0]
    assert (len(dataset), pair.source.shape, pair.target.shape) == (3, (32, 48, 1), (32, 48, 3))
    dark = pair.source[..., 0] < 128
    assert dark.any()
    border = np.zeros((32, 48), np.uint8)
    cv2.rectangle(border, (10, 8), (25, 23), 1, thickness=5)
    assert not dark[border == 0].any()
    for row in range(10, 22):  # both upright edges are found in every row
        assert dark[row, :18].any()
        assert dark[row, 18:].any()


def test_thresholds_can_be_given(pictures):
    assert build("edges", pictures, low=1, high=100_000)[0].source.min() == 255


def test_xdog_is_soft_and_canny_is_not(pictures):
    coarse = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    write_image(pictures / "train" / "0.png", cv2.resize(coarse, (48, 32)))
    values = {method: np.unique(build("edges", pictures, method=method)[0].source) for method in ("canny", "xdog")}
    assert set(values["canny"]) <= {0, 255}
    assert len(values["xdog"]) > 3


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_edges_of_other_depths_and_channels(tmp_path, dtype):
    image = np.zeros((16, 16, 5), dtype)
    image[:, 8:] = 60000 if dtype == np.uint16 else 0.9
    write_image(tmp_path / "train" / "a.npy", image)
    pair = build("edges", tmp_path)[0]
    np.testing.assert_array_equal(pair.target, image)
    assert (pair.source[:, 6:10] == 0).any()


def test_colours_go_back_onto_their_lightness(pictures):
    dataset = build("colorization", pictures)
    pair = dataset[1]
    assert (dataset.source.kind, dataset.target.kind) == ("lightness", "ab")
    assert (pair.source.shape, pair.target.shape) == ((32, 48, 1), (32, 48, 2))
    difference = np.abs(with_ab(pair.source, pair.target).astype(int) - read_image(pictures / "train" / "1.png"))
    assert difference.max() <= 3  # Lab in 8 bits is not exact


def test_grey_has_no_ab_of_its_own(pictures):
    write_image(pictures / "train" / "0.png", np.full((32, 48, 3), 77, np.uint8))
    assert build("colorization", pictures)[0].target.tolist() == [[[128, 128]] * 48] * 32


def test_grey_pictures_teach_no_colours(tmp_path):
    write_image(tmp_path / "train" / "grey.png", np.zeros((8, 8, 1), np.uint8))
    with pytest.raises(DataError, match=r"grey\.png.* 1 channel of uint8; to learn colours takes RGB"):
        build("colorization", tmp_path)


def test_a_colouring_is_trained_and_written_in_rgb(itrans, tmp_path, pictures):
    (tmp_path / "c.toml").write_text(
        f'[dataset]\nname = "colorization"\nroot = "{pictures.as_posix()}"\n[generator]\nname = "unet"\ndepth = 3\n'
        'filters = 4\n[[loss]]\nname = "l1"\n[train]\nsteps = 2\nprecision = "fp32"\n'
    )
    done = itrans("run", "c.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    grey = read_image(pictures / "val" / "0.png")[..., :1]
    write_image(tmp_path / "grey.png", grey)
    done = itrans("translate", "run/checkpoints/last.pt", "grey.png", "-o", "out")
    assert done.exit_code == 0, done.output
    assert read_image(tmp_path / "out" / "grey.png").shape == (32, 48, 3)
    with pytest.raises(DataError, match="colours grey and RGB pictures of 8 bits"):
        load(tmp_path / "run" / "checkpoints" / "last.pt").translate(np.zeros((8, 8, 1), np.uint16))


def test_a_hole_in_the_middle_is_grey_and_the_rest_is_the_picture(pictures):
    pair = build("inpainting", pictures, hole=0.25, mask_channel=True)[0]
    assert pair.source.shape == (32, 48, 4)
    hole = np.zeros((32, 48), bool)
    hole[12:20, 18:30] = True
    assert (pair.source[hole] == [127, 127, 127, 255]).all()
    np.testing.assert_array_equal(pair.source[~hole][:, :3], pair.target[~hole])
    assert pair.source[~hole][:, 3].max() == 0


def test_random_holes_are_the_seed_s_and_those_held_out_stay(pictures):
    dataset = build("inpainting", pictures, mask="random", hole=0.25)
    drawn = [dataset.draw(0, seed).source.tobytes() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    again = build("inpainting", pictures, mask="random", hole=0.25)
    assert dataset[0].source.tobytes() == again[0].source.tobytes()
    places = {dataset.draw(0, seed).source.tobytes() for seed in range(40)}
    assert len(places) > 20


@pytest.mark.parametrize("name", ["edges", "colorization", "inpainting"])
class TestFolders:
    def test_splits_are_folders(self, name, pictures):
        assert [len(build(name, pictures, split)) for split in ("train", "val", "test")] == [3, 2, 2]

    def test_without_them_a_tenth_is_held_out(self, name, tmp_path):
        for index in range(60):
            write_image(tmp_path / f"{index}.png", np.full((4, 4, 3), index, np.uint8))
        parts = [build(name, tmp_path, split) for split in ("train", "val", "test")]
        keys = [part[index].key for part in parts for index in range(len(part))]
        assert sorted(keys) == sorted(f"{index}.png" for index in range(60))
        assert 45 <= len(parts[0]) <= 59

    def test_what_is_missing_is_told(self, name, tmp_path):
        with pytest.raises(DataError, match="is not there"):
            build(name, tmp_path / "gone")
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match="holds no pictures"):
            build(name, tmp_path / "empty")
        (tmp_path / "val").mkdir()
        with pytest.raises(MissingSplitError, match='no folder "train"'):
            build(name, tmp_path)
        with pytest.raises(ValueError, match='needs "root"'):
            DATASETS.build({"name": name}, split="train")

    def test_an_unreadable_picture_is_named(self, name, pictures):
        (pictures / "train" / "1.png").write_bytes(b"no picture")
        with pytest.raises(DataError, match=r"1\.png"):
            build(name, pictures)[1]

    def test_a_sample_needs_no_folder(self, name):
        dataset = DATASETS.build({"name": name, "sample": "facades"}, split="val")
        assert len(dataset) > 10
        assert dataset[0].target.shape[:2] == (128, 128)

    def test_a_folder_and_a_sample_at_once_are_refused(self, name, pictures):
        told = (
            '"root" and "sample" are both given, and each says where pictures come from: leave out "sample" to use '
            f'those in {pictures}, or "root" to use the sample "facades"'
        )
        with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
            build(name, pictures, sample="facades")


@pytest.mark.parametrize("name", ["edges", "inpainting"])
def test_channels_convert_a_sample_too(name):
    dataset = DATASETS.build({"name": name, "sample": "facades", "channels": 1}, split="val")
    colour = DATASETS.build({"name": name, "sample": "facades"}, split="val")
    assert (dataset.target.channels, colour.target.channels) == (1, 3)
    np.testing.assert_array_equal(dataset[0].target, as_channels(colour[0].target, 1))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('root = "pictures"\nsample = "facades"', '"root" and "sample" are both given'),
        ('root = "pictures"\nmethod = "xdog"\nhigh = 20', 'only method = "canny" uses "high"'),
    ],
)
def test_such_a_recipe_is_refused_with_one_message(itrans, tmp_path, pictures, table, message):
    (tmp_path / "r.toml").write_text(
        f'[dataset]\nname = "edges"\n{table}\n[generator]\nname = "unet"\n[[loss]]\nname = "l1"\n[train]\nsteps = 1\n'
    )
    for command in (("run", "r.toml", "-o", "run"), ("data", "check", "r.toml")):
        done = itrans(*command)
        assert done.exit_code == 2
        place, told = done.output.splitlines()
        assert place == "Error: r.toml:1  dataset"
        assert f" refuses its arguments: {message}" in told


def test_a_sample_in_place_of_a_missing_folder_has_no_root(itrans, tmp_path):
    (tmp_path / "r.toml").write_text(
        '[dataset]\nname = "edges"\nroot = "gone"\n[generator]\nname = "unet"\ndepth = 3\nfilters = 4\n'
        '[[loss]]\nname = "l1"\n[train]\nsteps = 1\n[sample]\ndataset = { name = "edges", sample = "facades" }\n'
    )
    done = itrans("run", "r.toml", "-o", "run", "--set", "validation.every=0", "--set", "log.pictures=0")
    assert done.exit_code == 0, done.output


def test_the_line_drawing_of_a_new_photo_is_translated(itrans, tmp_path, pictures):
    arguments = {"method": "xdog", "size": 16, "sigma": 0.8}
    (tmp_path / "r.toml").write_text(
        f'[dataset]\nname = "edges"\nroot = "{pictures.as_posix()}"\nmethod = "xdog"\nsize = 16\nsigma = 0.8\n'
        '[generator]\nname = "unet"\ndepth = 3\nfilters = 4\n[[loss]]\nname = "l1"\n[train]\nsteps = 1\n'
    )
    done = itrans("run", "r.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    photo = read_image(pictures / "val" / "1.png")
    drawing = line_drawing(photo, **arguments)
    np.testing.assert_array_equal(drawing, build("edges", pictures, "val", **arguments)[1].source)
    write_image(tmp_path / "drawings" / "1.png", drawing)
    done = itrans("translate", "run/checkpoints/last.pt", "drawings", "-o", "out")
    assert done.exit_code == 0, done.output
    assert read_image(tmp_path / "out" / "1.png").shape == (16, 24, 3)


def test_whose_pictures_a_sample_has_is_said_with_its_results(itrans, tmp_path, pictures, monkeypatch):
    monkeypatch.setattr("itrans_datasets.pictures.FolderPictures.attribution", "Pictures by somebody.")
    (tmp_path / "r.toml").write_text(
        '[dataset]\nname = "aligned"\nroot = "gone"\n[generator]\nname = "unet"\ndepth = 3\nfilters = 4\n'
        '[[loss]]\nname = "l1"\n[train]\nsteps = 1\n[sample.dataset]\nname = "edges"\n'
        f'root = "{pictures.as_posix()}"\n'
    )
    done = itrans("run", "r.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    assert "Pictures by somebody." in done.output
    assert "Pictures by somebody." in (tmp_path / "run" / "SAMPLE.txt").read_text()
    assert "Pictures by somebody." in load(tmp_path / "run" / "checkpoints" / "last.pt").sample
