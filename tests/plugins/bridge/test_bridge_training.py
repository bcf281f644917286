"""Training a bridge: what a step learns, resuming, and what is wrong with a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from itrans.api import METHODS, Batch, ImageSpec

LABELS = {"name": "facades_sample", "size": 32, "count": 8}
LONG = {"batch_size": 2, "epochs": 2, "precision": "fp32", "ema": 0.9}  # of three steps each


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
def test_a_resumed_run_ends_with_the_same_bits(itrans, bridge, precision):
    recipe = bridge(train=LONG | {"precision": precision})
    assert itrans("run", recipe, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, "-o", "parts", "--stop-after", 4).exit_code == 130
    done = itrans("run", recipe, "-o", "parts", "--resume")
    assert done.exit_code == 0, done.output
    whole, parts = record("whole"), record("parts")
    assert whole["progress"] == parts["progress"]
    for part in ("networks", "training"):
        one, other = dict(tensors(whole[part])), dict(tensors(parts[part]))
        assert one.keys() == other.keys()
        assert [key for key, value in one.items() if not torch.equal(value, other[key])] == []


@pytest.mark.parametrize(
    ("dataset", "networks"), [(None, {"generator"}), (LABELS, {"generator", "start"})], ids=["pictures", "label maps"]
)
def test_every_network_is_trained_averaged_and_measured(itrans, bridge, dataset, networks):
    changes = {} if dataset is None else {"dataset": dataset}
    done = itrans("run", bridge(train=LONG, **changes), "-o", "run")
    assert done.exit_code == 0, done.output
    assert set(record("run")["networks"]) == set(record("run")["training"]["averages"]) == networks
    events = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    losses = next(event for event in events if "losses" in event)["losses"]
    assert set(losses) == {"bridge"} | (networks - {"generator"})
    assert any(event["event"] == "validation" for event in events)
    assert Path("run/checkpoints/best.pt").exists()


class Plain(torch.nn.Module):
    """What the network gives is one number, and it keeps what it was given."""

    def __init__(self, value: float = 0.0):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))
        self.calls = []

    def forward(self, noisy, source, time):
        self.calls.append((noisy, source, time))
        return self.value.expand_as(noisy)


class Once:
    """A runtime that keeps the losses it is given."""

    def update(self, *_names):
        return self

    def __enter__(self):
        return lambda losses: vars(self).update(losses=losses)

    def __exit__(self, *_error):
        return None


def stepped(value=0.0, **arguments):
    """Return the loss of a step whose target is 0.5 and whose source is -0.5, and what the network was given."""
    network, runtime = Plain(value), Once()
    method = METHODS.build(
        {"name": "bridge", **arguments},
        build_generator=lambda *_channels: network,
        source=ImageSpec(channels=1),
        target=ImageSpec(channels=1),
    )
    torch.manual_seed(0)
    method.step(Batch(torch.full((64, 1, 8, 8), -0.5), torch.full((64, 1, 8, 8), 0.5), ("",) * 64), runtime)
    return float(runtime.losses["bridge"].detach()), network.calls[0]


def test_the_loss_is_the_distance_of_the_predicted_target():
    assert stepped(0.1, objective="target", loss="l1")[0] == pytest.approx(0.4)
    assert stepped(0.1, objective="target", loss="l2")[0] == pytest.approx(0.16)
    loss, (noisy, _, _) = stepped(0.1, objective="difference", loss="l1")
    assert loss == pytest.approx(float((noisy - 0.6).abs().mean()), rel=1e-5)


def test_each_picture_has_a_time_of_its_own_and_the_noise_of_that_time():
    _, (noisy, source, time) = stepped(variance=1.0)
    assert time.shape == (64,)
    assert 0 <= float(time.min()) < 0.1 < 0.9 < float(time.max()) <= 1
    assert torch.equal(source, torch.full((64, 1, 8, 8), -0.5))
    deviations = (noisy - (0.5 - time).view(-1, 1, 1, 1)).std((1, 2, 3))
    assert torch.allclose(deviations, (2 * time * (1 - time)).sqrt(), atol=0.2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"method": {"name": "bridge", "steps": 0}}, "steps"),
        ({"method": {"name": "bridge", "loss": "l3"}}, "loss"),
        ({"method": {"name": "bridge", "variance": 0.0}}, "variance"),
        ({"loss": [{"name": "l1"}]}, "loss"),
        ({"generator": {"name": "bridge_unet", "width": 12}}, "width"),
        ({"generator": {"name": "bridge_unet", "multipliers": []}}, "multipliers"),
        ({"generator": {"name": "bridge_unet", "attention": [4]}}, "attention"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(itrans, bridge, changes, named):
    done = itrans("run", bridge(**changes))
    assert done.exit_code == 2, done.output
    assert named in done.stderr
    assert "Traceback" not in done.output


def test_a_generator_that_takes_no_time_is_refused_in_words(itrans, bridge):
    done = itrans("run", bridge(generator={"name": "unet", "depth": 2, "filters": 4}))
    assert done.exit_code == 2, done.output
    assert all(name in done.stderr for name in ("bridge_unet", "UNet", "time"))
    assert "Traceback" not in done.output
