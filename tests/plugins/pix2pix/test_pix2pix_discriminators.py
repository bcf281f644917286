"""PatchGAN against the paper's table of patches, and its receptive field by measurement."""

import pytest
import torch
from torch import nn

from itrans.api import DataError
from itrans_pix2pix.discriminators import PatchGAN, patch_size

# layers of stride 2, patch, logits map for 256x256, parameters at 3 + 3 channels
TABLE = [
    (0, 1, 256, 9_024),
    (1, 16, 126, 139_585),
    (2, 34, 62, 666_433),
    (3, 70, 30, 2_768_705),
    (4, 142, 14, 6_964_033),
    (5, 286, 6, 11_159_361),
    (6, 574, 2, 15_354_689),
]


def make(*, in_channels=3, condition_channels=3, filters=4, **arguments):
    torch.manual_seed(0)
    return PatchGAN(in_channels=in_channels, condition_channels=condition_channels, filters=filters, **arguments)


def noise(*shape, seed=1):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize(("layers", "patch", "size", "parameters"), TABLE)
@pytest.mark.parametrize("by", ["patch", "layers"])
def test_the_papers_table(layers, patch, size, parameters, by):
    with torch.device("meta"):
        network = make(filters=64, **({"patch": patch} if by == "patch" else {"layers": layers}))
        logits = network(torch.empty(1, 3, 256, 256), torch.empty(1, 3, 256, 256))
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert logits.shape == (1, 1, size, size)
    assert network.receptive_field == patch == patch_size(layers)


def test_patches_of_70_by_default():
    network = make(filters=64)
    assert network.receptive_field == 70
    # C64-C128-C256-C512, and one channel of logits.
    assert [conv.out_channels for conv in convolutions(network)] == [64, 128, 256, 512, 1]
    assert [conv.stride[0] for conv in convolutions(network)] == [2, 2, 2, 1, 1]
    assert network(noise(1, 3, 64, 64), noise(1, 3, 64, 64)).shape == (1, 1, 6, 6)


def test_pixel_discriminator_has_1x1_convolutions():
    network = make(patch=1, filters=64)
    assert [(conv.out_channels, conv.kernel_size, conv.stride) for conv in convolutions(network)] == [
        (64, (1, 1), (1, 1)),
        (128, (1, 1), (1, 1)),
        (1, (1, 1), (1, 1)),
    ]


def test_channels_stop_doubling_at_eight_times_the_first():
    assert [conv.out_channels for conv in convolutions(make(patch=286, filters=2))] == [2, 4, 8, 16, 16, 16, 1]


@pytest.mark.parametrize(("layers", "patch"), [(row[0], row[1]) for row in TABLE])
def test_one_logit_depends_on_exactly_a_patch(layers, patch):
    # Positive weights on a positive picture, so that nothing cancels and every LeakyReLU is on its linear side.
    network = make(in_channels=1, condition_channels=0, filters=1, patch=patch, norm="none")
    for conv in convolutions(network):
        nn.init.constant_(conv.weight, 1 / conv.weight[0].numel())
    size = 12 * 2**layers  # the patch of logit 5 lies inside
    image = torch.ones(1, 1, size, size, requires_grad=True)
    network(image, None)[0, 0, 5, 5].backward()
    rows, columns = image.grad[0, 0].nonzero(as_tuple=True)
    assert int(rows.max() - rows.min()) + 1 == patch
    assert int(columns.max() - columns.min()) + 1 == patch
    assert len(rows) == patch**2


def test_more_layers_than_the_table_has():
    with torch.device("meta"):
        assert make(layers=7, filters=2).receptive_field == 9 * 2**7 - 2


# --- norms and biases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [1, 16, 70])
@pytest.mark.parametrize(
    ("norm", "kind"), [("batch", nn.BatchNorm2d), ("instance", nn.InstanceNorm2d), ("none", nn.Identity)]
)
def test_first_layer_is_not_normalised(patch, norm, kind):
    norms = [type(block.norm) for block in make(patch=patch, norm=norm).blocks]
    assert norms == [nn.Identity] + [kind] * (len(norms) - 1)


def test_under_batch_norm_only_the_first_and_last_convolutions_have_biases():
    assert [conv.bias is not None for conv in convolutions(make())] == [True, False, False, False, True]


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("patch", [1, 70])
def test_without_batch_norm_every_convolution_has_a_bias(norm, patch):
    assert all(conv.bias is not None for conv in convolutions(make(norm=norm, patch=patch)))


