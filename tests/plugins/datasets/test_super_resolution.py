"""Pictures made smaller, and pairs of two sizes in two folders."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from scaled import enlarged, steps

from itrans.api import DATASETS, DataError, scale_of, write_image
from itrans_datasets.super_resolution import smaller


def build(name, folder, **arguments):
    return DATASETS.build({"name": name, "root": str(folder), **arguments}, split="train")


@pytest.fixture
def pictures(tmp_path):
    for index, size in enumerate([(13, 21), (12, 20), (40, 40), (24, 24)]):
        write_image(tmp_path / "train" / f"{index}.png", steps(*size))
    return tmp_path


@pytest.mark.parametrize("kernel", ["bicubic", "area"])
@pytest.mark.parametrize("scale", [2, 3])
def test_targets_are_the_pictures_cut_to_a_multiple(pictures, kernel, scale):
    dataset = pickle.loads(pickle.dumps(build("super_resolution", pictures, scale=scale, kernel=kernel)))
    assert scale_of(dataset) == scale
    pair = dataset[0]
    height, width = 13 // scale, 21 // scale
    assert np.array_equal(pair.target, steps(13, 21)[: height * scale, : width * scale])
    assert pair.source.shape == (height, width, 3)
    assert pair.source.dtype == np.uint8


def test_area_is_the_mean():
    image = steps(8, 12)
    means = image.reshape(4, 2, 6, 2, 3).mean((1, 3))
    assert np.abs(smaller(image, 2, "area") - means).max() <= 0.5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_bicubic_looks_at_all_pixels_and_stays_in_the_range(dtype, channels):
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    board = (np.indices((32, 32)).sum(0) % 2 * white).astype(dtype)[:, :, None].repeat(channels, axis=2)
    made = smaller(board, 4, "bicubic")
    assert made.dtype == dtype
    assert np.abs(made[2:-2, 2:-2].astype(float) / white - 0.5).max() < 0.01  # a checkerboard becomes grey
    edge = np.where(np.arange(32) < 15, 0, white).astype(dtype)[None, :, None].repeat(32, axis=0)
    assert (smaller(edge, 2, "bicubic").min(), smaller(edge, 2, "bicubic").max()) == (0, white)


def test_a_picture_smaller_than_a_pixel_of_a_source_is_named(pictures):
    write_image(pictures / "train" / "9.png", steps(3, 30))
    dataset = build("super_resolution", pictures, scale=4)
    with pytest.raises(DataError, match=r"9\.png is 30x3.*scale = 4"):
        dataset[4]


@pytest.mark.parametrize(("scale", "sizes"), [(2, (8, 16)), (0.5, (16, 8)), (1.5, (8, 12))])
def test_two_folders_may_have_a_scale(tmp_path, scale, sizes):
    for name, side in zip(("source", "target"), sizes, strict=True):
        for index in range(3):
            write_image(tmp_path / "train" / name / f"{index}.png", steps(side, side))
    dataset = build("paired", tmp_path, scale=scale)
    assert scale_of(dataset) == scale
    assert [side.shape[0] for side in dataset[1][:2]] == [*sizes]
    write_image(tmp_path / "train" / "target" / "1.png", steps(9, 9))
    with pytest.raises(DataError, match=r"source.1\.png.*target.1\.png is 9x9.*scale"):
        dataset[1]


def test_data_check_and_view_know_the_scale(itrans, tmp_path):
    for index in range(6):
        source = cv2.resize(steps(3, 3), (8, 8), interpolation=cv2.INTER_LINEAR)
        source[0, 0] = index
        for split in ("train", "val"):
            source[0, 1] = len(split)
            write_image(tmp_path / "mine" / split / "source" / f"{index}.png", source)
            write_image(tmp_path / "mine" / split / "target" / f"{index}.png", enlarged(source, 2))
    (tmp_path / "sr.toml").write_text(
        '[dataset]\nname = "paired"\nroot = "mine"\nscale = 2\n[augment]\ncrop = 4\n[generator]\nname = "edsr"\n'
        '[[loss]]\nname = "l1"\n[train]\nsteps = 1\n'
    )
    done = itrans("data", "check", "sr.toml")
    assert done.exit_code == 0, done.output
    assert "8x8" in done.stdout
    assert "16x16" in done.stdout
    assert "source_l1" in done.stdout
    assert itrans("data", "view", "sr.toml", "--pairs", 1).exit_code == 0
    page = (tmp_path / "pairs.html").read_text()
    assert "3x4x4" in page
    assert "3x8x8" in page
    done = itrans("data", "check", "sr.toml", "--set", "dataset.scale=1")
    assert done.exit_code == 2
    assert "0.png is 8x8" in done.stderr
