"""Where dropout is: in the paper, in the PyTorch code that most people use, and in networks of other depths."""

import pytest
import torch
from torch import nn

from itrans_pix2pix.generators import EncoderDecoder, UNet, dropout_layers

BOTH = pytest.mark.parametrize("generator", [UNet, EncoderDecoder])


def make(kind=UNet, *, depth=6, filters=2, **arguments):
    torch.manual_seed(0)
    return kind(in_channels=3, out_channels=3, depth=depth, filters=filters, **arguments)


def placed(network):
    return [layer for layer, up in enumerate(network.ups, start=1) if isinstance(up.dropout, nn.Dropout)]


@BOTH
@pytest.mark.parametrize(
    ("placement", "depth", "layers"),
    [
        ("paper", 8, [1, 2, 3]),
        ("junyanz", 8, [2, 3, 4]),
        # With fewer layers there are fewer of full width: the last four of a decoder are narrower.
        ("paper", 9, [1, 2, 3]),
        ("junyanz", 9, [2, 3, 4, 5]),
        ("paper", 7, [1, 2, 3]),
        ("junyanz", 7, [2, 3]),
        ("paper", 6, [1, 2]),
        ("junyanz", 6, [2]),
        ("paper", 5, [1]),
        ("junyanz", 5, []),
        ("paper", 4, []),
        ("junyanz", 2, []),
    ],
)
def test_dropout_is_where_its_placement_says(generator, placement, depth, layers):
    network = make(generator, depth=depth, filters=1, dropout_placement=placement)
    assert placed(network) == layers
    assert not [module for down in network.downs for module in down.modules() if isinstance(module, nn.Dropout)]
    assert all(network.ups[layer - 1].conv.out_channels == 8 for layer in layers)


@pytest.mark.parametrize("depth", range(2, 12))
@pytest.mark.parametrize("placement", ["paper", "junyanz"])
def test_dropout_never_reaches_the_narrow_layers(depth, placement):
    assert all(1 <= layer <= depth - 4 for layer in dropout_layers(depth, placement))


@BOTH
def test_with_fewer_doublings_more_layers_are_of_full_width(generator):
    network = make(generator, depth=6, filters=4, doublings=1, dropout_placement="junyanz")
    assert [down.conv.out_channels for down in network.downs] == [4, 8, 8, 8, 8, 8]
    assert placed(network) == [2, 3, 4]


def test_dropout_probability():
    network = make(dropout=0.3)
    assert {network.ups[layer - 1].dropout.p for layer in placed(network)} == {0.3}
    assert placed(make(dropout=0.0)) == []


def test_dropout_makes_the_output_random_in_training_and_not_in_evaluation():
    network, source = make(depth=5, norm="none"), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(20)  # what comes from the bottleneck is lost in rounding otherwise
    network.train()
    assert not torch.equal(network(source), network(source))
    network.eval()
    assert torch.equal(network(source), network(source))
