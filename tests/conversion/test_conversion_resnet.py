"""The ResNet generators of pytorch-CycleGAN-and-pix2pix become `resnet`, and put out the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conversion.published import PublishedResNet, PublishedUNet, trained

from itrans.conversion.recognition import own_state
from itrans.engine.checkpoint import load_checkpoint
from itrans_cyclegan.generators import ResNetGenerator


@torch.no_grad()
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("blocks", [1, 6, 9])
def test_a_resnet_puts_out_the_same_bit_for_bit(blocks, dropout, norm):
    theirs = trained(PublishedResNet(blocks, 2, norm, in_channels=1, dropout=dropout)).eval()
    found = ResNetGenerator.recognize(theirs.state_dict())
    assert found.arguments == {"blocks": blocks, "filters": 2, "norm": norm, "dropout": dropout}
    ours = ResNetGenerator(in_channels=found.in_channels, out_channels=found.out_channels, **found.arguments).eval()
    ours.load_state_dict(own_state(ours, found, Path("x.pth"), "the ResNet"))
    source = torch.rand(2, 1, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    expected = theirs(source)
    assert expected.std() > 1e-3
    assert torch.equal(ours(source), expected)


def test_it_is_imported_without_being_named(itrans):
    torch.save(PublishedResNet(2, 2).state_dict(), "latest_net_G.pth")
    done = itrans("import", "latest_net_G.pth", "-o", "G.pt")
    assert done.exit_code == 0, done.output
    assert "generator resnet: blocks 2, filters 2, norm instance, dropout 0.0; 3 -> 3 channels" in done.stdout
    assert load_checkpoint("G.pt").recipe["generator"]["name"] == "resnet"


@pytest.mark.parametrize("lacking", ["model.1.", "model.11.conv_block.5.", "model.19."])
def test_a_missing_layer_is_refused(itrans, lacking):
    state = PublishedResNet(2, 2).state_dict()
    torch.save({name: tensor for name, tensor in state.items() if not name.startswith(lacking)}, "x.pth")
    done = itrans("import", "x.pth", "-o", "x.pt")
    assert done.exit_code == 2
    assert "missing" in done.stderr
    assert not Path("x.pt").exists()


def test_a_unet_is_not_one():
    assert ResNetGenerator.recognize(PublishedUNet(5).state_dict()) is None
