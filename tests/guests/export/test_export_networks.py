"""Networks are exported with the sizes and the batches that they take, and give what the checkpoint gives."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from guests.export.made_checkpoints import RGB, SMALL, made_checkpoint, picture
from torch import nn

from itrans.api import GENERATORS, METHODS, ImageSpec, apply_generator, load, write_image
from itrans.commands import load_checkpoint


def planes(*shape):
    return torch.from_numpy(np.random.default_rng(1).random(shape, dtype=np.float32) * 2 - 1)


def said(done):
    return " ".join(done.stdout.split())


def without_dropout(checkpoint, mode="paper"):
    translator = load(checkpoint, device="cpu", mode=mode, precision="fp32")
    for network in translator.generators.values():
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    return translator


def test_all_that_come_with_itrans_are_tested():
    elsewhere = ("itrans_spandrel", "itrans_bridge")  # in tests of their own
    own = [origin for origin in GENERATORS.origins() if origin.distribution == "itrans"]
    assert {origin.name for origin in own if not origin.module.startswith(elsewhere)} == set(SMALL)


@pytest.mark.parametrize(
    ("generator", "mode"),
    [
        *((generator, "paper") for generator in sorted(set(SMALL) - {"noise_mlp"})),
        *((generator, "running") for generator in ("unet", "resnet", "global")),
    ],
)
def test_outputs_are_those_of_the_checkpoint_whatever_the_size(itrans, generator, mode):
    to = "onnx" if mode == "paper" else "pt2"  # as all together would take too long
    made_checkpoint("G.pt", generator)
    done = itrans("export", "G.pt", "-o", "out", "--to", to, "--mode", mode)
    assert done.exit_code == 0, done.output
    assert "any height and width" in said(done)
    assert "any number at once" in said(done)
    translator = without_dropout("G.pt", mode)
    multiple = getattr(translator.generator, "size_multiple", 1)
    if to == "onnx":
        session = onnxruntime.InferenceSession("out/model.onnx")
    else:
        module = torch.export.load("out/model.pt2").module()
    for count, rows, columns in ((1, 2, 2), (3, 2, 5)):
        source = planes(count, 3, rows * multiple, columns * multiple)
        expected = translator.translate_planes(source)
        made = torch.from_numpy(session.run(None, {"source": source.numpy()})[0]) if to == "onnx" else module(source)
        assert (made - expected).abs().max() < 1e-4


def test_a_picture_may_be_of_the_smallest_size_where_the_innermost_map_is_one_pixel(itrans):
    made_checkpoint("G.pt", "unet")
    source = planes(1, 3, 8, 8)
    expected = without_dropout("G.pt").translate_planes(source)
    for to in ("onnx", "pt2"):
        assert itrans("export", "G.pt", "-o", to, "--to", to).exit_code == 0
    made = onnxruntime.InferenceSession("onnx/model.onnx").run(None, {"source": source.numpy()})[0]
    assert np.abs(made - expected.numpy()).max() < 1e-5
    assert (torch.export.load("pt2/model.pt2").module()(source) - expected).abs().max() < 1e-6


def test_the_difference_is_shown_and_above_the_tolerance_nothing_is_written(itrans, tmp_path):
    made_checkpoint("G.pt")
    write_image("mine/a.png", picture(20, 30))
    done = itrans("export", "G.pt", "-o", "out", "--pictures", "mine")
    assert done.exit_code == 0, done.output
    assert "1 picture of mine" in said(done)
    done = itrans("export", "G.pt", "-o", "other", "--pictures", "mine", "--tolerance", "0")
    assert done.exit_code == 2
    assert "--tolerance is 0" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"G.pt", "G.toml", "mine", "out"}


def test_a_seeded_mask_of_dropout_is_part_of_a_network_of_one_size(itrans):
    made_checkpoint("G.pt", "resnet")
    done = itrans("export", "G.pt", "-o", "out", "--dropout", "seeded", "--seed", 3, "--size", "30x20")
    assert done.exit_code == 0, done.output
    assert "32x20 only" in done.stdout
    assert "dropout seeded" in done.stdout
    write_image("in/a.png", picture(20, 30))
    write_image("wide/a.png", picture(20, 40))
    assert itrans("translate", "out/model.onnx", "in", "-o", "made").exit_code == 0
    assert itrans("translate", "G.pt", "in", "-o", "expected", "--seed", 3, "--precision", "fp32").exit_code == 0
    assert itrans("translate", "G.pt", "in", "-o", "others", "--seed", 4, "--precision", "fp32").exit_code == 0
    made, expected, others = (load_pixels(f"{name}/a.png") for name in ("made", "expected", "others"))
    assert np.abs(made - expected).max() <= 1
    assert np.abs(made - others).max() > 1
    done = itrans("translate", "out/model.onnx", "wide", "-o", "made")
    assert (done.exit_code, "32x20 only" in done.stderr) == (2, True)
    done = itrans("export", "G.pt", "-o", "other", "--dropout", "seeded", "--mode", "running")
    assert (done.exit_code, "--mode paper" in done.stderr) == (2, True)


def load_pixels(path):
    from itrans.api import read_image

    return read_image(path).astype(int)


@pytest.mark.parametrize("to", ["onnx", "pt2"])
def test_noise_is_an_input(itrans, to):
    digit, label = ImageSpec(channels=1), ImageSpec(channels=10)
    made_checkpoint("G.pt", "noise_mlp", source=label, target=digit, augment={"size": 8})
    np.save("label.npy", picture(8, 8, 10))
    done = itrans("export", "G.pt", "-o", "out", "--to", to, "--pictures", "label.npy")
    assert done.exit_code == 0, done.output
    assert "noise is an input" in said(done)
    assert "8x8 only" in done.stdout
    if to == "pt2":
        return
    session = onnxruntime.InferenceSession("out/model.onnx")
    assert [(entry.name, entry.shape[1:]) for entry in session.get_inputs()] == [
        ("source", [10, 8, 8]),
        ("noise_1", [5]),
    ]
    assert "no translate.py" in done.stdout
    # every seed has other noise, and every picture of a seed the same
    done = itrans("translate", "out/model.onnx", "label.npy", "-o", "drawn", "--samples", 2, "--format", "npy")
    assert done.exit_code == 0, done.output
    assert "all the same" not in done.output
    assert not np.array_equal(np.load("drawn/label-1.npy"), np.load("drawn/label-2.npy"))


TEXTURED = '''
    import torch
    from torch import nn
    from itrans.api import GENERATORS, Noise


    @GENERATORS.register("textured", replace=True)
    class Textured(nn.Module):
        """Adds noise to every pixel."""

        def __init__(self, *, in_channels: int, out_channels: int) -> None:
            super().__init__()
            self.noise = Noise()
            self.last = nn.Conv2d(in_channels, out_channels, 3, padding=1)

        def forward(self, source):
            return torch.tanh(self.last(source + self.noise(source)))


    @GENERATORS.register("drawing", replace=True)
    class Drawing(Textured):
        """Draws random numbers by itself."""

        def forward(self, source):
            return torch.tanh(self.last(source + torch.rand_like(source)))


    @GENERATORS.register("branching", replace=True)
    class Branching(Textured):
        """Takes another way for other sizes, and for several pictures."""

        def forward(self, source):
            if len(source) == 1 and source.shape[2] == source.shape[3] == 12:
                return torch.tanh(self.last(source))
            return torch.cat([self.forward(one) for one in source.split(1)]) if len(source) > 1 else self.last(source)
'''


@pytest.fixture
def textured(tmp_path):
    from itrans.cli.options import import_code

    path = tmp_path / "textured.py"
    path.write_text(textwrap.dedent(TEXTURED), encoding="utf-8")
    import_code((str(path),))
    yield path
    for name in ("textured", "drawing", "branching"):
        GENERATORS.unregister(name)


def test_noise_of_the_size_of_a_feature_map_makes_the_size_a_fixed_one(itrans, textured):
    made_checkpoint("G.pt", "textured")
    write_image("in/a.png", picture(12, 12))
    done = itrans("export", "G.pt", "-o", "out", "--pictures", "in", "--seed", 5)
    assert done.exit_code == 0, done.output
    assert "12x12 only" in done.stdout
    assert "noise of the size of a feature map" in said(done)
    assert itrans("translate", "out/model.onnx", "in", "-o", "made").exit_code == 0
    assert itrans("translate", "G.pt", "in", "-o", "expected", "--seed", 5, "--precision", "fp32").exit_code == 0
    assert np.abs(load_pixels("made/a.png") - load_pixels("expected/a.png")).max() <= 1


def test_a_network_that_takes_one_size_only_is_exported_with_that_and_with_a_reason(itrans, textured):
    made_checkpoint("G.pt", "branching")
    write_image("in/a.png", picture(12, 12))
    done = itrans("export", "G.pt", "-o", "out", "--pictures", "in")
    assert done.exit_code == 0, done.output
    assert "12x12 only" in done.stdout
    assert itrans("translate", "out/model.onnx", "in", "-o", "made").exit_code == 0


def test_a_network_that_draws_by_itself_is_refused(itrans, textured):
    made_checkpoint("G.pt", "drawing")
    write_image("in/a.png", picture(12, 12))
    done = itrans("export", "G.pt", "-o", "out", "--pictures", "in")
    assert done.exit_code == 2
    assert "the class Noise" in done.stderr


def test_both_directions_of_a_method_are_exported(itrans):
    grey = ImageSpec(channels=1)
    parts = {
        "method": {"name": "cyclegan"},
        "discriminator": {"name": "patchgan", "patch": 16, "filters": 4},
        "loss": [{"name": "gan"}, {"name": "cycle"}],
        "dataset": {"name": "unaligned", "root": "datasets/mine"},
    }
    made_checkpoint("G.pt", "resnet", source=RGB, target=grey, **parts)
    write_image("in/a.png", picture(20, 30, 1))
    done = itrans("export", "G.pt", "-o", "back", "--direction", "BtoA", "--mode", "running", "--pictures", "in")
    assert done.exit_code == 0, done.output
    assert itrans("translate", "back/model.onnx", "in", "-o", "made").exit_code == 0
    arguments = ("--direction", "BtoA", "--precision", "fp32", "--mode", "running")
    assert itrans("translate", "G.pt", "in", "-o", "expected", *arguments).exit_code == 0
    assert load_pixels("made/a.png").shape == (20, 30, 3)
    assert np.abs(load_pixels("made/a.png") - load_pixels("expected/a.png")).max() <= 1
    done = itrans("export", "G.pt", "-o", "other", "--direction", "AtoC")
    assert (done.exit_code, "AtoB" in done.stderr) == (2, True)


def test_the_file_says_what_it_takes_and_whose_data_it_was_trained_on(itrans):
    classes = ImageSpec(channels=1, kind="labels", labels=3, names=("sky", "wall", "door"))
    made_checkpoint("G.pt", source=classes, sample="drawn facades")
    assert itrans("export", "G.pt", "-o", "out").exit_code == 0
    said = {entry.key: json.loads(entry.value) for entry in onnx.load("out/model.onnx").metadata_props
            if entry.key.startswith("itrans.")}  # fmt: skip
    assert said["itrans.source"]["names"] == ["sky", "wall", "door"]
    assert said["itrans.range"] == [-1, 1]
    assert (said["itrans.size_multiple"], said["itrans.mode"], said["itrans.dropout"]) == (8, "paper", "off")
    assert said["itrans.sample"] == "drawn facades"
    assert itrans("export", "G.pt", "-o", "pt2", "--to", "pt2").exit_code == 0
    # no places on this machine, which are no business of others
    for file in ("out/model.onnx", "pt2/model.pt2", "pt2/model.json"):
        assert b"generators.py" not in Path(file).read_bytes()
        assert b"datasets/mine" not in Path(file).read_bytes()
    assert json.loads(Path("pt2/model.json").read_text())["sample"] == "drawn facades"


@pytest.mark.parametrize("half", [False, True])
def test_weights_have_the_names_of_the_checkpoint(itrans, half):
    from safetensors import safe_open

    made_checkpoint("G.pt")
    done = itrans("export", "G.pt", "-o", "out", "--to", "safetensors", *(["--half"] if half else []))
    assert done.exit_code == 0, done.output
    state = load_checkpoint("G.pt").networks["generator"]
    with safe_open("out/generator.safetensors", "pt") as file:
        assert set(file.keys()) == set(state)
        for name, value in state.items():
            wanted = value.half() if half and value.is_floating_point() else value
            assert torch.equal(file.get_tensor(name), wanted)
        assert json.loads(file.metadata()["itrans.target"])["channels"] == 3
    assert json.loads(Path("out/recipe.json").read_text())["generator"]["depth"] == 3


def test_networks_may_be_called_like_methods_of_modules(itrans):
    class Named:
        generators = directions = ("forward", "half")

        def __init__(self, *, build_generator, source, target, losses):
            self.networks = {name: build_generator(source.planes, target.planes) for name in self.generators}

        def step(self, batch, runtime):
            raise NotImplementedError

        def translate(self, source, direction="forward"):
            return apply_generator(self.networks[direction], source)

    METHODS.register("named", replace=True)(Named)
    try:
        made_checkpoint("N.pt", "unet", method={"name": "named"})
        done = itrans("export", "N.pt", "-o", "out", "--direction", "half")
    finally:
        METHODS.unregister("named")
    assert done.exit_code == 0, done.output
    assert Path("out/model.onnx").is_file()
