"""The networks of pytorch-CycleGAN-and-pix2pix are these networks: the same weights give the same numbers."""

from pathlib import Path

import pytest
import torch
from guests.imports.published import PublishedPatchGAN, PublishedPixels, PublishedUNet, before_counting, trained

from itrans.api import CheckpointError
from itrans_import.recognition import own_state
from itrans_pix2pix.discriminators import PatchGAN
from itrans_pix2pix.generators import UNet

# What is found of each: the norm, and whether there are biases.
NORMS = {
    "batch": ("batch", False),
    "instance": ("instance", True),
    "tracking": ("instance", True),
    "none": ("none", False),
    "biased batch": ("batch", True),
    "affine": ("instance_affine", True),
}


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def as_unet(state, **decided):
    found = UNet.recognize(state)
    arguments = {**found.arguments, **decided}
    network = UNet(in_channels=found.in_channels, out_channels=found.out_channels, **arguments)
    network.load_state_dict(own_state(network, found, Path("x.pth"), "the U-Net"))
    return network, found


def as_patchgan(state, condition_channels=3):
    found = PatchGAN.recognize(state)
    channels = {"in_channels": found.in_channels - condition_channels, "condition_channels": condition_channels}
    network = PatchGAN(**channels, **found.arguments)
    network.load_state_dict(own_state(network, found, Path("x.pth"), "the PatchGAN"))
    return network, found


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("depth", [5, 7, 8])
@pytest.mark.parametrize("training", [True, False])
@torch.no_grad()
def test_a_unet_puts_out_the_same_bit_for_bit(norm, depth, training):
    theirs = trained(PublishedUNet(depth, 2, norm, in_channels=1, out_channels=3)).train(training)
    ours, found = as_unet(theirs.state_dict())
    assert found.arguments == {
        "depth": depth,
        "filters": 2,
        "norm": NORMS[norm][0],
        "dropout": 0.5,
        "dropout_placement": "junyanz",
        "upsample": "transposed",
        "bias": NORMS[norm][1],
        "skips_first": True,
    }
    assert (found.in_channels, found.out_channels) == (1, 3)
    ours.train(training)
    for module in ours.modules():  # drawn in another order, or not at all
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if norm == "tracking":  # the published code takes each picture's own statistics, whatever was gathered
        theirs.train()
    source = noise(2, 1, 2**depth, 2 ** (depth + (depth == 5)))
    expected = theirs(source.clone())
    assert expected.std() > 1e-3
    assert torch.equal(ours(source.clone()), expected)


@pytest.mark.parametrize(("depth", "layers"), [(5, 0), (6, 1), (7, 2), (8, 3)])
def test_dropout_is_where_theirs_is_and_is_said_to_be_a_guess_where_there_is_any(depth, layers):
    theirs = PublishedUNet(depth, 1, dropout=0.5)
    ours, found = as_unet(theirs.state_dict())
    dropouts = [[type(part) for part in network.modules()].count(torch.nn.Dropout) for network in (ours, theirs)]
    assert dropouts == [layers, layers]
    assert list(found.assumed) == (["dropout"] if layers else [])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", [0, 1, 3, 4])
@torch.no_grad()
def test_a_patchgan_judges_the_same_bit_for_bit(norm, layers):
    theirs = PublishedPatchGAN(layers, 2, norm) if layers else PublishedPixels(2, norm)
    ours, found = as_patchgan(trained(theirs).state_dict())
    assert found.arguments == {"layers": layers, "filters": 2, "norm": NORMS[norm][0], "bias": NORMS[norm][1]}
    condition, image = noise(2, 6, 64, 64).split(3, dim=1)
    for training in (False, True):
        theirs.train(training or norm == "tracking")
        ours.train(training)
        assert torch.equal(ours(image, condition), theirs(torch.cat([condition, image], 1)))


@pytest.mark.parametrize("tracked", [True, False])
def test_files_with_and_without_the_count_of_batches(tracked):
    state = trained(PublishedUNet(5, 1)).state_dict()
    if not tracked:
        state = before_counting(state)
    own = as_unet(state)[0].state_dict()
    assert own["ups.0.norm.num_batches_tracked"] == (7 if tracked else 0)
    assert torch.equal(own["downs.1.norm.running_mean"], state["model.model.1.model.2.running_mean"])


