from __future__ import annotations

import pytest
import torch
from torch import nn

from itrans.errors import PluginError
from itrans_inspect.layers import _noting_calls, trace
from itrans_inspect.subject import Network


def generator(module: nn.Module, channels: int = 3) -> Network:
    return Network("generator", "generator", module.eval(), channels)


@pytest.mark.parametrize(
    ("layer", "given", "expected"),
    [
        # each of 8 * 16 * 16 outputs adds up 3 * 4 * 4 products
        (nn.Conv2d(3, 8, 4, 2, 1), (1, 3, 32, 32), 8 * 16 * 16 * 3 * 4 * 4),
        # in four groups, each output sees two of the eight channels
        (nn.Conv2d(8, 8, 3, padding=1, groups=4), (1, 8, 10, 10), 8 * 10 * 10 * 2 * 3 * 3),
        # each of 8 * 16 * 16 inputs is spread over 5 * 4 * 4 places
        (nn.ConvTranspose2d(8, 5, 4, 2, 1), (1, 8, 16, 16), 8 * 16 * 16 * 5 * 4 * 4),
        (nn.Linear(7, 11), (1, 7), 77),
        (nn.BatchNorm2d(4), (2, 4, 5, 5), 200),
        (nn.LeakyReLU(), (1, 4, 5, 5), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_multiply_adds(layer, given, expected):
    with _noting_calls(layer.eval()) as (layers, _):
        layer(torch.zeros(given))
    assert [found.multiply_adds for found in layers] == [expected]


class Attention(nn.Module):
    """Products of activations, in a module without parameters of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)

    def forward(self, source):
        query, key, value = self.project(source.flatten(2).mT).chunk(3, dim=-1)
        return nn.functional.scaled_dot_product_attention(query, key, value)


def test_attention_is_counted():
    passed = trace(generator(Attention(), 8), 4)
    # 16 places: queries times keys, and the weights times values
    layers = {layer.path: layer.multiply_adds for layer in passed.layers}
    assert layers == {"project": 16 * 8 * 24, "(itself)": 2 * 16 * 16 * 8}


def test_every_layer_has_its_place_shape_and_parameters():
    network = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.Sequential(nn.ReLU(), nn.Conv2d(8, 2, 1, bias=False)))
    passed = trace(generator(network), 32)
    assert [(layer.path, layer.kind, layer.shape, layer.parameters) for layer in passed.layers] == [
        ("0", "Conv2d", (8, 16, 16), 3 * 8 * 16 + 8),
        ("1.0", "ReLU", (8, 16, 16), 0),
        ("1.1", "Conv2d", (2, 16, 16), 16),
    ]
    assert passed.parameters == 408
    assert passed.multiply_adds == 8 * 256 * 48 + 2 * 256 * 8
    assert passed.outputs == [(2, 16, 16)]


class Twice(nn.Module):
    """Calls a layer twice, has a parameter of its own, and one layer that it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3))
        self.spare = nn.Linear(2, 2)
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, source):
        return self.conv(self.conv(source)) * self.gain.view(1, 3, 1, 1)


def test_a_layer_called_twice_counts_twice_but_has_its_parameters_once():
    passed = trace(generator(Twice()), 4)
    layers = {layer.path: layer for layer in passed.layers}
    assert layers["conv"].calls == 2
    assert layers["conv"].multiply_adds == 2 * 16 * 9
    assert layers["(itself)"].parameters == 3
    assert (layers["spare"].calls, layers["spare"].shape) == (0, None)
    assert passed.parameters == sum(layer.parameters for layer in passed.layers) == 3 + 6 + 12


class LooksAtValues(nn.Module):
    """Cannot be run on shapes alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, source):
        return self.conv(source) if source.abs().sum().item() < 1 else source


def test_a_network_that_looks_at_values_is_run_on_the_cpu():
    assert trace(generator(LooksAtValues()), 4).layers[0].shape == (3, 4, 4)


def test_a_size_that_a_network_does_not_take_is_said():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    assert trace(generator(network), 8).outputs == [(4,)]
    with pytest.raises(PluginError, match=r"Sequential does not take pictures of 9x9 .* another --size"):
        trace(generator(network), 9)


def test_sizes_are_rounded_up_to_what_a_network_takes():
    network = nn.Conv2d(3, 3, 2, 2)
    network.size_multiple = 16
    assert trace(generator(network), 20).size == 32


def test_a_network_keeps_its_weights_and_hooks():
    network = nn.Sequential(nn.Conv2d(3, 3, 1))
    before = network[0].weight.clone()
    trace(generator(network), 4)
    assert torch.equal(network[0].weight, before)
    assert not network[0]._forward_hooks
