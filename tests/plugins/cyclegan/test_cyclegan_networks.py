"""The residual generator."""

from __future__ import annotations

import pytest
import torch

from itrans.api import GENERATORS, DataError, apply_generator
from itrans.testing import check_generator


def generator(in_channels=3, out_channels=3, **arguments):
    torch.manual_seed(0)
    return GENERATORS.build({"name": "resnet", **arguments}, in_channels=in_channels, out_channels=out_channels)


def small(**arguments):
    return generator(**{"blocks": 1, "filters": 4, **arguments})


def convolution(inputs, outputs, kernel, bias=True):
    return inputs * outputs * kernel**2 + outputs * bias


def layers(filters, blocks, *, in_channels=3, out_channels=3):
    """Input channels, output channels and kernel of each convolution: section 7.2 of the paper."""
    wide = 4 * filters
    down = [(in_channels, filters, 7), (filters, 2 * filters, 3), (2 * filters, wide, 3)]
    up = [(wide, 2 * filters, 3), (2 * filters, filters, 3), (filters, out_channels, 7)]
    return [*down, *[(wide, wide, 3)] * (2 * blocks), *up]


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("blocks", [6, 9])
def test_parameters_are_those_of_the_papers_layers(blocks):
    with torch.device("meta"):
        network = generator(blocks=blocks)
    assert parameters(network) == sum(convolution(*layer) for layer in layers(64, blocks))


def test_the_default_is_the_papers_generator_for_256x256():
    with torch.device("meta"):
        assert parameters(generator()) == parameters(generator(blocks=9, filters=64, norm="instance"))


@pytest.mark.parametrize(
    ("norm", "scales", "bias"),
    [("instance", 0, True), ("none", 0, True), ("batch", 2, False)],
)
def test_parameters_by_norm(norm, scales, bias):
    every = layers(4, 2, in_channels=1, out_channels=2)
    *normalised, last = every  # the last convolution has a bias and no norm
    expected = sum(convolution(*layer, bias=bias) + scales * layer[1] for layer in normalised) + convolution(*last)
    assert parameters(small(in_channels=1, out_channels=2, blocks=2, norm=norm)) == expected


def test_weights_are_drawn_from_a_narrow_normal_distribution_and_biases_are_zero():
    network = generator(blocks=2, filters=16)
    named = dict(network.named_parameters())
    weights = torch.cat([value.detach().flatten() for name, value in named.items() if name.endswith("weight")])
    deviation = 0.02
    margin = 4 * deviation / len(weights) ** 0.5  # four standard errors of the mean; that of the deviation is smaller
    assert abs(float(weights.mean())) < margin
    assert float(weights.std()) == pytest.approx(deviation, abs=margin)
    assert all(float(value.detach().abs().max()) == 0 for name, value in named.items() if name.endswith("bias"))


@pytest.mark.parametrize(("in_channels", "out_channels"), [(1, 3), (3, 1), (4, 2)])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 20)])
def test_outputs_have_the_pictures_size_and_their_own_channels(in_channels, out_channels, height, width):
    output = small(in_channels=in_channels, out_channels=out_channels)(torch.zeros(2, in_channels, height, width))
    assert output.shape == (2, out_channels, height, width)


@pytest.mark.parametrize(("height", "width"), [(5, 5), (17, 30), (33, 6)])
def test_other_sizes_are_padded_to_multiples_of_four(height, width):
    network = small()
    assert network.size_multiple == 4
    assert apply_generator(network, torch.zeros(1, 3, height, width)).shape == (1, 3, height, width)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (4, 32), (32, 3)])
def test_pictures_that_leave_nothing_to_reflect_are_refused(height, width):
    with pytest.raises(DataError, match='too small for the generator "resnet": it takes 5x5 and more'):
        apply_generator(small(), torch.zeros(1, 3, height, width))


def test_outputs_stay_within_one_however_large_the_weights():
    network = small()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(100)
    output = network(torch.rand(1, 3, 16, 16) * 2 - 1)
    assert float(output.detach().abs().max()) == pytest.approx(1, abs=1e-3)
    assert float(output.detach().abs().max()) <= 1


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_a_block_adds_to_what_comes_in(norm):
    block = small(norm=norm).blocks[0]
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    picture = torch.rand(1, 16, 8, 8) - 0.5
    assert torch.equal(block(picture), picture)  # negative values too: no activation follows


def test_borders_of_the_outer_layers_and_the_blocks_are_reflected():
    network = small(norm="none")
    for layer, channels in ((network.encoder[0], 3), (network.blocks[0].layers[0], 16), (network.decoder[-2], 4)):
        output = layer(torch.ones(1, channels, 16, 16)).detach()  # zeros at the border would be seen
        torch.testing.assert_close(output, output[..., 8:9, 8:9].expand_as(output))
        assert float(output.abs().min()) > 1e-3


def test_dropout_lies_within_the_blocks():
    network = small(dropout=0.5)
    assert [name for name, module in network.named_modules() if isinstance(module, torch.nn.Dropout)] == [
        "blocks.0.layers.2"
    ]
    assert not any(isinstance(module, torch.nn.Dropout) for module in small().modules())


@pytest.mark.parametrize("arguments", [{}, {"norm": "batch", "dropout": 0.5}])
def test_it_is_what_itrans_asks_of_a_generator(arguments):
    check_generator("resnet", 16, blocks=1, filters=4, **arguments)
