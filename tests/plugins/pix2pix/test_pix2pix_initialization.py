"""The paper's initial weights: convolutions N(0, 0.02), norm weights N(1, 0.02), biases 0."""

import pytest
import torch
from torch import nn

from itrans_pix2pix.discriminators import PatchGAN
from itrans_pix2pix.generators import EncoderDecoder, UNet
from itrans_pix2pix.initialization import initialize


def networks(norm):
    torch.manual_seed(0)
    return [
        UNet(in_channels=3, out_channels=3, depth=5, filters=16, norm=norm),
        EncoderDecoder(in_channels=3, out_channels=3, depth=5, filters=16, norm=norm, upsample="resize"),
        PatchGAN(in_channels=3, condition_channels=3, filters=32, norm=norm),
    ]


def close(weights, mean):
    # Five standard errors of the mean, and of the standard deviation.
    values, count = weights.detach(), weights.numel()
    assert float(values.mean()) == pytest.approx(mean, abs=5 * 0.02 / count**0.5)
    assert float(values.std()) == pytest.approx(0.02, abs=5 * 0.02 / (2 * count) ** 0.5)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_every_network_starts_from_the_papers_weights(norm):
    for network in networks(norm):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                close(module.weight, 0.0)
                assert module.bias is None or not module.bias.any()
            if isinstance(module, nn.BatchNorm2d):
                assert not module.bias.any()
        norms = [module.weight for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        assert bool(norms) is (norm == "batch")
        if norms:
            close(torch.cat(norms), 1.0)


def test_the_same_seed_gives_the_same_weights():
    for first, second in zip(networks("batch"), networks("batch"), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_other_layers_are_left_alone():
    linear, plain = nn.Linear(2, 2), nn.InstanceNorm2d(2)
    before = linear.weight.clone()
    initialize(nn.Sequential(linear, plain))
    assert torch.equal(linear.weight, before)


def test_norms_with_weights_of_every_kind_are_drawn_anew():
    norm = nn.InstanceNorm2d(4000, affine=True)
    initialize(norm)
    close(norm.weight, 1.0)
