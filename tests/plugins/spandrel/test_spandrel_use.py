"""Recipes with networks of spandrel's: checked by the kit, trained, resumed, tiled, exported."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from guests.export.made_checkpoints import made_checkpoint, picture
from plugins.spandrel.small_networks import SMALL

from itrans.api import load, read_image, write_image
from itrans.checkpoint.file import load_checkpoint
from itrans.testing import check_generator

pytest.importorskip("spandrel", reason="needs the extra spandrel")
pytestmark = pytest.mark.filterwarnings("ignore:'saved_variables'", "ignore:torch.meshgrid", "ignore:Initializing zero")


@pytest.mark.parametrize("name", ["nafnet", "dncnn", "drunet", "safmn_bcie", "kbnet_s", "retinexformer", "hvi_cidnet"])
def test_the_kit_finds_nothing(name):
    check_generator(f"spandrel_{name}", **SMALL[name])


def table(name):
    return f"generator={{name='spandrel_{name}', {', '.join(f'{key}={value}' for key, value in SMALL[name].items())}}}"


@pytest.mark.parametrize("name", ["nafnet", "dncnn"])
def test_a_run_that_was_stopped_ends_with_the_same_bits(itrans, recipe, name):
    own = ("--set", table(name), "--set", "train={batch_size=2, steps=4, precision='fp32', ema=0.9}")
    assert itrans("run", recipe, *own, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, *own, "-o", "parts", "--stop-after", 3).exit_code == 130
    done = itrans("run", recipe, *own, "-o", "parts", "--resume")
    assert done.exit_code == 0, done.output
    one, other = (load_checkpoint(f"{folder}/checkpoints/last.pt").networks for folder in ("whole", "parts"))
    for network in one:
        assert all(torch.equal(value, other[network][key]) for key, value in one[network].items()), network


def test_pictures_are_translated_alone_and_in_company_and_in_tiles(itrans):
    made_checkpoint("G.pt", "spandrel_nafnet", arguments=SMALL["nafnet"])
    for number in range(3):
        write_image(f"mine/{number}.png", picture(40, 40 + number % 2))
    assert itrans("translate", "G.pt", "mine", "-o", "all").exit_code == 0
    for number in range(3):
        assert itrans("translate", "G.pt", f"mine/{number}.png", "-o", "alone").exit_code == 0
        assert np.array_equal(read_image(f"all/{number}.png"), read_image(f"alone/{number}.png"))
    done = itrans("translate", "G.pt", "mine", "-o", "tiles", "--tile", 32)
    assert done.exit_code == 0, done.output
    assert read_image("tiles/0.png").shape == (40, 40, 3)


@pytest.mark.parametrize("name", ["nafnet", "dncnn"])
def test_an_exported_network_gives_what_the_checkpoint_gives(itrans, name):
    made_checkpoint("G.pt", f"spandrel_{name}", arguments=SMALL[name])
    done = itrans("export", "G.pt", "-o", "out", "--size", "32x32")
    assert done.exit_code == 0, done.output
    session = onnxruntime.InferenceSession("out/model.onnx")
    source = torch.rand(1, 3, 32, 32) * 2 - 1
    expected = load("G.pt", device="cpu", precision="fp32").translate_planes(source)
    made = torch.from_numpy(session.run(None, {"source": source.numpy()})[0])
    assert (made - expected).abs().max() < 1e-4
