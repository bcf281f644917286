"""Translating with a bridge: steps, noise and seeds, alone and in a batch, in tiles, exported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import load, read_image, write_image


@pytest.fixture
def checkpoint(itrans, bridge):
    """A bridge between pictures that has learned little, but whose network gives other than zeros."""
    done = itrans("run", bridge(validation={"every": 0}, log={"pictures": 0, "page": False}), "-o", "run")
    assert done.exit_code == 0, done.output
    path = "run/checkpoints/last.pt"
    state = torch.load(path, weights_only=True)
    draw = torch.Generator().manual_seed(1)
    for value in state["networks"]["generator"].values():
        value += 0.1 * torch.randn(value.shape, generator=draw)
    torch.save(state, path)
    for number in range(3):
        write_image(f"in/{number}.png", np.random.default_rng(number).integers(0, 255, (24, 32, 3), dtype=np.uint8))
    return path


def translated(itrans, checkpoint, out, *options):
    done = itrans("translate", checkpoint, "in", "-o", out, "--precision", "fp32", *options)
    assert done.exit_code == 0, done.output
    return [read_image(f"{out}/{number}.png") for number in range(3)]


def equal(first, second):
    return all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_picture_has_the_same_bytes_alone_and_in_a_batch(itrans, checkpoint, precision):
    options = ("--option", "noise=0.5", "--option", "steps=4", "--precision", precision)
    alone = translated(itrans, checkpoint, "alone", *options, "--batch-size", 1)
    assert equal(alone, translated(itrans, checkpoint, "together", *options, "--batch-size", 3))


def test_steps_noise_and_the_seed_decide_what_is_drawn(itrans, checkpoint):
    usual = translated(itrans, checkpoint, "usual")
    assert equal(usual, translated(itrans, checkpoint, "again", "--option", "steps=3"))
    for number, options in enumerate(
        [("--option", "steps=2"), ("--seed", "5"), ("--option", "noise=1"), ("--option", "noise=0.5")]
    ):
        assert not equal(usual, translated(itrans, checkpoint, f"other{number}", *options)), options
    once = ("--option", "steps=1")
    assert equal(*(translated(itrans, checkpoint, f"one{seed}", *once, "--seed", seed) for seed in (1, 2)))


def test_it_translates_in_tiles(itrans, checkpoint):
    whole = translated(itrans, checkpoint, "whole", "--tile", 40)
    assert equal(whole, translated(itrans, checkpoint, "usual"))  # a tile that is larger than the picture
    parts = translated(itrans, checkpoint, "parts", "--tile", 16, "--overlap", 4)
    assert equal(parts, translated(itrans, checkpoint, "again", "--tile", 16, "--overlap", 4, "--batch-size", 1))
    assert [picture.shape for picture in parts] == [(24, 32, 3)] * 3


@pytest.mark.parametrize("option", ["steps=0", "steps=1001", "steps=2.5", "noise=1.5", "noise=-1", "stps=4"])
def test_an_option_that_it_does_not_have_is_refused_by_name(itrans, checkpoint, option):
    done = itrans("translate", checkpoint, "in", "-o", "out", "--option", option)
    assert done.exit_code == 2
    assert option.split("=")[0] in done.stderr
    assert "Traceback" not in done.output


def test_the_options_are_listed(checkpoint):
    assert load(checkpoint).accepted.options == {"steps": None, "noise": 0.0}
    with pytest.raises(Exception, match="backward"):
        load(checkpoint).translate(read_image("in/0.png"), direction="backward")


def test_evaluate_takes_options_and_validation_the_recipe_s_steps(itrans, checkpoint):
    usual, same, other = (
        itrans("evaluate", checkpoint, "--split", "val", "--json", *options)
        for options in ((), ("--option", "steps=3"), ("--option", "steps=1"))
    )
    assert usual.exit_code == same.exit_code == other.exit_code == 0, other.output
    first, second, third = (json.loads(done.stdout)["scores"] for done in (usual, same, other))
    assert first == second != third


@pytest.mark.parametrize(("channels", "steps"), [((1, 3), 1), ((3, 1), 3)], ids=["grey to colour", "colour to grey"])
def test_the_sides_may_have_other_channels(itrans, bridge, halves, tmp_path, channels, steps):
    for path in halves.rglob("*.png"):
        picture = read_image(path)
        for folder, half, planes in zip("ab", (picture[:, :16], picture[:, 16:]), channels, strict=True):
            write_image(tmp_path / "sides" / path.parent.name / folder / path.name, half[:, :, :planes])
    dataset = {"name": "paired", "root": (tmp_path / "sides").as_posix(), "source": "{split}/a", "target": "{split}/b"}
    done = itrans("run", bridge(dataset=dataset), "-o", "run")
    assert done.exit_code == 0, done.output
    translator = load("run/checkpoints/last.pt")
    assert translator.translate(np.zeros((9, 13, channels[0]), np.uint8), steps=steps).shape == (9, 13, channels[1])


@pytest.mark.slow
def test_it_is_exported_with_the_recipe_s_steps(itrans, checkpoint):
    pytest.importorskip("onnxruntime")
    done = itrans("export", checkpoint, "-o", "exported", "--size", "32x24")
    assert done.exit_code == 0, done.output
    written = translated(itrans, next(Path("exported").glob("*.onnx")), "out")
    here = translated(itrans, checkpoint, "here")
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(written, here, strict=True)) <= 1