def test_leaky_activations():
    slopes = [module.negative_slope for module in make().modules() if isinstance(module, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


# --- the condition ---------------------------------------------------------------------------------------------------


def test_condition_comes_first():
    network = make(in_channels=2, condition_channels=1).eval()
    image, condition = noise(1, 2, 32, 32), noise(1, 1, 32, 32)
    alone = make(in_channels=3, condition_channels=0).eval()
    alone.load_state_dict(network.state_dict())
    torch.testing.assert_close(network(image, condition), alone(torch.cat([condition, image], 1), None))


def test_condition_matters():
    network, image = make().eval(), noise(1, 3, 32, 32)
    assert not torch.allclose(network(image, noise(1, 3, 32, 32, seed=2)), network(image, noise(1, 3, 32, 32, seed=3)))


@pytest.mark.parametrize("method", ["forward", "features"])
def test_condition_that_does_not_fit(method):
    image = noise(1, 3, 32, 32)
    with pytest.raises(ValueError, match="sees a source of 3 channels with the picture, but got none"):
        getattr(make(), method)(image, None)
    with pytest.raises(ValueError, match=r"sees the picture alone .* got a source too"):
        getattr(make(condition_channels=0), method)(image, image)


# --- features --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("patch", "shapes"), [
    (70, [(4, 32), (8, 16), (16, 8), (32, 7)]),
    (1, [(4, 64), (8, 64)]),
])  # fmt: skip
def test_features_are_the_activations_after_each_block(patch, shapes):
    network, image, condition = make(patch=patch).eval(), noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=2)
    features = network.features(image, condition)
    assert [tuple(feature.shape) for feature in features] == [(2, width, size, size) for width, size in shapes]
    torch.testing.assert_close(network.head(features[-1]), network(image, condition))
    x = torch.cat([condition, image], 1)
    for block, feature in zip(network.blocks, features, strict=True):
        x = torch.where((linear := block.norm(block.conv(x))) > 0, linear, 0.2 * linear)
        torch.testing.assert_close(feature, x)


def test_features_have_gradients():
    image = noise(1, 3, 64, 64).requires_grad_()
    sum(feature.square().mean() for feature in make().features(image, noise(1, 3, 64, 64))).backward()
    assert image.grad.abs().sum() > 0


# --- construction ----------------------------------------------------------------------------------------------------


def test_patch_and_layers_may_agree():
    assert make(patch=142, layers=4).receptive_field == 142
    assert make(patch=1, layers=0).receptive_field == 1


def test_patch_and_layers_that_disagree():
    with pytest.raises(ValueError, match=r"patches of 70 take 3 layers, and 4 layers see patches of 142"):
        make(patch=70, layers=4)
    with pytest.raises(ValueError, match="0 layers see patches of 1"):
        make(patch=70, layers=0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"patch": 64}, "no patches of 64: patch is one of 1, 16, 34, 70, 142, 286, 574"),
        ({"layers": -1}, "layers is 0 or more"),
        ({"norm": "layer"}, 'no norm "layer"'),
    ],
)
def test_choices_that_do_not_exist(arguments, said):
    with pytest.raises(ValueError, match=said):
        make(**arguments)


@pytest.mark.parametrize(("layers", "patch"), [(row[0], row[1]) for row in TABLE[:5]])
def test_the_smallest_picture_gives_one_logit_and_a_smaller_one_a_sentence(layers, patch):
    network = make(condition_channels=0, filters=2, patch=patch)
    size = 3 * 2**layers if layers else 1
    assert network.eval()(noise(1, 3, size, size), None).shape == (1, 1, 1, 1)
    if layers:
        with pytest.raises(DataError, match=f"{size}x{size - 1} are too small .* patches of {patch}: .* {size}x{size}"):
            network(noise(1, 3, size - 1, size), None)


def test_state_dict_round_trip():
    network, image, condition = make(), noise(1, 3, 32, 32), noise(1, 3, 32, 32, seed=2)
    network(image, condition)
    other = PatchGAN(in_channels=3, condition_channels=3, filters=4)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.eval()(image, condition), network.eval()(image, condition))
    assert {"blocks.0.conv.bias", "blocks.3.norm.running_var", "head.weight"} <= set(network.state_dict())
