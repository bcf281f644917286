"""However a convolution is computed while training, it is the same convolution."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from itrans.networks.convolutions import suit_to_cpu


def suited(network: nn.Module) -> nn.Module:
    other = copy.deepcopy(network)
    suit_to_cpu(other, torch.bfloat16)
    return other


def result_and_gradients(network: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    images = images.clone().requires_grad_()
    output = network(images)
    weights = torch.arange(output.numel(), dtype=output.dtype).sin().view(output.shape)
    parameters = [*network.parameters()]
    return [output, *torch.autograd.grad((output * weights).sum(), [images, *parameters])]


CONVOLUTIONS = [
    (nn.Conv2d(64, 256, 4, 2, 1), (2, 64, 8, 8)),
    (nn.Conv2d(64, 256, 4, 2, 1, bias=False), (4, 64, 2, 2)),
    (nn.Conv2d(128, 256, 3, padding=(0, 2), dilation=(1, 2), stride=(1, 3)), (1, 128, 6, 9)),
    (nn.Conv2d(256, 256, 3, padding=1), (1, 256, 40, 33)),
    (nn.Conv2d(256, 256, 3, padding=1, groups=2), (1, 256, 4, 4)),
    (nn.Conv2d(256, 256, 3, padding="same"), (1, 256, 4, 4)),
    (nn.Conv2d(256, 256, 3, padding=1, padding_mode="reflect"), (1, 256, 4, 4)),
    (nn.ConvTranspose2d(256, 64, 4, 2, 1), (2, 256, 4, 4)),
    (nn.ConvTranspose2d(256, 64, 4, 2, 1, bias=False), (3, 256, 1, 1)),
    (nn.ConvTranspose2d(256, 128, 3, (2, 1), (1, 0), dilation=(1, 2)), (2, 256, 3, 5)),
    (nn.ConvTranspose2d(256, 128, 3, 2, 1, output_padding=1), (2, 256, 3, 5)),
    (nn.ConvTranspose2d(256, 128, 3, 2, 1), (2, 256, 20, 15)),
]


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS, ids=[str(layer) for layer, _ in CONVOLUTIONS])
def test_it_is_the_same_convolution(layer, shape):
    images = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = layer.double()
    for expected, found in zip(
        result_and_gradients(layer, images), result_and_gradients(suited(layer), images), strict=True
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Conv2d(64, 256, 4, 2, 1), (2, 64, 8, 8)), (nn.ConvTranspose2d(256, 64, 4, 2, 1), (2, 256, 4, 4))],
)
def test_a_penalty_on_the_gradient_is_the_same(layer, shape):
    def gradients(layer):
        images = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
        (slope,) = torch.autograd.grad(layer(images).square().sum(), images, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), [*layer.parameters()])

    layer = layer.double()
    for expected, found in zip(gradients(layer), gradients(suited(layer)), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layer", [nn.Conv2d(64, 256, 4, 2, 1), nn.ConvTranspose2d(64, 256, 4, 2, 1)])
def test_it_may_be_called_by_torchs_name_and_with_anything_else_says_what_torch_says(layer):
    images = torch.randn(1, 64, 4, 4)
    torch.testing.assert_close(suited(layer)(input=images), layer(images))
    with pytest.raises(RuntimeError, match="channels"):
        suited(layer)(torch.randn(1, 63, 4, 4))


def test_a_transposed_convolution_of_a_given_size_is_the_same():
    layer = nn.ConvTranspose2d(256, 128, 3, 2, 1).double()
    images = torch.randn(1, 256, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(suited(layer)(images, output_size=[6, 6]), layer(images, output_size=[6, 6]))


class Viewing(nn.Sequential):
    """Calls `view` between two layers."""

    def forward(self, images):
        first, second = self
        found = first(images)
        return second(found.view(found.shape))


def layers() -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 3, padding=1)


def test_a_network_that_does_not_say_so_is_not_laid_out_anew():
    images = torch.randn(2, 3, 16, 16)
    assert suited(Viewing(*layers()))(images).is_contiguous()


def test_within_a_network_that_says_so_channels_are_last_and_outside_it_are_not():
    seen = []

    class Watching(nn.Sequential):
        channels_last = True

        def forward(self, images):
            first, second = self
            found = first(images)
            seen.append(found)
            return [second(found), found, {"more": (found,)}]

        def features(self, images):
            return [self[0](images)]

    network, images = suited(Watching(*layers())), torch.randn(2, 3, 16, 16)
    *outputs, more = network(images)
    outputs += [*more["more"], *network.features(images)]
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert not seen[0].is_contiguous()
    assert all(output.is_contiguous() for output in outputs)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_of_a_part_is_put_into_one_piece(layout):
    layer, seen = nn.BatchNorm2d(3), []
    suit_to_cpu(layer, torch.float32)
    output = layer(torch.randn(2, 3, 4, 4).contiguous(memory_format=layout))
    output.register_hook(seen.append)
    (torch.cat([torch.zeros(2, 3, 4, 4), output], dim=1) * torch.randn(2, 6, 4, 4)).sum().backward()
    assert seen[0].is_contiguous(memory_format=layout)


def test_without_gradients_nothing_is_changed():
    layer = nn.Conv2d(64, 256, 4, 2, 1)
    images = torch.randn(2, 64, 8, 8)
    with torch.no_grad():
        assert torch.equal(suited(layer)(images), layer(images))
