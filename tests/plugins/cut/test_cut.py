"""CUT: what PatchNCE measures, in the features of which layers; a run that resumes; what recipes get wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch
from torch import nn

from itrans.api import GENERATORS, LOSSES, ImageSpec, PluginError, Translated, load, write_image
from itrans.testing import check_loss, check_method

RECIPE = {
    "seed": 3,
    "dataset": {"name": "unaligned", "root": "unpaired"},
    "method": {"name": "cut"},
    "generator": {"name": "resnet", "blocks": 1, "filters": 2},
    "discriminator": {"name": "patchgan", "patch": 16, "filters": 2, "norm": "instance"},
    "loss": [{"name": "gan", "objective": "lsgan"}, {"name": "patch_nce", "patches": 8, "width": 8}],
    "train": {"batch_size": 2, "steps": 4, "precision": "fp32", "workers": 0, "ema": 0.9},
    "log": {"every": 1, "pictures": 0, "page": False},
}


@pytest.fixture
def recipe(tmp_path):
    """Write the recipe, with some tables replaced, beside two folders of pictures that are no pairs."""
    noise = np.random.default_rng(0)
    for folder, count in {"trainA": 6, "trainB": 5, "testA": 2, "testB": 2}.items():
        for number in range(count):
            path = tmp_path / "unpaired" / folder / f"{number}.png"
            write_image(path, noise.integers(0, 255, (16, 16, 3), dtype=np.uint8))

    def write(**changes):
        (tmp_path / "cut.toml").write_text(tomli_w.dumps(RECIPE | changes))
        return "cut.toml"

    return write


def prepared(generator, **arguments):
    loss = LOSSES.get("patch_nce")(**{"patches": 16, "width": 8, **arguments})
    loss.prepare(networks={"generator": generator}, source=ImageSpec(3))
    return loss


def resnet(**arguments):
    return GENERATORS.get("resnet")(**{"in_channels": 3, "out_channels": 3, "blocks": 1, "filters": 4, **arguments})


def pictures(seed=0, size=32, count=2):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Same(nn.Module):
    """Heads that hand features on as they are, so that the loss can be computed by hand."""

    def forward(self, x):
        return x


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_of_places_that_cannot_be_told_apart_the_loss_is_the_logarithm_of_their_number(temperature):
    loss = prepared(resnet(), layers=["pixels"], temperature=temperature)
    flat = torch.full((2, 3, 8, 8), 0.5)
    with torch.no_grad():
        assert loss(Translated(flat, flat, flat)) == pytest.approx(math.log(16), abs=1e-5)


def test_the_loss_is_the_cross_entropy_of_cosines_over_the_temperature():
    loss = prepared(resnet(), layers=["pixels"], patches=4, temperature=0.5)
    loss.heads[0] = Same()
    source, output = torch.eye(4)[None, :3].reshape(1, 3, 2, 2) + 0.1, pictures(1, 2, 1)
    torch.manual_seed(0)
    found = loss(Translated(source, source, output))
    places = source.flatten(2)[0].T, output.flatten(2)[0].T  # all four; their order changes no mean
    keys, queries = (one / one.norm(dim=1, keepdim=True) for one in places)
    logits = queries @ keys.T / 0.5
    by_hand = -(logits.exp().diag() / logits.exp().sum(1)).log().mean()
    assert float(found) == pytest.approx(float(by_hand), abs=1e-5)


def test_a_true_likeness_costs_less_than_another_picture():
    torch.manual_seed(0)
    loss = prepared(resnet(), patches=32, width=32)
    with torch.no_grad():
        same, other = (loss(Translated(pictures(0), pictures(0), pictures(seed))) for seed in (0, 1))
    assert float(same) < float(other)


def test_layers_are_named_or_spread_over_the_encoder():
    assert prepared(resnet(), layers=["encoder.2", "blocks.0", "pixels"]).layers == ("encoder.2", "blocks.0", "pixels")
    first, *others = prepared(resnet(blocks=3)).layers
    assert first == "pixels"
    assert others == ["encoder.0", "blocks.0.layers.0", "blocks.1.layers.0", "blocks.2.layers.3"]
    unet = GENERATORS.get("unet")(in_channels=3, out_channels=3, depth=4, filters=2)
    names = dict(unet.named_modules())
    widths = [names[name].out_channels for name in prepared(unet).layers[1:]]
    assert widths == [2, 4, 8, 16]


def test_the_rest_of_the_generator_is_not_computed():
    generator = resnet()
    loss = prepared(generator, layers=["encoder.0", "encoder.2"])
    called = []
    generator.blocks.register_forward_hook(lambda *_: called.append("blocks"))
    loss(Translated(pictures(), pictures(), pictures(1)))
    assert not called
    assert not any(module._forward_hooks for name, module in generator.named_modules() if name != "blocks")


def test_gradients_reach_the_generator_through_its_own_layers_and_the_heads():
    generator = resnet()
    loss = prepared(generator)
    source = pictures()
    loss(Translated(source, source, generator(source))).backward()
    for network in (generator, loss.heads):
        assert all(parameter.grad is not None for parameter in network.parameters())
    assert {name.split(".")[0] for name, _ in loss.named_parameters()} == {"heads"}


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (["encoder.22"], 'has no layer "encoder.22". Did you mean "encoder.2"'),
        (["head"], "makes no feature maps"),
        (["spare"], "does not call its layer"),
    ],
)
def test_layers_that_are_of_no_use_are_named(layers, told):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 1))
            self.head, self.spare = nn.Flatten(), nn.Conv2d(3, 3, 1)

        def forward(self, source):
            self.head(source)
            return self.encoder(source)

    with pytest.raises(PluginError) as caught:
        prepared(Odd(), layers=layers)
    assert told in str(caught.value)


def test_a_resumed_run_ends_with_the_same_bits_the_heads_among_them(itrans, recipe):
    name = recipe()
    assert itrans("run", name, "-o", "whole").exit_code == 0
    assert itrans("run", name, "-o", "parts", "--stop-after", 2).exit_code == 130
    assert itrans("run", name, "-o", "parts", "--resume").exit_code == 0
    one, other = (torch.load(f"{run}/checkpoints/last.pt", weights_only=True) for run in ("whole", "parts"))
    assert set(one["networks"]) == {"generator", "discriminator", "loss.patch_nce"}
    for network, state in one["networks"].items():
        assert all(torch.equal(value, other["networks"][network][key]) for key, value in state.items()), network
    start = torch.load("parts/checkpoints/last.pt", weights_only=True)["training"]["optimizers"]
    assert set(start) == set(one["networks"])


def test_translating_needs_the_generator_alone_and_no_company(itrans, recipe):
    assert itrans("run", recipe(), "-o", "run").exit_code == 0
    translator = load("run/checkpoints/last.pt", precision="fp32")
    assert list(translator.generators) == ["generator"]
    images = [np.random.default_rng(seed).integers(0, 255, (20, 24, 3), np.uint8) for seed in range(3)]
    together = translator.translate_batch(images)
    assert all(np.array_equal(translator.translate(image), made) for image, made in zip(images, together, strict=True))


def test_fast_cut_has_no_identity_and_mirrors(itrans, recipe):
    done = itrans("run", recipe(method={"name": "cut", "identity": 0, "flip": True}), "-o", "fast")
    assert done.exit_code == 0, done.output
    steps = [json.loads(line) for line in Path("fast/log.jsonl").read_text().splitlines()]
    names = {key for line in steps for key in line.get("losses", {})}
    assert "generator.patch_nce" in names
    assert "generator.patch_nce_identity" not in names


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"discriminator": None}, 'The method "cut" needs a discriminator'),
        ({"loss": [{"name": "gan"}]}, 'needs "patch_nce"'),
        ({"loss": [{"name": "patch_nce"}]}, "needs an adversarial loss"),
        ({"loss": [{"name": "cgan"}, {"name": "patch_nce"}]}, 'use the loss "gan"'),
        ({"loss": [{"name": "gan"}, {"name": "cycle"}]}, 'has no role that the method "cut" knows'),
        ({"loss": [{"name": "gan"}, {"name": "patch_nce", "layers": ["encoder.99"]}]}, 'no layer "encoder.99"'),
        ({"method": {"name": "cut", "identity": -1}}, "method.identity"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_told_in_a_sentence(itrans, recipe, changes, told):
    tables = {name: table for name, table in changes.items() if table is not None}
    arguments = ["--without", "discriminator"] if "discriminator" in changes else []
    done = itrans("run", recipe(**tables), "-o", "run", *arguments)
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert "Traceback" not in done.output


def test_both_pass_the_conformance_kit():
    check_loss("patch_nce")
    losses = [("gan", 1.0, LOSSES.get("gan")()), ("l1", 1.0, LOSSES.get("l1")())]
    check_method("cut", losses=losses)
    check_method("cut", losses=losses, identity=0.0, flip=True)
