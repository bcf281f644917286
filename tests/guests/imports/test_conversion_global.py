"""The global generator of pix2pixHD becomes `global`, and puts out the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from guests.imports.published import PublishedResNet, trained
from torch import nn

from itrans.api import CheckpointError, load
from itrans_import.recognition import own_state
from itrans_pix2pixhd.generators import GlobalGenerator


class PublishedBlock(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), norm(channels), nn.ReLU()]
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), norm(channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class PublishedGlobal(nn.Module):
    """As pix2pixHD describes it: c7s1, downs, residual blocks, ups, c7s1, tanh, in one list."""

    def __init__(self, downsamplings, blocks, filters, norm=nn.InstanceNorm2d):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, filters, 7), norm(filters), nn.ReLU()]
        widths = [filters * 2**level for level in range(downsamplings + 1)]
        for width in widths[:-1]:
            layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), norm(2 * width), nn.ReLU()]
        layers += [PublishedBlock(widths[-1], norm) for _ in range(blocks)]
        for width in reversed(widths[:-1]):
            up = nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1)
            layers += [up, norm(width), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(filters, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


@torch.no_grad()
@pytest.mark.parametrize(("downsamplings", "blocks"), [(4, 9), (3, 1), (1, 2)])
def test_it_puts_out_the_same_bit_for_bit(downsamplings, blocks):
    theirs = trained(PublishedGlobal(downsamplings, blocks, 2)).eval()
    found = GlobalGenerator.recognize(theirs.state_dict())
    assert found.arguments == {"filters": 2, "downsamplings": downsamplings, "blocks": blocks, "norm": "instance"}
    ours = GlobalGenerator(in_channels=found.in_channels, out_channels=found.out_channels, **found.arguments).eval()
    ours.load_state_dict(own_state(ours, found, Path("x.pth"), "the generator"))
    source = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    expected = theirs(source)
    assert expected.std() > 1e-3
    assert torch.equal(ours(source), expected)


def test_a_resnet_of_two_halvings_is_left_to_cyclegan():
    assert GlobalGenerator.recognize(PublishedResNet(3, 2, "instance").state_dict()) is None
    assert GlobalGenerator.recognize(PublishedGlobal(2, 3, 2).state_dict()) is None


def test_a_norm_with_weights_is_refused():
    with pytest.raises(CheckpointError, match="norm that has weights"):
        GlobalGenerator.recognize(PublishedGlobal(3, 1, 2, nn.BatchNorm2d).state_dict())


def test_the_command_imports_it(itrans):
    torch.save(PublishedGlobal(3, 1, 2).state_dict(), "latest_net_G.pth")
    done = itrans("import", "latest_net_G.pth", "-o", "hd.pt")
    assert done.exit_code == 0, done.output
    assert load("hd.pt").source.channels == 3
