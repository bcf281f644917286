"""StarGAN from the first step to translations into a domain that is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import GENERATORS, LOSSES, ImageSpec, load, read_image
from itrans.testing import check_loss, check_method
from itrans_stargan.method import with_domain


def record(folder):
    return torch.load(f"{folder}/checkpoints/last.pt", weights_only=True)


def tensors(value, key=""):
    """Yield every tensor of a nested state with its key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{key}.{name}")


@pytest.fixture
def trained(itrans, stargan):
    done = itrans("run", stargan(), "-o", "run")
    assert done.exit_code == 0, done.output
    return "run/checkpoints/last.pt"


def test_a_resumed_run_ends_with_the_same_bits(itrans, stargan):
    """It is stopped where the generator is not updated, so that its turn has to be right."""
    recipe = stargan()
    assert itrans("run", recipe, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, "-o", "parts", "--stop-after", 1).exit_code == 130
    assert itrans("run", recipe, "-o", "parts", "--resume").exit_code == 0
    for part in ("networks", "training"):
        one, other = (dict(tensors(record(folder)[part])) for folder in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert [key for key, value in one.items() if not torch.equal(value, other[key])] == []


def test_the_generator_is_updated_when_it_is_its_turn(itrans, stargan):
    states = []
    for steps in (1, 2, 3):
        recipe = stargan(train={"batch_size": 3, "steps": 4, "precision": "fp32"})
        itrans("run", recipe, "-o", f"run-{steps}", "--stop-after", steps)
        states.append(record(f"run-{steps}")["networks"])
    turns = {"generator": (True, False), "discriminator": (True, True), "classifier": (True, True)}
    for name, has_changed in turns.items():
        for changed, before, after in zip(has_changed, states, states[1:], strict=False):
            same = all(torch.equal(value, after[name][key]) for key, value in before[name].items())
            assert same != changed, name


def test_the_log_names_what_each_network_is_trained_with(itrans, stargan, trained):
    lines = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    logged = set().union(*(line.get("losses", {}) for line in lines))
    assert {"discriminator.wasserstein", "discriminator.domain", "discriminator.penalty"} <= logged
    assert {"generator.wasserstein", "generator.domain", "generator.cycle"} <= logged


def test_a_domain_is_named_and_each_makes_another_picture(itrans, trained, pictures):
    source = pictures / "val" / "red"
    for name in ("blue", "green"):
        done = itrans("translate", trained, source, "-o", name, "--with", f"domain={name}", "--precision", "fp32")
        assert done.exit_code == 0, done.output
    assert not np.array_equal(read_image("blue/0.png"), read_image("green/0.png"))
    translator = load(trained, precision="fp32")
    images = [read_image(source / f"{index}.png") for index in range(2)]
    together = translator.translate_batch([images[0], images[0], images[1]], domain=["blue", "green", "blue"])
    assert np.array_equal(together[0], read_image("blue/0.png"))
    assert np.array_equal(together[1], read_image("green/0.png"))
    assert np.array_equal(together[2], read_image("blue/1.png"))


def test_a_domain_that_was_never_trained_is_answered_with_those_there_are(itrans, trained, pictures):
    done = itrans("translate", trained, pictures / "val" / "red", "-o", "out", "--with", "domain=grin")
    assert done.exit_code == 2
    assert '"grin"' in done.stderr
    assert 'Did you mean "green"?' in done.stderr
    for name in ("blue", "green", "red"):
        assert name in done.stderr
    assert "Traceback" not in done.output


def test_without_a_domain_nothing_is_translated(itrans, trained, pictures):
    done = itrans("translate", trained, pictures / "val" / "red", "-o", "out")
    assert done.exit_code == 2
    assert "domain" in done.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize("table", [{"name": "resnet", "blocks": 1, "filters": 2}, {"name": "unet", "depth": 3}])
def test_a_generator_sees_the_domain(table):
    """Reflection and an instance norm after the first layer hide planes that are the same everywhere."""
    if table["name"] == "unet":
        table = table | {"filters": 4, "norm": "instance"}
    network = GENERATORS.build(table, in_channels=3 + 2, out_channels=3).eval()
    source = torch.rand(1, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        outputs = [network(with_domain(source, torch.tensor([place]), 2)) for place in (0, 1)]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3


def test_planes_of_domains_are_bright_where_the_source_is():
    source = torch.stack([torch.full((3, 2, 2), -1.0), torch.full((3, 2, 2), 1.0)])
    seen = with_domain(source, torch.tensor([2, 0]), 3)
    assert torch.equal(seen[:, :3], source)
    assert seen[:, 3:, 0, 0].tolist() == [[0, 0, 0.5], [1.5, 0, 0]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": [{"name": "gan"}]}, '"cycle"'),
        ({"loss": [{"name": "cycle"}]}, "adversarial"),
        ({"loss": [{"name": "cgan"}, {"name": "cycle"}]}, '"cgan"'),
        ({"loss": [{"name": "gan"}, {"name": "cycle"}, {"name": "l1"}]}, '"l1"'),
        ({"discriminator": None}, "[discriminator]"),
        ({"discriminator": {"name": "mlp", "size": 16}}, "features"),
        ({"dataset": {"name": "facades_sample", "size": 32, "count": 4}}, '"domain"'),
        ({"method": {"name": "stargan", "critic_steps": 0}}, "critic_steps"),
    ],
)
def test_what_does_not_fit_is_told(itrans, stargan, changes, said):
    done = itrans("run", stargan(**changes), "-o", "run")
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("critic_steps", [1, 2])
def test_the_method_and_its_loss_are_what_itrans_asks_for(critic_steps):
    names = ("summer", "autumn", "winter")
    check_method(
        "stargan",
        losses=[(name, weight, LOSSES.get(name)()) for name, weight in (("wasserstein", 1.0), ("cycle", 10.0))],
        source=ImageSpec(3),
        target=ImageSpec(3),
        extras={"domain": names, "source_domain": names},
        critic_steps=critic_steps,
    )
    check_loss("wasserstein")


def test_a_critic_is_told_what_is_better():
    loss = LOSSES.get("wasserstein")()
    high, low = torch.full((2, 1, 4, 4), 3.0), torch.full((2, 1, 4, 4), -1.0)
    assert loss.discriminator(high, low) == -4
    assert loss.generator(high) == -3
