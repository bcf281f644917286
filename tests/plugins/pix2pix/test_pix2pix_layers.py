"""The layers by themselves, against the operations they are made of."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from itrans_pix2pix.layers import Down, Up, norm_layer


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_down_layer_is_convolution_norm_leaky_relu():
    down, x = Down(3, 5, norm="instance", bias=True), noise(2, 3, 12, 8)
    linear = F.instance_norm(F.conv2d(x, down.conv.weight, down.conv.bias, stride=2, padding=1))
    output = down(x)
    assert output.shape == (2, 5, 6, 4)
    torch.testing.assert_close(output, torch.where(linear > 0, linear, 0.2 * linear))


def test_up_layer_is_relu_transposed_convolution_norm():
    up, x = Up(3, 5, norm="instance", bias=True, upsample="transposed"), noise(2, 3, 6, 4)
    expected = F.instance_norm(F.conv_transpose2d(x.clamp(min=0), up.conv.weight, up.conv.bias, stride=2, padding=1))
    output = up(x)
    assert output.shape == (2, 5, 12, 8)
    torch.testing.assert_close(output, expected)


def test_resize_convolution_enlarges_by_nearest_neighbour_and_convolves_3x3():
    up, x = Up(2, 3, norm="none", bias=True, upsample="resize"), noise(1, 2, 5, 4)
    assert up.conv.weight.shape == (3, 2, 3, 3)
    enlarged = F.relu(x).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(up(x), F.conv2d(enlarged, up.conv.weight, up.conv.bias, padding=1))


@pytest.mark.parametrize(("upsample", "flat"), [("transposed", False), ("resize", True)])
def test_resize_convolution_draws_no_checkerboard_on_a_flat_surface(upsample, flat):
    torch.manual_seed(0)
    up = Up(2, 1, norm="none", bias=False, upsample=upsample)
    inside = up(torch.ones(1, 2, 8, 8))[..., 2:-2, 2:-2]
    assert torch.allclose(inside, inside[..., :1, :1].expand_as(inside)) is flat


def test_instance_norm_has_neither_weights_nor_statistics():
    norm = norm_layer("instance", 4)
    assert not norm.state_dict()
    x = noise(2, 4, 8, 8) * 3 + 1
    for network in (norm.train(), norm.eval()):
        torch.testing.assert_close(network(x).mean((2, 3)), torch.zeros(2, 4), rtol=0, atol=1e-5)


def test_affine_instance_norm_has_weights_and_no_statistics():
    assert set(norm_layer("instance_affine", 4).state_dict()) == {"weight", "bias"}


def test_batch_norm_gathers_statistics():
    norm = norm_layer("batch", 4)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.affine
    assert norm.track_running_stats
