"""The U-Net that is told the time."""

from __future__ import annotations

import pytest
import torch

from itrans.api import GENERATORS, apply_generator
from itrans.testing import check_method


def unet(in_channels=3, out_channels=3, *, learned=False, **arguments):
    torch.manual_seed(0)
    table = {"name": "bridge_unet", "width": 8, "multipliers": [1, 2], **arguments}
    network = GENERATORS.build(table, in_channels=in_channels, out_channels=out_channels)
    if learned:  # what is zero at first would hide the rest
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def called(network, *, count=2, height=8, width=8, time=0.5, source=0.0):
    noisy = torch.linspace(-1, 1, 3 * height * width).view(1, 3, height, width).expand(count, -1, -1, -1)
    with torch.no_grad():
        return apply_generator(network, noisy, torch.full_like(noisy, source), torch.full((count,), time))


@pytest.mark.parametrize(("in_channels", "out_channels"), [(1, 3), (8, 3), (3, 1)])
@pytest.mark.parametrize("attention", [[], [0, 1]])
def test_outputs_have_the_size_and_the_channels_of_the_noisy_picture(in_channels, out_channels, attention):
    network = unet(in_channels, out_channels, attention=attention, blocks=2, dropout=0.1)
    noisy, source = torch.zeros(2, out_channels, 8, 12), torch.zeros(2, in_channels, 8, 12)
    assert network(noisy, source, torch.rand(2)).shape == (2, out_channels, 8, 12)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 9), (8, 7)])
def test_any_size_is_padded_to_a_multiple(height, width):
    network = unet(multipliers=[1, 1, 2])
    assert network.size_multiple == 4
    assert called(network, height=height, width=width).shape == (2, 3, height, width)


def test_it_begins_with_zeros():
    assert float(called(unet()).abs().max()) == 0


def test_the_output_depends_on_the_time_and_the_source():
    network = unet(learned=True)
    first = called(network)
    assert not torch.allclose(first, called(network, time=0.6), atol=1e-3)
    assert not torch.allclose(first, called(network, source=0.5), atol=1e-3)


def test_one_time_is_that_of_all():
    network = unet(learned=True)
    noisy, source = torch.rand(3, 3, 8, 8), torch.rand(3, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(
            network(noisy, source, torch.tensor([0.3])), network(noisy, source, torch.full((3,), 0.3)), atol=1e-5
        )


def test_attention_sees_the_whole_picture():
    """A pixel changes places far beyond what two levels of convolutions reach only where there is attention."""
    noisy, source = torch.zeros(1, 3, 64, 8, requires_grad=True), torch.zeros(1, 3, 64, 8)

    reached = {}
    for attends in (False, True):
        network = unet(learned=True, multipliers=[1], attention=[0] if attends else [])
        network.middle[0].attention = torch.nn.Identity()
        for module in network.modules():
            for name, child in module.named_children():
                if isinstance(child, torch.nn.GroupNorm):
                    setattr(module, name, torch.nn.Identity())  # it would see the whole picture too
        output = network(noisy, source, torch.tensor([0.5]))
        (gradient,) = torch.autograd.grad(output[0, :, 0].sum(), noisy)
        reached[attends] = bool(gradient[0, :, -1].abs().max() > 0)
    assert reached == {False: False, True: True}


def test_attention_on_a_level_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match='"attention" names the level 2'):
        unet(attention=[2])


def test_the_kit_trains_a_bridge_with_it():
    def build(in_channels, out_channels):
        table = {"name": "bridge_unet", "width": 8, "multipliers": [1, 2], "attention": [1]}
        return GENERATORS.build(table, in_channels=in_channels, out_channels=out_channels)

    check_method("bridge", build_generator=build, losses=[], steps=1)  # in one step nothing is drawn
