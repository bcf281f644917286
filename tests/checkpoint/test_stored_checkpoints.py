"""A file of every format that was written: it loads, translates, evaluates and is resumed, now and in time to come.

`checkpoint-0.1.0.pt` is the `last.pt` of the recipe and the data of `tests/conftest.py` (`root = "aligned"`,
`ema = 0.9`), stopped after 5 of 8 steps with itrans as of commit fb73cb2; `translated-0.1.0.png` is what that made of
`aligned/val/00.png`, in fp32.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import load, read_image
from itrans.checkpoint.file import load_checkpoint

STORED = Path(__file__).parent.parent / "stored"


@pytest.fixture
def run(itrans, recipe, tmp_path):
    """A run's folder, as 0.1.0 has left it, beside its data; the recipe's path comes with it."""
    text = recipe.read_text().replace(recipe.with_name("aligned").as_posix(), "aligned")
    recipe.write_text(text.replace("epochs = 2", "epochs = 2\nema = 0.9"))
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    shutil.copy(STORED / "checkpoint-0.1.0.pt", tmp_path / "run/checkpoints/last.pt")
    return tmp_path / "run"


def test_it_loads(run):
    found = load_checkpoint(run)
    assert (found.progress.step, found.progress.epoch, found.progress.batch, found.length) == (5, 1, 1, 8)
    assert set(found.networks) == {"generator", "discriminator"}
    assert set(found.training["averages"]) == {"generator"}
    assert found.recorded["generator", "unet"] == "itrans"


def test_it_translates_what_it_did(run):
    output = load(run, precision="fp32").translate(read_image("aligned/val/00.png"))
    expected = read_image(STORED / "translated-0.1.0.png")
    assert np.abs(output.astype(int) - expected).max() <= 1  # CPUs differ in the last bits


def test_it_is_evaluated(itrans, run):
    done = itrans("evaluate", "run", "--split", "val", "--json", "--precision", "fp32")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["step"], found["pictures"]) == (5, 3)
    errors = []
    for number in range(3):
        picture = read_image(f"aligned/val/0{number}.png")
        planes = torch.from_numpy(picture[:, :16]).permute(2, 0, 1)[None] / 127.5 - 1
        output = load("run", precision="fp32").translate_planes(planes)[0].permute(1, 2, 0).numpy()
        errors.append(np.abs((output + 1) / 2 - picture[:, 16:] / 255).mean())
    assert found["scores"]["l1"]["value"] == pytest.approx(np.mean(errors), rel=1e-6)


def test_it_is_inspected(itrans, run):
    done = itrans("inspect", "run/checkpoints/last.pt")
    assert done.exit_code == 0, done.output
    assert "generator" in done.stdout


def test_it_is_resumed(itrans, run, recipe):
    done = itrans("run", recipe, "-o", "run", "--resume")
    assert done.exit_code == 0, done.output
    found = load_checkpoint("run/checkpoints/last.pt")
    assert found.progress.step == 8
    assert found.training["updates"] == {"generator": 8, "discriminator": 8}
