"""SPADE's generator by the paper, training with and without an encoder, and translating with a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import GENERATORS, LOSSES, load, read_image, write_image
from itrans.testing import check_discriminator, check_generator, check_method
from itrans_spade.generators import SPADE


def record(folder):
    return torch.load(f"{folder}/checkpoints/last.pt", weights_only=True)


def tensors(value, key=""):
    """Yield every tensor of a nested state with its key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{key}.{name}")


# The generator


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_it_is_what_itrans_asks_of_a_generator(norm):
    check_generator("spade", filters=2, upsamplings=2, hidden=4, norm=norm)


def test_a_discriminator_with_spectral_norm_is_what_itrans_asks():
    check_discriminator("multiscale", scales=2, layers=2, filters=2, spectral=True)


def test_spectral_norm_is_of_the_layers_between():
    from itrans.api import DISCRIMINATORS

    table = {"name": "multiscale", "scales": 1, "filters": 4, "spectral": True}
    network = DISCRIMINATORS.build(table, in_channels=3, condition_channels=0)
    for _ in range(50):  # each estimates it a little better
        network(torch.zeros(1, 3, 64, 64), None)
    stages = [*network.networks[0].stages]
    for stage in stages[1:-1]:
        weight = stage[0].weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=0.05)
    assert not hasattr(stages[0][0], "parametrizations")


def test_the_generator_has_the_papers_layers():
    with torch.device("meta"):
        network = GENERATORS.build({"name": "spade", "spectral": False}, in_channels=36, out_channels=3)
    assert network.size_multiple == 64
    widths = [1024, 1024, 1024, 512, 256, 128, 64]
    assert [block.convs[1].out_channels for block in network.blocks] == widths
    assert [block.shortcut is None for block in network.blocks] == [True, True, True, False, False, False, False]

    def convolution(inputs, outputs, kernel, bias=1):
        return inputs * outputs * kernel**2 + bias * outputs

    def spade(channels):
        return convolution(36, 128, 3) + 2 * convolution(128, channels, 3)

    expected = convolution(36, 1024, 3) + convolution(64, 3, 3)
    for inputs, outputs in zip([1024, *widths], widths, strict=False):
        middle = min(inputs, outputs)
        expected += spade(inputs) + spade(middle) + convolution(inputs, middle, 3) + convolution(middle, outputs, 3)
        if inputs != outputs:
            expected += spade(inputs) + convolution(inputs, outputs, 1, bias=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_the_map_scales_and_shifts_each_place_of_what_is_normalised():
    layer = SPADE(1, 1, 1, "instance")
    with torch.no_grad():
        for convolution, value in ((layer.shared, 1.0), (layer.scale, 2.0), (layer.shift, 3.0)):
            convolution.weight.zero_()
            convolution.weight[0, 0, 1, 1] = value
            convolution.bias.zero_()
    x = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]]])
    planes = torch.tensor([[[[0.0, 0.0], [0.5, -1.0]]]])  # at its own size; what is below 0 the ReLU takes away
    expected = torch.tensor([[[[-1.0, 1.0], [-1.0 * (1 + 1) + 1.5, 1.0]]]])
    assert torch.allclose(layer(x, planes), expected, atol=1e-4)
    large = planes.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(layer(x, large), expected, atol=1e-4)


def test_another_norm_is_refused():
    with pytest.raises(ValueError, match='no norm "none"'):
        SPADE(1, 1, 1, "none")


# Training


def test_it_is_what_itrans_asks_of_a_method():
    losses = [(name, 1.0, LOSSES.build({"name": name})) for name in ("cgan", "l1")]
    check_method("spade", losses=losses, latent=2, encoder_filters=2, encoder_layers=2)


@pytest.mark.parametrize("method", ["spade", None])
def test_a_resumed_run_ends_with_the_same_bits(itrans, spade, method):
    changes = {} if method else {"method": None}
    recipe = spade(train={"batch_size": 2, "steps": 5, "precision": "bf16", "ema": 0.9}, **changes)
    assert itrans("run", recipe, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, "-o", "parts", "--stop-after", 3).exit_code == 130
    done = itrans("run", recipe, "-o", "parts", "--resume")
    assert done.exit_code == 0, done.output
    for part in ("networks", "training"):
        one, other = (dict(tensors(record(folder)[part])) for folder in ("whole", "parts"))
        assert [key for key, value in one.items() if not torch.equal(value, other[key])] == []
    encoders = {"encoder"} if method else set()
    assert set(record("whole")["networks"]) == {"generator", "discriminator"} | encoders


def test_a_recipe_without_an_image_loss_is_refused(itrans, spade):
    done = itrans("run", spade(loss=[{"name": "cgan", "objective": "hinge"}]), "--check")
    assert done.exit_code == 2
    assert 'The method "spade" needs an image loss' in done.stderr


# Translating


@pytest.fixture
def trained(itrans, spade, streets):
    """A checkpoint of two steps on label maps, and a folder with two of them."""
    labels = {"name": "labels", "root": str(streets), "classes": 3}
    folders = {"label_folder": "{split}_label", "photo_folder": "{split}_img"}
    done = itrans("run", spade(dataset=labels | folders, validation={"every": 0}), "-o", "run")
    assert done.exit_code == 0, done.output
    for number in range(2):
        write_image(f"in/{number}.png", read_image(streets / f"val_label/{number}.png").repeat(2, axis=1))
    return "run/checkpoints/last.pt"


def pictures(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.png"))}


@pytest.mark.parametrize("more", [(), ("--with", "reference=style.png"), ("--tile", 16)])
def test_a_picture_is_translated_alone_as_in_a_batch(itrans, trained, more):
    write_image("style.png", np.random.default_rng(0).integers(0, 255, (21, 33, 3), dtype=np.uint8))
    for count in (1, 2):
        done = itrans("translate", trained, "in", "-o", f"out{count}", "--batch-size", count, *more)
        assert done.exit_code == 0, done.output
    assert pictures("out1") == pictures("out2")
    assert read_image("out1/0.png").shape == (16, 32, 3)


def test_styles_are_drawn_taken_from_a_reference_or_the_mean(trained):
    translator = load(trained, precision="fp32")
    source = read_image("in/0.png")
    assert not np.array_equal(*translator.samples(source, 2))
    assert np.array_equal(*translator.samples(source, 2, strength=0.0))
    styles = [translator.translate(source, reference=np.full((24, 40, 3), value, np.uint8)) for value in (0, 255)]
    assert not np.array_equal(*styles)


@pytest.mark.parametrize("command", [("evaluate", "run"), ("inspect", "run"), ("export", "run", "-o", "exported")])
def test_the_other_commands_take_it(itrans, trained, command):
    if command[0] == "export":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    done = itrans(*command)
    assert done.exit_code == 0, done.output
    assert "Traceback" not in done.output
