from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from itrans.api import Noise
from itrans.networks.test_mode import MODES, CastWeights
from itrans.networks.test_mode import test_mode as in_mode


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


class NormalizeAndAct(nn.BatchNorm2d):
    """A layer with its activation in it, as timm's have."""

    def forward(self, images):
        return super().forward(images).relu()


@pytest.mark.parametrize("tracks", [True, False])
def test_paper_keeps_what_else_a_layer_does(network, tracks):
    layer = NormalizeAndAct(8, track_running_stats=tracks)
    layer.load_state_dict(network[1].state_dict(), strict=False)
    plain, network[3] = nn.Sequential(*network[:3]), nn.Identity()
    own = nn.Sequential(network[0], layer)
    images = torch.randn(3, 2, 9, 7)
    kept = None if layer.running_mean is None else layer.running_mean.clone()
    with in_mode([plain], "paper", seed=0):
        expected = plain(images)
    with in_mode([own], "paper", seed=0):
        torch.testing.assert_close(own(images), expected, rtol=1e-4, atol=1e-5)
        assert float(own(images[:, :, :3, :3]).min()) >= 0  # maps of one value, too
    assert kept is None or torch.equal(layer.running_mean, kept)


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


class Noisy(nn.Module):
    """Adds noise, and a number that noise of its own decides."""

    def __init__(self, distribution="normal"):
        super().__init__()
        self.texture, self.style = Noise(distribution=distribution), Noise(3, distribution=distribution)

    def forward(self, images):
        return images + self.texture(images[:, :1]) + self.style(images).sum(1)[:, None, None, None]


@pytest.mark.parametrize("mode", MODES)
def test_noise_is_the_same_for_a_picture_and_seed_in_any_company(mode):
    network, images = Noisy(), torch.randn(4, 2, 5, 6)
    with in_mode([network], mode, seed=1):
        together = network(images)
        alone = network(images[2:3])
        reversed_ = network(images.flip(0))
    with in_mode([network], mode, seed=1):
        again = network(images[:3])
    assert torch.equal(together[2:3], alone)
    assert torch.equal(together, reversed_.flip(0))
    assert torch.equal(together[:3], again)
    with in_mode([network], mode, seed=2):
        assert not torch.allclose(network(images), together)


@pytest.mark.parametrize("mode", MODES)
def test_pictures_may_have_seeds_of_their_own(mode, network):
    networks = [network, noisy := Noisy()]
    images = torch.randn(4, 2, 9, 7)
    with in_mode(networks, mode, seed=[3, 5, 3, 8]):
        together = network(noisy(images))
    for index, seed in enumerate((3, 5, 3, 8)):
        with in_mode(networks, mode, seed):
            torch.testing.assert_close(network(noisy(images[index : index + 1])), together[index : index + 1])


def test_layers_that_fold_pictures_into_a_larger_batch_keep_the_pictures_seeds():
    dropout, values = nn.Sequential(nn.Dropout(0.5)), torch.ones(6, 50)
    with in_mode([dropout], "paper", seed=[1, 2]):
        folded = dropout(values)
    for place, seed in ((0, 1), (2, 1), (3, 2), (5, 2)):
        with in_mode([dropout], "paper", seed):
            assert torch.equal(dropout(values[:1])[0], folded[place])


def test_noise_is_put_out_in_place_of_nothing_that_is_kept():
    noise, images = Noise(4), torch.zeros(2, 1, 3, 3)
    with in_mode([noise], "running", seed=0):
        first = noise(images)
        expected = first.clone()
        first += 1
        assert torch.equal(noise(images), expected)


@pytest.mark.parametrize(("distribution", "spread"), [("normal", 1.0), ("uniform", 1 / math.sqrt(3))])
def test_noise_has_the_same_distribution_in_training_and_at_test_time(distribution, spread):
    noise = Noise(200, 100, distribution=distribution)
    torch.manual_seed(0)
    images = torch.zeros(2, 1, 3, 3)
    drawn = [noise(images)]
    with in_mode([noise], "paper", seed=0):
        drawn.append(noise(images))
    for values in drawn:
        assert values.shape == (2, 200, 100)
        assert float(values.mean()) == pytest.approx(0, abs=0.03)
        assert float(values.std()) == pytest.approx(spread, rel=0.03)
        if distribution == "uniform":
            assert float(values.abs().max()) <= 1
    assert not torch.equal(*drawn[0])  # in training, each picture has its own


def test_training_draws_noise_from_torchs_own_generator():
    noise, images = Noise(), torch.zeros(2, 1, 3, 3)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(noise(images))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_noise_has_the_type_that_it_is_asked_for():
    noise, images = Noise(3), torch.zeros(2, 1, 3, 3, dtype=torch.bfloat16)
    with in_mode([noise], "paper", seed=0):
        assert noise(images).dtype == torch.bfloat16
        assert noise(images.double()).dtype == torch.float64
    assert noise(images).dtype == torch.bfloat16


@pytest.mark.parametrize(("shape", "distribution"), [((0,), "normal"), ((2, -1), "normal"), ((2,), "gamma")])
def test_noise_that_there_cannot_be_is_refused(shape, distribution):
    with pytest.raises(ValueError, match="1 or more|normal"):
        Noise(*shape, distribution=distribution)


@pytest.mark.parametrize("mode", MODES)
def test_torchs_own_generator_is_seeded_and_put_back(mode, network):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    drawn = []
    for seed in (1, 1, 2):
        with in_mode([network], mode, seed):
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.rand(3), expected)


def test_the_api_offers_noise_without_importing_torch():
    code = (
        "import sys, itrans.api; assert 'torch' not in sys.modules; from itrans.api import Noise; "
        "print(Noise(3), 'torch' in sys.modules, hasattr(itrans.api, 'Nois'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'Noise(3, distribution="normal") True False'


def test_the_weights_themselves_are_not_touched():
    """Other processes wait for the gradients of what torch knows them by."""
    layer = nn.Conv2d(3, 4, 3)

    def accumulator():
        return layer.weight.expand_as(layer.weight).grad_fn.next_functions[0][0]

    weight, before = layer.weight, accumulator()
    with CastWeights([layer], torch.bfloat16).in_place():
        assert layer.weight.dtype == torch.bfloat16
    assert layer.weight is weight
    assert accumulator() is before
