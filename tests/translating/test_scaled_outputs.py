"""Outputs that are larger, or smaller, than their sources: alone, in a batch, in tiles, in streams, and in files."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from scaled import Scaled, enlarged, steps

from itrans.api import DATASETS, GENERATORS, ImageSpec, Pair, load, read_image, train
from itrans.pictures import bands

PLACE = [(33550, 12, 3, (10.0, 10.0, 0.0), True), (33922, 12, 6, (0.0, 0.0, 0.0, 500.0, 700.0, 0.0), True)]


class Steps:
    """One pair that has the scale."""

    source = target = ImageSpec(channels=3)

    def __init__(self, *, scale: str, split: str) -> None:
        self._network = Scaled(in_channels=3, out_channels=3, scale=scale)
        self.scale = self._network.scale

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Pair:
        size = [int(12 * self.scale)] * 2
        return Pair(steps(12, 12), cv2.resize(steps(12, 12), size, interpolation=cv2.INTER_AREA), str(index))


@pytest.fixture
def trained(tmp_path):
    """Train `Scaled` for a step, and return the checkpoint."""
    GENERATORS.register("scaled", replace=True)(Scaled)
    DATASETS.register("steps", replace=True)(Steps)

    def make(scale="2", **values):
        recipe = {
            "dataset": {"name": "steps", "scale": scale},
            "generator": {"name": "scaled", "scale": scale, **values.pop("generator", {})},
            "loss": [{"name": "l1"}],
            "optimizer": {"lr": 1e-30},
            "train": {"steps": 1, "precision": "fp32"},
            **values,
        }
        return train(recipe, output=tmp_path / "run", progress=False).checkpoint

    yield make
    GENERATORS.unregister("scaled")
    DATASETS.unregister("steps")


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("tile", [None, 32, 50])
def test_a_picture_becomes_twice_as_large(trained, tile, multiple):
    translator = load(trained(generator={"multiple": multiple}), device="cpu", precision="fp32")
    image = steps(61, 83)
    assert np.array_equal(translator.translate(image, tile=tile), enlarged(image, 2))


@pytest.mark.parametrize("scale", ["1/2", "2/3", "3/2"])
@pytest.mark.parametrize("size", [(72, 108), (71, 107)])
def test_tiles_of_a_fraction_are_the_whole(trained, scale, size):
    translator = load(trained(scale, generator={"multiple": 4}), device="cpu", precision="fp32")
    image = steps(*size)
    whole = translator.translate(image)
    assert whole.shape[0] == -(
        -size[0] * translator.generator.scale.numerator // translator.generator.scale.denominator
    )
    tiled = translator.translate(image, tile=33, overlap=9)
    assert tiled.shape == whole.shape
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_a_large_tiff_is_streamed_and_stays_where_it_is(trained, itrans, tmp_path, monkeypatch):
    monkeypatch.setattr(bands, "_LARGE", 1000)
    image = steps(150, 90)
    options = {"photometric": "rgb", "tile": (32, 32), "extratags": PLACE, "resolution": (300, 300)}
    tifffile.imwrite(tmp_path / "a.tif", image, resolutionunit=2, **options)
    checkpoint = trained()
    for name, tiling in (("streamed", ("--tile", 64)), ("whole", ())):
        done = itrans("translate", checkpoint, "a.tif", "-o", name, "--precision", "fp32", *tiling)
        assert done.exit_code == 0, done.output
        assert np.array_equal(read_image(tmp_path / name / "a.tif"), enlarged(image, 2))
        with tifffile.TiffFile(tmp_path / name / "a.tif") as file:
            page = file.pages[0]
            assert page.tags[33550].value[:2] == (5.0, 5.0)
            assert page.tags[33922].value == (0.0, 0.0, 0.0, 500.0, 700.0, 0.0)
            assert page.tags["XResolution"].value[0] / page.tags["XResolution"].value[1] == 600


def test_files_of_several_sizes_keep_their_resolution_on_paper(trained, itrans, tmp_path):
    (tmp_path / "in").mkdir()
    for number, size in enumerate([(10, 20), (10, 20), (7, 9)]):
        Image.fromarray(steps(*size)).save(tmp_path / "in" / f"{number}.png", dpi=(100, 100))
    done = itrans("translate", trained("1/2"), "in", "-o", "out")
    assert done.exit_code == 0, done.output
    assert [read_image(tmp_path / "out" / f"{number}.png").shape for number in range(3)] == [
        (5, 10, 3),
        (5, 10, 3),
        (4, 5, 3),
    ]
    with Image.open(tmp_path / "out" / "0.png") as picture:
        assert picture.info["dpi"] == pytest.approx((50, 50), abs=0.1)


def test_it_is_measured_with_the_enlarged_source_beside_it(trained, itrans):
    done = itrans("evaluate", trained(), "--json", "--split", "val")
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout)["scores"]
    assert scores["l1"]["value"] < 0.02 < scores["source_l1"]["value"] < 0.3


def test_a_data_set_of_another_scale_is_not_measured(trained, itrans):
    done = itrans("evaluate", trained(), "--set", "dataset.scale='3'")
    assert done.exit_code == 2
    assert "3 times" in done.stderr
    assert "2 times" in done.stderr


def test_what_is_exported_knows_its_scale(trained, itrans, tmp_path):
    checkpoint = trained(generator={"multiple": 8})
    done = itrans("export", checkpoint, "-o", "made")
    assert done.exit_code == 0, done.output
    cv2.imwrite(str(tmp_path / "a.png"), steps(13, 21))
    for options in ((), ("--tile", 16)):
        done = itrans("translate", "made/model.onnx", "a.png", "-o", "out", *options)
        assert done.exit_code == 0, done.output
        assert np.array_equal(cv2.imread(str(tmp_path / "out" / "a.png")), enlarged(steps(13, 21), 2))


def test_inspect_shows_both_sizes(trained, itrans):
    done = itrans("inspect", trained(), "--size", 24)
    assert done.exit_code == 0, done.output
    assert "3x24x24" in done.stdout
    assert "3x48x48" in done.stdout
