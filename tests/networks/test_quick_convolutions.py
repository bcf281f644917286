"""Quick convolutions are the same convolutions, and the same bytes in any company."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from itrans.networks.quick_convolutions import QuickConvolutions

LAYERS = {
    "down": (lambda bias: nn.Conv2d(256, 128, 4, 2, 1, bias=bias), [(8, 8), (4, 4), (2, 2), (6, 3), (2, 7)]),
    "same": (lambda bias: nn.Conv2d(256, 128, 3, 1, 1, bias=bias), [(4, 4), (1, 3), (1, 1)]),
    "wide": (lambda bias: nn.Conv2d(256, 128, (1, 9), (1, 2), (0, 4), bias=bias), [(1, 1), (2, 12)]),
    "up": (lambda bias: nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=bias), [(4, 4), (2, 2), (1, 1), (2, 3)]),
    "gaps": (lambda bias: nn.ConvTranspose2d(256, 128, (3, 4), (1, 5), (0, 1), bias=bias), [(4, 4), (1, 3)]),
    "last": (lambda bias: nn.ConvTranspose2d(256, 3, 4, 2, 1, bias=bias), [(9, 12), (1, 1), (1, 5), (32, 32)]),
}
"""Layers, and the sizes of their inputs."""


def in_bf16(layer: nn.Module) -> nn.Module:
    return layer.to(torch.bfloat16, memory_format=torch.channels_last)


def pictures(count: int, channels: int, height: int, width: int) -> torch.Tensor:
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(1)).bfloat16()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_a_product_is_as_exact_as_the_convolution(name, bias):
    torch.manual_seed(0)
    make, sizes = LAYERS[name]
    layer = in_bf16(make(bias))
    for height, width in sizes:
        images = pictures(5, 256, height, width)
        exact = make(bias).float()
        exact.load_state_dict(layer.state_dict())
        wanted = exact(images.float())
        with QuickConvolutions([layer]).in_place():
            assert "forward" in vars(layer)
            found = layer(images)
        assert found.dtype == torch.bfloat16
        assert found.shape == wanted.shape
        # Rounded to 8 bits once, and each of the products that are added up once more.
        torch.testing.assert_close(found.float(), wanted, rtol=2**-7, atol=2**-7 * float(wanted.abs().max()))


@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_a_picture_has_the_same_bytes_in_any_company(name):
    torch.manual_seed(0)
    make, sizes = LAYERS[name]
    layer = in_bf16(make(True))
    with QuickConvolutions([layer]).in_place():
        for height, width in sizes:
            images = pictures(70, 256, height, width)
            together = layer(images)
            for number in (0, 1, 33, 69):
                assert torch.equal(together[number : number + 1], layer(images[number : number + 1]))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(256, 512, 4, padding="same"),
        nn.Conv2d(256, 512, 4, padding=1, padding_mode="reflect"),
        nn.Conv2d(512, 512, 4, groups=2),
        nn.Conv2d(256, 512, 4, dilation=2),
        nn.Conv2d(512, 1024, 1),
        nn.ConvTranspose2d(256, 256, 4, stride=2, output_padding=1),
        nn.ConvTranspose2d(256, 3, 4, stride=2),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
        nn.Linear(1024, 512),
        type("OfSomebody", (nn.Conv2d,), {})(256, 512, 4),
    ],
    ids=lambda layer: str(layer)[:60],
)
def test_other_layers_are_left_alone(layer):
    with QuickConvolutions([nn.Sequential(layer)]).in_place():
        assert "forward" not in vars(layer)


@torch.no_grad()
def test_more_pixels_and_other_calls_are_convolutions_as_ever():
    layer = in_bf16(nn.Conv2d(256, 128, 4, 2, 1))
    up, last = in_bf16(nn.ConvTranspose2d(256, 128, 4, 2, 1)), in_bf16(nn.ConvTranspose2d(256, 3, 4, 2, 1))
    images = pictures(2, 256, 16, 16)
    alone, small = images[0], pictures(1, 256, 2, 2)

    def outputs() -> list[torch.Tensor]:
        odd = [convolution(small, output_size=(5, 5)) for convolution in (up, last)]
        return [layer(images), up(images), layer(alone), up(alone), last(alone), *odd]

    plain = outputs()
    with QuickConvolutions([layer, up, last]).in_place():
        found = outputs()
    assert all(torch.equal(a, b) for a, b in zip(plain, found, strict=True))
    assert "forward" not in vars(layer)


@torch.no_grad()
def test_what_cannot_be_convolved_is_told_as_by_torch():
    layer = in_bf16(nn.Conv2d(256, 128, 4))
    with QuickConvolutions([layer]).in_place(), pytest.raises(RuntimeError, match="[Kk]ernel size"):
        layer(pictures(1, 256, 2, 2))
    with QuickConvolutions([layer]).in_place(), pytest.raises(RuntimeError, match="channels"):
        layer(pictures(1, 128, 5, 5))
