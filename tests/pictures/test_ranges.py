"""Specs with a range of values: hundredths of a kelvin become kelvin, by a network that changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from itrans.api import GENERATORS, DataError, ImageSpec, load, read_image, write_image
from itrans.data.augment import PairTransform
from itrans.pictures import bands
from itrans.pictures.kinds import kind_of
from itrans.pictures.tensors import stack
from itrans.recipe.schema import Augment
from itrans.records import Pair

KELVIN = ImageSpec(channels=1, dtype="float32", low=270, high=320)
STORED = ImageSpec(channels=1, dtype="uint16", low=27000, high=32000)
RECIPE = """\
[dataset]
name = "paired"
root = "heat"
target = "{split}/kelvin"
source_range = [27000, 32000]
target_range = [270, 320]

[augment]
mirror = true

[generator]
name = "same"

[[loss]]
name = "l1"

[optimizer]
lr = 1e-12

[train]
batch_size = 2
steps = 2
precision = "fp32"
workers = 0
"""


@pytest.fixture
def heat(tmp_path):
    """A recipe for pictures of 16 bits and their kelvin."""

    @GENERATORS.register("same")
    class Same(nn.Module):
        def __init__(self, *, in_channels: int, out_channels: int) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(()))

        def forward(self, source):
            return source * self.factor

    for split, count in (("train", 4), ("val", 2)):
        for index in range(count):
            values = np.random.default_rng(index).integers(27000, 32001, (24, 20, 1)).astype(np.uint16)
            values[0, 0], values[0, 1] = 27000, 32000
            write_image(tmp_path / f"heat/{split}/source/{index}.png", values)
            write_image(tmp_path / f"heat/{split}/kelvin/{index}.{'npy' if index else 'tif'}", kelvin(values))
    path = tmp_path / "heat.toml"
    path.write_text(RECIPE)
    yield path
    GENERATORS.unregister("same")


def kelvin(values):
    return values.astype(np.float32) / np.float32(100)


def test_planes_and_arrays_are_the_same_line_there_and_back():
    kind = kind_of(KELVIN)
    values = np.linspace(270, 320, 101, dtype=np.float32).reshape(1, -1, 1)
    planes = kind.planes(stack([values]), KELVIN)
    assert planes.min() == -1
    assert planes.max() == 1
    assert planes[0, 0, 0, 50] == pytest.approx(0, abs=1e-6)
    (again,) = kind.arrays(planes * 2, KELVIN)
    assert (again.dtype, again.min(), again.max()) == (np.float32, 270, 320)
    (again,) = kind.arrays(planes, KELVIN, "uint8")
    assert np.abs(again - values).max() < 1e-4
    (whole,) = kind_of(STORED).arrays(planes, STORED)
    assert np.abs(whole - 100 * values).max() <= 0.51
    (shown,) = kind.shown([values], KELVIN, [values])
    assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"low": 3, "high": 1}, "from 3 to 1"),
        ({"low": -1, "dtype": "uint16"}, "does not fit uint16"),
        ({"high": float("inf"), "dtype": "float32"}, "finite"),
        ({"high": 1e39, "dtype": "float32"}, "finite"),
        ({"high": 3, "kind": "labels", "labels": 3}, "labels"),
    ],
)
def test_a_range_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(DataError, match=words):
        ImageSpec(channels=1, **arguments)


def test_training_evaluating_and_translating_use_the_same_line(heat, itrans, tmp_path):
    done = itrans("run", heat, "-o", "run")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    value = next(line["metrics"]["l1"] for line in lines if line["event"] == "validation")
    assert value < 1e-5
    assert itrans("evaluate", "run", "--split", "val", "--output", "scores").exit_code == 0
    done = itrans("translate", "run", "heat/val/source", "-o", "out")
    assert done.exit_code == 0, done.output
    for index in range(2):
        wanted = kelvin(read_image(f"heat/val/source/{index}.png"))
        assert np.abs(read_image(f"out/{index}.tif", any_floats=True) - wanted).max() < 1e-3
    translator = load("run")
    assert (translator.source, translator.target) == (STORED, KELVIN)
    values = read_image("heat/val/source/0.png")
    tiled = translator.translate(values, tile=16, overlap=4)
    assert np.abs(tiled - kelvin(values)).max() < 1e-3
    samples = read_image(next(iter(sorted(Path("run/samples").glob("*.png")))))
    assert samples.dtype == np.uint8
    for command in (["inspect", "run"], ["report", "run"], ["data", "view", heat, "-o", "view.html"]):
        done = itrans(*command)
        assert done.exit_code == 0, done.output


def test_a_large_tiff_goes_by_bands(heat, itrans, tmp_path, monkeypatch):
    assert itrans("run", heat, "-o", "run").exit_code == 0
    tifffile = pytest.importorskip("tifffile")
    monkeypatch.setattr(bands, "_LARGE", 0)
    values = read_image("heat/val/source/0.png")
    tifffile.imwrite("a.tif", values[..., 0], photometric="minisblack")
    assert itrans("translate", "run", "a.tif", "-o", "out", "--tile", "16", "--overlap", "4").exit_code == 0
    assert np.abs(read_image("out/a.tif", any_floats=True) - kelvin(values)).max() < 1e-3
    values[22, 3] = 5
    tifffile.imwrite("a.tif", values[..., 0], photometric="minisblack")
    done = itrans("translate", "run", "a.tif", "-o", "out", "--tile", "16", "--overlap", "4")
    assert done.exit_code == 2
    assert "a.tif has the value 5 at x = 3, y = 22, and the range is 27000 to 32000" in done.output


def test_pictures_outside_the_range_are_refused_by_name(heat, itrans, tmp_path):
    assert itrans("run", heat, "-o", "run").exit_code == 0
    values = read_image("heat/train/source/1.png")
    values[4, 7] = 33000
    write_image("heat/train/source/1.png", values)
    for command in (["data", "check", heat], ["run", heat, "-o", "again"]):
        done = itrans(*command)
        assert done.exit_code == 2
        assert "1: the source has the value 33000 at x = 7, y = 4, and the range is 27000 to 32000" in done.output
    done = itrans("translate", "run", "heat/train/source/1.png", "-o", "out")
    assert done.exit_code == 2
    assert "heat/train/source/1.png" in done.output
    assert "33000 at x = 7, y = 4" in done.output
    broken = kelvin(read_image("heat/val/source/0.png"))
    broken[0, 0] = np.nan
    write_image("heat/val/kelvin/0.tif", broken)
    done = itrans("data", "check", heat)
    assert "0.tif has NaN among its floats" in done.output
    write_image("bytes.png", np.zeros((8, 8, 1), np.uint8))
    done = itrans("translate", "run", "bytes.png", "-o", "out")
    assert "takes uint16 from 27000 to 32000" in done.output


def test_without_a_range_floats_and_checkpoints_are_as_before(heat, itrans, aligned, recipe):
    with pytest.raises(DataError, match="should be from 0 to 1"):
        read_image("heat/train/kelvin/1.npy")
    done = itrans(
        "data", "check", heat, "--set", "dataset.source_range=[27000,32000]", "--set", "dataset.target_range=[280,290]"
    )
    assert done.exit_code == 2
    assert itrans("run", recipe, "-o", "plain", "--set", "train.steps=1").exit_code == 0
    stored = torch.load("plain/checkpoints/last.pt", weights_only=True)["source"]
    assert "low" not in stored
    assert "high" not in stored
    assert tomllib.loads(Path("plain/recipe.toml").read_text())["dataset"].keys().isdisjoint({"source_range"})


def test_other_ranges_than_in_training_are_not_measured(heat, itrans):
    assert itrans("run", heat, "-o", "run").exit_code == 0
    done = itrans("evaluate", "run", "--split", "val", "--set", "dataset.source_range=[20000,40000]")
    assert done.exit_code == 2
    assert "from 27000 to 32000" in done.output
    done = itrans("run", heat, "-o", "x", "--set", "dataset.source_range=[3,1]")
    assert done.exit_code == 2
    assert "The range from 3 to 1 is not one" in done.output
    assert "dataset" in done.output


def test_a_narrow_band_of_16_bits_is_noticed(heat, itrans):
    text = heat.read_text().replace("source_range = [27000, 32000]\n", "")
    heat.write_text(text)
    done = itrans("data", "check", heat)
    assert done.exit_code == 0, done.output
    assert "source_range = [27000, 32000]" in done.output


def test_augmentation_stays_within_the_range():
    table = {"name": "RandomBrightnessContrast", "brightness_limit": (0.9, 0.9), "p": 1.0}
    augment = Augment.model_validate({"transform": [table, {"name": "Rotate", "p": 1.0}], "size": 12})
    transform = PairTransform(augment, STORED, KELVIN)
    values = np.full((16, 16, 1), 29500, np.uint16)
    done = transform(Pair(values, kelvin(values), "a"), 3)
    for spec, image in ((STORED, done.source), (KELVIN, done.target)):
        assert kind_of(spec).fault(image, spec) is None
        assert image.max() > image.min()


@pytest.mark.parametrize("spec", [STORED, KELVIN], ids=["uint16", "float32"])
def test_it_is_exported_and_served(heat, itrans, tmp_path, spec):
    pytest.importorskip("onnxscript")
    if spec == STORED:
        for split in ("train", "val"):
            shutil.rmtree(f"heat/{split}/kelvin")
            shutil.copytree(f"heat/{split}/source", f"heat/{split}/kelvin")
        heat.write_text(heat.read_text().replace("[270, 320]", "[27000, 32000]"))
    assert itrans("run", heat, "-o", "run").exit_code == 0
    done = itrans("export", "run", "-o", "model")
    assert done.exit_code == 0, done.output
    done = itrans("translate", "model/model.onnx", "heat/val/source", "-o", "out")
    assert done.exit_code == 0, done.output
    values = read_image("heat/val/source/0.png")
    suffix, wanted = ("png", values) if spec == STORED else ("tif", kelvin(values))
    made = read_image(f"out/0.{suffix}", any_floats=True)
    assert np.abs(made.astype(np.float32) - wanted).max() < 1e-2
    if spec == STORED:
        script = Path("model/translate.py")
        assert script.is_file()
        command = [sys.executable, script, "heat/val/source/0.png", "-o", "scripted"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert np.array_equal(read_image("scripted/0.png"), made)
        write_image("low.png", np.zeros((8, 8, 1), np.uint16))
        done = subprocess.run([*command[:2], "low.png", "-o", "x"], capture_output=True, text=True, check=False)
        assert "outside of 27000 to 32000" in done.stderr
