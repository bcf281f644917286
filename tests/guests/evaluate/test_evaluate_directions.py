"""Methods that translate there and back are evaluated one way at a time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from cli.printed import json_of

from itrans.api import load, read_image

CYCLE = """
[method]
name = "cyclegan"
[generator]
name = "resnet"
blocks = 1
filters = 4
[discriminator]
name = "patchgan"
layers = 1
filters = 4
norm = "instance"
[[loss]]
name = "gan"
[[loss]]
name = "cycle"
[train]
steps = 1
precision = "fp32"
"""


@pytest.fixture
def both_ways(itrans, aligned):
    """Train there and back on pairs."""
    Path("cycle.toml").write_text(f'[dataset]\nname = "aligned"\nroot = "{aligned.as_posix()}"\n' + CYCLE)
    done = itrans("run", "cycle.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    return Path("run/checkpoints/last.pt")


def test_each_direction_is_measured_against_the_side_that_it_leads_to(itrans, both_ways, aligned):
    translator = load(both_ways, precision="fp32")
    for direction, options in (("AtoB", []), ("AtoB", ["--direction", "AtoB"]), ("BtoA", ["--direction", "BtoA"])):
        found = json_of(itrans("evaluate", both_ways, "--split", "val", "--json", *options))
        distances = []
        for path in sorted((aligned / "val").iterdir()):
            sides = [np.ascontiguousarray(side) for side in np.split(read_image(path), 2, axis=1)]
            source, target = sides if direction == "AtoB" else sides[::-1]
            planes = torch.from_numpy(source).permute(2, 0, 1)[None] / 127.5 - 1
            output = translator.translate_planes(planes, direction)[0].permute(1, 2, 0).numpy()
            distances.append(np.abs((output + 1) / 2 - target / 255).mean())
        assert found["direction"] == direction
        assert found["scores"]["l1"]["value"] == pytest.approx(np.mean(distances), abs=1e-6)


def test_the_direction_is_said_and_drawn(itrans, both_ways, aligned):
    done = itrans("evaluate", both_ways, "--split", "val", "--direction", "BtoA", "-o", "out", "--pairs", 1)
    assert "split val, direction BtoA, mode paper" in done.stdout
    assert "direction BtoA" in Path("out/results.md").read_text()
    first = cv2.imread(str(min((aligned / "val").iterdir())))
    drawn = cv2.imread("out/best.png")[22 : 22 + 96 : 6]  # each pixel is shown as 6x6
    assert np.array_equal(drawn[:, 4:100:6], first[:, 16:])
    assert np.array_equal(drawn[:, 204:300:6], first[:, :16])


def test_a_direction_that_there_is_not_is_refused(itrans, both_ways, recipe):
    done = itrans("evaluate", both_ways, "--split", "val", "--direction", "Atob")
    assert done.exit_code == 2
    assert 'There is no direction "Atob". Did you mean "AtoB"' in done.stderr
    itrans("run", recipe, "-o", "paired", "--set", "train.steps=1")
    paired = "paired/checkpoints/last.pt"
    assert json_of(itrans("evaluate", paired, "--split", "val", "--json"))["direction"] is None
    assert itrans("evaluate", paired, "--split", "val", "--direction", "BtoA").exit_code == 2
