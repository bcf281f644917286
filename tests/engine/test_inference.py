from __future__ import annotations

import pytest
import torch
from torch import nn

from itrans.engine.inference import CastWeights
from itrans.engine.inference import test_mode as in_mode


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(8, 1, 1))
    with torch.no_grad():
        network[1].running_mean.uniform_()
        network[1].weight.uniform_()
        network[1].bias.uniform_()
    return network.train()


def test_paper_normalises_each_picture_as_a_training_batch_of_one_would(network):
    network[3] = nn.Identity()
    images = torch.randn(3, 2, 9, 7)
    with in_mode([network], "paper", seed=0):
        together = network(images)
    reference = nn.Sequential(*network)
    one_by_one = torch.cat([reference(image[None]) for image in images])
    torch.testing.assert_close(together, one_by_one.detach(), rtol=1e-4, atol=1e-5)


def test_paper_gives_a_picture_the_same_output_in_any_company(network):
    images = torch.randn(4, 2, 9, 7)
    with in_mode([network], "paper", seed=1):
        together = network(images)
        alone = network(images[2:3])
    torch.testing.assert_close(together[2:3], alone)


def test_paper_keeps_dropout_on_and_the_seed_decides(network):
    image = torch.randn(1, 2, 9, 7)
    outputs = []
    for seed in (1, 1, 2):
        with in_mode([network], "paper", seed):
            outputs.append(network(image))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_dropout_drops_its_share_and_keeps_the_mean():
    dropout = nn.Sequential(nn.Dropout(0.25))
    with in_mode([dropout], "paper", seed=0):
        output = dropout(torch.ones(1, 16, 64, 64))
    assert float((output == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(output.max()) == pytest.approx(1 / 0.75)


def test_running_is_evaluation_mode(network):
    images = torch.randn(3, 2, 9, 7)
    with in_mode([network], "running", seed=0):
        output = network(images)
    torch.testing.assert_close(output, network.eval()(images).detach())


def test_everything_is_as_it_was_afterwards(network):
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for mode in ("paper", "running"):
        with in_mode([network], mode, seed=0):
            network(torch.randn(2, 2, 9, 7))
    assert [module.training for module in network] == [True, False, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert "forward" not in vars(network[1])
    assert network[3](torch.ones(1, 1, 50, 50)).unique().numel() == 2


def test_one_pixel_is_normalised_to_the_bias_and_not_to_nan():
    network = nn.Sequential(nn.BatchNorm2d(2))
    nn.init.constant_(network[0].bias, 0.5)
    with in_mode([network], "paper", seed=0):
        output = network(torch.randn(1, 2, 1, 1))
    torch.testing.assert_close(output, torch.full((1, 2, 1, 1), 0.5), rtol=0, atol=1e-3)


def test_cast_weights_compute_what_autocast_computes_and_leave_the_weights_as_they_were(network):
    images = torch.randn(2, 2, 9, 7)
    stored = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    cast = CastWeights([network], torch.bfloat16)
    with in_mode([network], "paper", seed=0), torch.autocast("cpu", torch.bfloat16):
        expected = network(images)
        with cast.in_place():
            assert network[0].weight.dtype == torch.bfloat16
            assert network[1].weight.dtype == torch.float32
            output = network(images)
    assert torch.equal(output, expected)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == stored[name].dtype, name
        assert torch.equal(tensor, stored[name]), name


def test_weights_that_layers_share_are_cast_once_and_stay_shared():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    network = nn.Sequential(first, second)
    with CastWeights([network], torch.bfloat16).in_place():
        assert second.weight is first.weight
        assert first.weight.dtype == torch.bfloat16
    assert first.weight.dtype == torch.float32