@pytest.mark.parametrize(("norm", "decided"), [("biased batch", {}), ("affine tracking", {"norm": "instance_affine"})])
@pytest.mark.parametrize("skips_first", [False, True])
@torch.no_grad()
def test_a_unet_of_2017_is_of_either_norm_and_its_skips_come_last(norm, decided, skips_first):
    theirs = trained(PublishedUNet(5, 2, norm, skips_first=skips_first)).train(norm == "affine tracking")
    found = UNet.recognize(before_counting(theirs.state_dict()))
    assert (found.arguments["norm"], found.arguments["bias"], found.arguments["skips_first"]) == ("batch", True, False)
    assert list(found.assumed) == ["norm", "skips_first"]
    assert '"batch", not "instance_affine"' in found.assumed["norm"]
    assert "after" in found.assumed["skips_first"]
    state = before_counting(theirs.state_dict())
    ours, _ = as_unet(state, **decided, **({"skips_first": True} if skips_first else {}))
    source = noise(2, 3, 32, 64)
    expected = theirs(source.clone())
    assert expected.std() > 1e-3
    assert torch.equal(ours.eval()(source.clone()), expected)


@pytest.mark.parametrize("training", [True, False])
@torch.no_grad()
def test_instance_norm_that_uses_its_statistics_is_batch_norm_of_one_picture(training):
    theirs = trained(PublishedUNet(5, 2, "affine tracking")).train(training)
    ours, found = as_unet(theirs.state_dict())
    assert (found.arguments["norm"], "norm" in found.assumed) == ("batch", False)
    source = noise(1, 3, 32, 64)
    assert torch.equal(ours.train(training)(source.clone()), theirs(source.clone()))


@pytest.mark.parametrize(
    ("norm", "counted", "assumed"),
    [
        ("batch", True, []),
        ("batch", False, ["skips_first"]),
        ("biased batch", True, ["skips_first"]),
        ("instance", True, []),
        ("tracking", False, ["skips_first"]),
        ("affine", True, []),
    ],
)
def test_the_order_of_skips_is_said_to_be_a_guess_where_it_is_in_doubt(norm, counted, assumed):
    state = PublishedUNet(5, 1, norm).state_dict()
    found = UNet.recognize(state if counted else before_counting(state))
    assert list(found.assumed) == assumed
    assert found.arguments["skips_first"]


def test_running_statistics_alone_are_of_no_norm_that_can_be_imported():
    state = PublishedPatchGAN(norm="batch").state_dict()
    bare = {name: tensor for name, tensor in state.items() if "running" in name or tensor.ndim == 4}
    with pytest.raises(CheckpointError, match="running statistics without weights"):
        PatchGAN.recognize(bare)


@pytest.mark.parametrize("lacking", ["model.model.1.model.1.bias", "model.model.1.model.2.bias"])
def test_biases_and_norms_are_of_the_whole_network(lacking):
    state = PublishedUNet(5, 1, "affine").state_dict()
    del state[lacking]
    with pytest.raises(CheckpointError, match=f"missing: {lacking}"):
        as_unet(state)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"downs.0.conv.weight": torch.zeros(4, 3, 4, 4)},
        {"model.1.weight": torch.zeros(4, 3, 7, 7), "model.10.conv_block.1.weight": torch.zeros(16, 16, 3, 3)},
    ],
)
def test_other_networks_are_not_recognised(state):
    assert UNet.recognize(state) is None
    assert PatchGAN.recognize(state) is None


def test_each_knows_its_own():
    assert UNet.recognize(PublishedPatchGAN().state_dict()) is None
    assert PatchGAN.recognize(PublishedUNet(5).state_dict()) is None


@pytest.mark.parametrize("lacking", ["model.model.0.weight", "model.model.3.weight"])
def test_a_unet_without_its_first_or_last_layer_is_refused(lacking):
    state = PublishedUNet(5).state_dict()
    del state[lacking]
    with pytest.raises(CheckpointError, match=lacking):
        UNet.recognize(state)


def test_a_patchgan_without_its_last_layer_is_refused():
    state = {name: tensor for name, tensor in PublishedPatchGAN().state_dict().items() if "11" not in name}
    with pytest.raises(CheckpointError, match="last layer is missing"):
        PatchGAN.recognize(state)
