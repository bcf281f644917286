"""Resuming, and translating with codes that are drawn or taken from a picture, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from itrans.api import load, read_image, write_image


def record(folder):
    return torch.load(f"{folder}/checkpoints/last.pt", weights_only=True)


def tensors(value, key=""):
    """Yield every tensor of a nested state with its key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{key}.{name}")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_ends_with_the_same_bits(itrans, bicycle, precision):
    recipe = bicycle(train={"batch_size": 2, "steps": 5, "precision": precision, "ema": 0.9})
    assert itrans("run", recipe, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, "-o", "parts", "--stop-after", 3).exit_code == 130
    done = itrans("run", recipe, "-o", "parts", "--resume")
    assert done.exit_code == 0, done.output
    for part in ("networks", "training"):
        one, other = (dict(tensors(record(folder)[part])) for folder in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert [key for key, value in one.items() if not torch.equal(value, other[key])] == []
    assert set(record("whole")["training"]["averages"]) == {"generator", "encoder"}


@pytest.fixture
def trained(itrans, bicycle, looks):
    """A checkpoint of two steps whose outputs depend on the code, and a folder with two sources."""
    done = itrans("run", bicycle(validation={"every": 0}), "-o", "run")
    assert done.exit_code == 0, done.output
    for number in range(2):
        write_image(f"in/{number}.png", read_image(looks / f"val/{number}.png")[:, :16])
    return "run/checkpoints/last.pt"


def pictures(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.png"))}


def test_samples_differ_and_a_strength_of_nothing_makes_them_alike(itrans, trained):
    assert itrans("translate", trained, "in/0.png", "-o", "out", "--samples", 3).exit_code == 0
    assert len(set(pictures("out").values())) == 3
    done = itrans("translate", trained, "in/0.png", "-o", "mean", "--samples", 3, "--option", "strength=0")
    assert done.exit_code == 0, done.output
    assert len(set(pictures("mean").values())) == 1


@pytest.mark.parametrize("more", [(), ("--with", "reference=style.png"), ("--tile", 16)])
def test_a_picture_is_translated_alone_as_in_a_batch(itrans, trained, more):
    write_image("style.png", np.random.default_rng(0).integers(0, 255, (21, 33, 3), dtype=np.uint8))
    wide = [read_image(f"in/{number}.png").repeat(2, axis=1) for number in range(2)]
    for number, picture in enumerate(wide):
        write_image(f"in/{number}.png", picture)
    for count in (1, 2):
        done = itrans("translate", trained, "in", "-o", f"out{count}", "--batch-size", count, *more)
        assert done.exit_code == 0, done.output
    assert pictures("out1") == pictures("out2")
    assert read_image("out1/0.png").shape == (16, 32, 3)


def test_a_reference_decides_the_style_and_seeds_do_not(trained):
    translator = load(trained, precision="fp32")
    source = read_image("in/0.png")
    styles = [np.full((24, 40, 3), value, np.uint8) for value in (0, 255)]
    dark, bright = (translator.translate(source, reference=style) for style in styles)
    assert not np.array_equal(dark, bright)
    assert np.array_equal(dark, translator.translate(source, reference=styles[0], seed=5))
    assert not np.array_equal(translator.translate(source, seed=4), translator.translate(source, seed=5))
    assert translator.accepted.options == {"strength": 1.0}
    assert set(translator.accepted.extras) == {"reference"}


def test_any_generator_will_do(itrans, bicycle):
    recipe = bicycle(generator={"name": "unet", "depth": 2, "filters": 2, "norm": "none"}, validation={"every": 0})
    assert itrans("run", recipe, "-o", "run").exit_code == 0
    translator = load("run")
    source = np.zeros((18, 14, 3), np.uint8)
    outputs = translator.samples(source, 2)
    assert outputs[0].shape == (18, 14, 3)
    assert not np.array_equal(*outputs)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--option", "strength=-1"), "strength"),
        (("--option", "strong=1"), "strong"),
        (("--option", "reference=style.png"), "--with reference=VALUE"),
        (("--with", "reference=nothing.png"), "nothing.png"),
        (("--with", "style=style.png"), "style"),
        (("--with", "reference=small.png"), "3x3"),
        (("--direction", "back"), "back"),
    ],
)
def test_what_cannot_be_is_refused_by_name(itrans, trained, options, told):
    write_image("style.png", np.zeros((20, 20, 3), np.uint8))
    write_image("small.png", np.zeros((3, 3, 3), np.uint8))
    done = itrans("translate", trained, "in", "-o", "out", *options)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output


def test_the_other_commands_take_it(itrans, trained, looks):
    done = itrans("evaluate", "run", "--option", "strength=0.5", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)
    done = itrans("inspect", "run")
    assert done.exit_code == 0, done.output
    assert "encoder" in done.output


def test_an_exported_network_takes_a_code(itrans, trained):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    done = itrans("export", trained, "-o", "exported")
    assert done.exit_code == 0, done.output
    source = cv2.resize(read_image("in/0.png"), (24, 16))
    outputs = load("exported/model.onnx").samples(source, 2)  # of codes of its own
    assert outputs[0].shape == (16, 24, 3)
    assert not np.array_equal(*outputs)
