"""The generators against the paper's figures and the layout of the PyTorch checkpoints that are in use."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from itrans_pix2pix.generators import EncoderDecoder, UNet

BOTH = pytest.mark.parametrize("generator", [UNet, EncoderDecoder])


def make(kind=UNet, *, in_channels=3, out_channels=3, depth=3, filters=4, **arguments):
    torch.manual_seed(0)
    return kind(in_channels=in_channels, out_channels=out_channels, depth=depth, filters=filters, **arguments)


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def on_meta(kind=UNet, **arguments):
    with torch.device("meta"):
        return kind(in_channels=3, out_channels=3, **arguments)


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]


# --- the paper's figures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "parameters"), [(8, 54_413_955), (7, 41_828_995), (9, 66_998_915)])
def test_unet_has_as_many_parameters_as_the_published_one(depth, parameters):
    assert sum(parameter.numel() for parameter in on_meta(depth=depth).parameters()) == parameters


def test_unet_is_the_papers_by_default():
    network = on_meta()
    assert [down.conv.out_channels for down in network.downs] == [64, 128, 256, 512, 512, 512, 512, 512]
    # CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128: what comes in, after concatenation.
    assert [up.conv.in_channels for up in network.ups] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert [up.conv.out_channels for up in network.ups] == [512, 512, 512, 512, 256, 128, 64, 3]
    assert network.size_multiple == 256


def test_encoder_decoder_is_the_papers_by_default():
    network = on_meta(EncoderDecoder)
    assert [down.conv.out_channels for down in network.downs] == [64, 128, 256, 512, 512, 512, 512, 512]
    # CD512-CD512-CD512-C512-C256-C128-C64, and a convolution to the output's channels.
    assert [up.conv.out_channels for up in network.ups] == [512, 512, 512, 512, 256, 128, 64, 3]
    assert [up.conv.in_channels for up in network.ups] == [512, 512, 512, 512, 512, 256, 128, 64]
    assert network.size_multiple == 256


@BOTH
def test_every_convolution_is_4x4_of_stride_2_and_padding_1(generator):
    geometry = {(conv.kernel_size, conv.stride, conv.padding) for conv in convolutions(on_meta(generator))}
    assert geometry == {((4, 4), (2, 2), (1, 1))}


@BOTH
def test_activations_are_leaky_in_the_encoder_only(generator):
    network = make(generator)
    leaky = [module for module in network.modules() if isinstance(module, nn.LeakyReLU)]
    assert [module.negative_slope for module in leaky] == [0.2] * 2, "all of the encoder but the bottleneck"
    assert len([module for module in network.modules() if isinstance(module, nn.ReLU)]) == 3


@BOTH
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_height_and_width_halve_down_to_the_bottleneck_and_come_back(generator, depth):
    network, sizes = make(generator, depth=depth, filters=2), []
    for block in [*network.downs, *network.ups]:
        block.register_forward_hook(lambda _, __, output: sizes.append(tuple(output.shape[-2:])))
    size = 2**depth
    assert network(noise(2, 3, size, 2 * size)).shape == (2, 3, size, 2 * size)
    down = [(size >> level, 2 * size >> level) for level in range(1, depth + 1)]
    assert sizes == down + down[-2::-1] + [(size, 2 * size)]
    assert network.size_multiple == size


@BOTH
@pytest.mark.parametrize("in_channels", [1, 4])
@pytest.mark.parametrize("out_channels", [1, 2, 13])
def test_any_number_of_channels(generator, in_channels, out_channels):
    network = make(generator, in_channels=in_channels, out_channels=out_channels)
    assert network(noise(1, in_channels, 16, 16)).shape == (1, out_channels, 16, 16)


@BOTH
def test_output_is_the_tanh_of_the_last_convolution(generator):
    network, linear = make(generator), []
    with torch.no_grad():
        network.ups[-1].conv.weight.mul_(1000)
    network.ups[-1].register_forward_hook(lambda _, __, output: linear.append(output))
    output = network(noise(1, 3, 16, 16))
    assert linear[0].abs().max() > 1
    assert output.abs().max() <= 1
    torch.testing.assert_close(output, torch.tanh(linear[0]))


# --- norms and biases ------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("norm", "kind"), [("batch", nn.BatchNorm2d), ("instance", nn.InstanceNorm2d), ("none", nn.Identity)]
)
def test_first_layer_bottleneck_and_last_layer_are_not_normalised(generator, norm, kind):
    network = make(generator, depth=4, norm=norm)
    assert [type(down.norm) for down in network.downs] == [nn.Identity, kind, kind, nn.Identity]
    assert [type(up.norm) for up in network.ups] == [kind, kind, kind, nn.Identity]


@BOTH
def test_under_batch_norm_only_the_last_convolution_has_a_bias(generator):
    biased = [conv.bias is not None for conv in convolutions(make(generator, norm="batch"))]
    assert biased == [False] * 5 + [True]


@BOTH
@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("upsample", ["transposed", "resize"])
def test_without_batch_norm_every_convolution_has_a_bias(generator, norm, upsample):
    assert all(conv.bias is not None for conv in convolutions(make(generator, norm=norm, upsample=upsample)))


@BOTH
@pytest.mark.parametrize("norm", ["batch", "instance", "instance_affine", "none"])
@pytest.mark.parametrize("bias", [True, False])
def test_biases_can_be_asked_for_but_the_last_convolution_always_has_one(generator, norm, bias):
    biased = [conv.bias is not None for conv in convolutions(make(generator, norm=norm, bias=bias))]
    assert biased == [bias] * 5 + [True]


def test_instance_norm_has_neither_weights_nor_statistics():
    assert not [name for name in make(norm="instance").state_dict() if "norm" in name]


@BOTH
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_a_single_picture_trains_down_to_a_bottleneck_of_one_pixel(generator, norm):
    network = make(generator, depth=5, filters=2, norm=norm).train()
    network(noise(1, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.downs[-1].conv.weight.grad.abs().sum() > 0


# --- skip connections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("generator", "reaches"), [(UNet, True), (EncoderDecoder, False)])
def test_only_skips_carry_the_source_past_the_bottleneck(generator, reaches):
    network = make(generator, norm="none").eval()
    with torch.no_grad():
        network.downs[-1].conv.weight.zero_()
    source = noise(1, 3, 16, 16).requires_grad_()
    network(source).square().sum().backward()
    assert bool(source.grad.abs().sum() > 0) is reaches


@torch.no_grad()
def test_skips_come_before_or_after_the_decoders_channels():
    first, last = make(norm="none"), make(norm="none", skips_first=False)
    last.load_state_dict(first.state_dict())
    for up in last.ups[1:]:
        up.conv.weight.copy_(up.conv.weight.roll(up.conv.in_channels // 2, 0))
    source = noise(1, 3, 16, 16)
    torch.testing.assert_close(last(source), first(source))


def test_every_skip_matters():
    network, source = make(depth=4, filters=2).eval(), noise(1, 3, 16, 16)
    whole = network(source)
    for layer in range(1, 4):
        changed = copy.deepcopy(network)
        conv = changed.ups[layer].conv
        with torch.no_grad():
            conv.weight[: conv.in_channels // 2] += 1  # the encoder's half
        assert not torch.allclose(changed(source), whole)


def published_unet(state, source, depth, training):
    """The U-Net of the published PyTorch checkpoints, innermost layer by recursion, out of place."""

    def norm(x, prefix):
        if f"{prefix}.weight" not in state:
            return x
        statistics = (None, None) if training else (state[f"{prefix}.running_mean"], state[f"{prefix}.running_var"])
        return F.batch_norm(x, *statistics, state[f"{prefix}.weight"], state[f"{prefix}.bias"], training=training)

    def level(x, number):
        up = depth - 1 - number
        x = F.leaky_relu(x, 0.2) if number else x
        inner = norm(F.conv2d(x, state[f"downs.{number}.conv.weight"], None, 2, 1), f"downs.{number}.norm")
        if number < depth - 1:
            inner = level(inner, number + 1)
        weight, bias = state[f"ups.{up}.conv.weight"], state.get(f"ups.{up}.conv.bias")
        output = norm(F.conv_transpose2d(F.relu(inner), weight, bias, 2, 1), f"ups.{up}.norm")
        return torch.cat([x, output], 1) if number else torch.tanh(output)

    return level(source, 0)


@pytest.mark.parametrize("training", [True, False])
def test_unet_computes_what_published_checkpoints_expect(training):
    network, source = make(depth=5, filters=3, dropout=0.0), noise(2, 3, 32, 32)
    for _ in range(3):
        network(source + torch.randn_like(source))
    network.train(training)
    expected = published_unet(network.state_dict(), source, 5, training)
    assert expected.std() > 1e-3
    torch.testing.assert_close(network(source), expected)


# --- construction ----------------------------------------------------------------------------------------------------


@BOTH
def test_state_dict_round_trip(generator):
    network, source = make(generator), noise(2, 3, 16, 16)
    network(source)
    other = generator(in_channels=3, out_channels=3, depth=3, filters=4)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.eval()(source), network.eval()(source))


def test_state_dict_names():
    names = set(make(depth=3).state_dict())
    assert {"downs.0.conv.weight", "downs.1.norm.running_mean", "ups.0.conv.weight", "ups.2.conv.bias"} <= names
    assert names == set(make(depth=3, upsample="resize").state_dict())


@BOTH
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"norm": "layer"}, 'no norm "layer"'),
        ({"upsample": "bilinear"}, 'no up-sampling "bilinear"'),
        ({"dropout_placement": "everywhere"}, 'no dropout placement "everywhere"'),
        ({"depth": 1}, "depth is 2 or more"),
    ],
)
def test_choices_that_do_not_exist(generator, arguments, said):
    with pytest.raises(ValueError, match=said):
        make(generator, **arguments)
