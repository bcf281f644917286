"""The generator from noise and the discriminator without convolutions."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from itrans.api import DISCRIMINATORS, GENERATORS, DataError
from itrans.networks.test_mode import test_mode as in_mode
from itrans.recipe.signature import Signature
from itrans.testing import check_discriminator, quick_faults


def generator(**arguments):
    torch.manual_seed(0)
    offered = {"in_channels": arguments.pop("in_channels", 10), "out_channels": arguments.pop("out_channels", 1)}
    return GENERATORS.build({"name": "noise_mlp", **arguments}, **offered)


def discriminator(in_channels=1, condition_channels=10, **arguments):
    torch.manual_seed(0)
    return DISCRIMINATORS.build(
        {"name": "mlp", **arguments}, in_channels=in_channels, condition_channels=condition_channels
    )


def label(number, size=8, classes=10):
    source = torch.full((1, classes, size, size), -1.0)
    source[:, number] = 1
    return source


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def fully_connected(*widths):
    """Weights and biases of layers between these widths."""
    return sum(before * after + after for before, after in pairwise(widths))


@pytest.mark.parametrize(
    ("arguments", "widths"),
    [
        ({}, (100 + 10, 256, 512, 64)),
        ({"conditional": False}, (100, 256, 512, 64)),
        ({"noise": 7, "size": 3, "hidden": [5], "out_channels": 2, "in_channels": 4}, (7 + 4, 5, 2 * 9)),
    ],
)
def test_parameters_of_the_generator(arguments, widths):
    assert parameters(generator(**arguments)) == fully_connected(*widths)


@pytest.mark.parametrize(
    ("arguments", "widths"),
    [
        ({}, (64 + 10, 512, 256, 1)),
        ({"condition_channels": 0}, (64, 512, 256, 1)),
        ({"in_channels": 3, "condition_channels": 2, "size": 5, "hidden": [4, 4, 4]}, (3 * 25 + 2, 4, 4, 4, 1)),
    ],
)
def test_parameters_of_the_discriminator(arguments, widths):
    assert parameters(discriminator(**arguments)) == fully_connected(*widths)


def test_the_generator_draws_pictures_of_its_size():
    output = generator(size=16, out_channels=3)(torch.rand(2, 10, 16, 16) * 2 - 1)
    assert output.shape == (2, 3, 16, 16)
    assert float(output.detach().abs().max()) < 1


@pytest.mark.parametrize("size", [(8, 16), (16, 8), (7, 8)])
def test_other_sizes_are_refused_by_both(size):
    with pytest.raises(DataError, match=rf"8x8.*{size[1]}x{size[0]}.*generator\.size"):
        generator()(torch.zeros(1, 10, *size))
    with pytest.raises(DataError, match=rf"8x8.*{size[1]}x{size[0]}"):
        discriminator()(torch.zeros(1, 1, *size), torch.zeros(1, 10, *size))


def test_in_training_every_picture_has_noise_of_its_own():
    first, second = generator().train()(label(3).repeat(2, 1, 1, 1))
    assert not torch.allclose(first, second)


def test_with_the_same_noise_the_label_decides_and_with_the_same_label_the_noise():
    network = generator()
    with in_mode([network], "paper", seed=1):
        three, seven = network(torch.cat([label(3), label(7)]))
    with in_mode([network], "paper", seed=2):
        other_three = network(label(3))[0]
    assert not torch.allclose(three, seven)
    assert not torch.allclose(three, other_three)


def test_without_a_condition_the_label_makes_no_difference():
    network = generator(conditional=False)
    with in_mode([network], "paper", seed=1):
        three, seven = network(torch.cat([label(3), label(7)]))
    assert torch.equal(three, seven)


def test_where_the_label_stands_makes_no_difference():
    """The label is each plane's mean: half a white plane is a label of 0."""
    network, half = generator(hidden=[6]), torch.full((1, 10, 8, 8), -1.0)
    half[:, 2, :, :4] = 1
    flipped = half.flip(-1)
    with in_mode([network], "paper", seed=0):
        torch.testing.assert_close(network(half), network(flipped))


@pytest.mark.parametrize(("distribution", "largest", "spread"), [("uniform", 1, 1 / math.sqrt(3)), ("normal", 9, 1)])
def test_what_noise_is_drawn_from(distribution, largest, spread):
    network = generator(distribution=distribution, noise=500)
    noise = network.noise(torch.zeros(100, 10, 8, 8))
    assert noise.shape == (100, 500)
    assert float(noise.abs().max()) <= largest
    assert float(noise.std()) == pytest.approx(spread, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)


def test_logits_are_one_for_each_picture_and_see_the_label():
    network = discriminator().eval()
    picture = torch.rand(1, 1, 8, 8)
    logits = network(picture.repeat(2, 1, 1, 1), torch.cat([label(3), label(7)]))
    assert logits.shape == (2, 1, 1, 1)
    assert not torch.equal(logits[0], logits[1])
    assert discriminator(condition_channels=0)(picture, None).shape == (1, 1, 1, 1)


def test_a_condition_that_lacks_or_should_not_be_there():
    with pytest.raises(ValueError, match="got none"):
        discriminator()(torch.zeros(1, 1, 8, 8), None)
    with pytest.raises(ValueError, match="got one"):
        discriminator(condition_channels=0)(torch.zeros(1, 1, 8, 8), label(0))


def test_the_discriminator_is_what_itrans_asks_for():
    check_discriminator("mlp", size=16, hidden=[12, 8])


def test_the_generators_signature_is_what_itrans_asks_for():
    assert quick_faults("generator", GENERATORS.get("noise_mlp")) == []


@pytest.mark.parametrize("arguments", [{"noise": 0}, {"size": 0}, {"hidden": ()}, {"hidden": (4, 0)}])
def test_numbers_below_one_are_refused(arguments):
    with pytest.raises(ValueError, match="1 or more"):
        GENERATORS.get("noise_mlp")(in_channels=1, out_channels=1, **arguments)
    if "noise" not in arguments:
        with pytest.raises(ValueError, match="1 or more"):
            DISCRIMINATORS.get("mlp")(in_channels=1, condition_channels=1, **arguments)


@pytest.mark.parametrize(
    ("registry", "name", "wrong"),
    [
        (GENERATORS, "noise_mlp", {"noise": 0, "size": 0, "hidden": [], "distribution": "cauchy", "conditional": 1}),
        (DISCRIMINATORS, "mlp", {"size": 2.5, "hidden": [0], "dropout": 1.0}),
    ],
)
def test_values_that_a_recipe_cannot_have_for_cgan(registry, name, wrong):
    signature = Signature(registry.get(name), ["in_channels", "out_channels", "condition_channels"])
    assert {key for key, _ in signature.faults(wrong, name)} == set(wrong)
    assert signature.faults({"size": 16, "hidden": [3, 4]}, name) == []
