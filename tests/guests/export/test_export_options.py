"""Options of a method, and extras that are numbers, become part of an exported network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import conditional
import numpy as np
import pytest
import torch
from guests.export.made_checkpoints import picture
from torch import Tensor

from itrans.api import METHODS, apply_generator, load, read_image, train, write_image


class Toned(conditional.Painted):
    """Needs a colour, and no mask; may take an age and a style."""

    def translate(
        self,
        source: Tensor,
        direction: str = "paint",
        *,
        colour: Tensor,
        age: Tensor | None = None,
        style: Tensor | None = None,
        gain: float = 0.5,
        finish: str = "matt",
    ) -> Tensor:
        output = gain * apply_generator(self.generator, source, source[:, :1], colour=colour)
        if age is not None:
            output = output + age[:, None, None, None] / 10
        return (-output if finish == "gloss" else output).clamp(-1, 1)


@pytest.fixture(scope="module", autouse=True)
def components():
    conditional.register()
    METHODS.register("toned", replace=True)(Toned)
    yield
    METHODS.unregister("toned")
    conditional.unregister()


@pytest.fixture(scope="module")
def runs(tmp_path_factory, components):
    folder = tmp_path_factory.mktemp("conditional")
    for name in ("painted", "toned"):
        train({**conditional.RECIPE, "method": {"name": name}}, output=folder / name, progress=False)
    return folder


@pytest.fixture
def exported(itrans, runs):
    def export(name, *options):
        return itrans("export", runs / name, "-o", "out", "--mode", "running", "--size", "24x16", *map(str, options))

    return export


GIVEN = ("--option", "gain=0.8", "--option", "finish=gloss", "--with", "colour=blue", "--with", "age=1.5")


def test_a_network_has_the_values_that_are_given(exported, runs, tmp_path):
    done = exported("toned", *GIVEN)
    assert done.exit_code == 0, done.output
    assert "gain 0.8" in done.output
    assert "colour blue" in done.output
    write_image(Path("in/a.png"), image := picture(16, 24))
    translator = load(runs / "toned", mode="running", precision="fp32")
    expected = translator.translate(image, colour="blue", age=1.5, gain=0.8, finish="gloss").astype(int)
    assert np.abs(load("out/model.onnx").translate(image).astype(int) - expected).max() <= 1
    script = subprocess.run(
        [sys.executable, "out/translate.py", "in/a.png", "-o", "made"], capture_output=True, text=True, check=False
    )
    assert script.returncode == 0, script.stderr
    assert np.abs(read_image(Path("made/a.png")).astype(int) - expected).max() <= 1
    assert "colour blue" in Path("out/translate.py").read_text()


def test_the_description_has_all_options_and_the_extras_by_name(exported):
    done = exported("toned", "--to", "pt2", "--with", "colour=1")
    assert done.exit_code == 0, done.output
    said = json.loads(Path("out/model.json").read_text())
    assert said["options"] == {"gain": 0.5, "finish": "matt"}
    assert said["extras"] == {"colour": "green"}
    program = torch.export.load("out/model.pt2").module()
    assert program(torch.zeros(2, 3, 16, 24)).shape == (2, 3, 16, 24)


@pytest.mark.parametrize(
    ("name", "options", "texts"),
    [
        ("painted", ["--with", "colour=red"], ["one picture", '"mask"']),
        ("toned", ["--with", "colour=red", "--with", "style=a.png"], ["one picture", "--with style"]),
        ("toned", [], ['"colour"', "--with colour=red|green|blue"]),
        ("toned", ["--with", "colour=rde"], ['"colour"', 'Did you mean "red"']),
        ("toned", ["--with", "colour=red", "--option", "gian=2"], ['"gian"', '"gain"']),
        ("toned", ["--with", "colour=red", "--option", "gain=much"], ['"gain"', "number"]),
        ("toned", ["--with", "colour=red", "--with", "gain=2"], ['"gain"', "option"]),
    ],
)
def test_what_cannot_be_part_of_a_network_is_refused_by_name(exported, name, options, texts):
    done = exported(name, *options)
    assert done.exit_code == 2, done.output
    for text in texts:
        assert text in done.stderr
    assert not Path("out").exists()


def test_weights_alone_have_no_options(itrans, runs):
    for option in ("--option gain=2", "--with colour=red"):
        done = itrans("export", runs / "toned", "-o", "out", "--to", "safetensors", *option.split())
        assert done.exit_code == 2, done.output
        assert option.split()[0] in done.stderr
        assert "safetensors" in done.stderr
