"""The ResNet generators of pytorch-CycleGAN-and-pix2pix become `resnet`, and put out the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from guests.imports.published import PublishedResNet, PublishedUNet, before_counting, trained

from itrans.checkpoint.file import load_checkpoint
from itrans_cyclegan.generators import ResNetGenerator
from itrans_import.recognition import own_state


def assert_same_output(theirs, state, **decided):
    """Assert that what is made of a state dict puts out the same, bit for bit; return what was found."""
    found = ResNetGenerator.recognize(state)
    arguments = {**found.arguments, **decided}
    ours = ResNetGenerator(in_channels=found.in_channels, out_channels=found.out_channels, **arguments).eval()
    ours.load_state_dict(own_state(ours, found, Path("x.pth"), "the ResNet"))
    source = torch.rand(2, found.in_channels, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    expected = theirs(source)
    assert expected.std() > 1e-3
    assert torch.equal(ours(source), expected)
    return found


@torch.no_grad()
@pytest.mark.parametrize(
    ("norm", "own_norm", "bias"),
    [
        ("instance", "instance", True),
        ("batch", "batch", False),
        ("none", "none", False),
        ("affine", "instance_affine", True),
        ("biased batch", "batch", True),
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("blocks", [1, 6, 9])
def test_a_resnet_puts_out_the_same_bit_for_bit(blocks, dropout, norm, own_norm, bias):
    theirs = trained(PublishedResNet(blocks, 2, norm, in_channels=1, dropout=dropout)).eval()
    found = assert_same_output(theirs, theirs.state_dict())
    assert found.arguments == {
        "blocks": blocks,
        "filters": 2,
        "norm": own_norm,
        "dropout": dropout,
        "bias": bias,
        "padding": "reflect",
        "block_padding": "reflect",
    }
    assert not found.assumed


@torch.no_grad()
@pytest.mark.parametrize("padding", ["reflect", "zeros"])
@pytest.mark.parametrize("block_padding", ["reflect", "zeros"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("norm", ["instance", "batch", "affine"])
@pytest.mark.parametrize("blocks", [1, 3])
def test_padding_by_zeros_is_known_by_the_numbers_of_layers(blocks, norm, dropout, padding, block_padding):
    paddings = {"padding": padding, "block_padding": block_padding}
    theirs = trained(PublishedResNet(blocks, 2, norm, dropout=dropout, **paddings)).eval()
    found = assert_same_output(theirs, theirs.state_dict())
    assert {key: found.arguments[key] for key in ("padding", "block_padding")} == paddings
    assert (found.arguments["blocks"], found.arguments["dropout"]) == (blocks, dropout)


@torch.no_grad()
def test_padding_by_the_border_itself_has_to_be_told():
    theirs = trained(PublishedResNet(block_padding="replicate")).eval()
    assert_same_output(theirs, theirs.state_dict(), block_padding="replicate")


@torch.no_grad()
@pytest.mark.parametrize(("norm", "decided"), [("affine tracking", {}), ("biased batch", {"norm": "batch"})])
def test_a_resnet_of_2017_is_of_either_norm(norm, decided):
    theirs = trained(PublishedResNet(norm=norm, padding="zeros", block_padding="zeros")).train(norm != "biased batch")
    state = before_counting(theirs.state_dict())
    found = assert_same_output(theirs, state, **decided)
    assert (found.arguments["norm"], found.arguments["bias"]) == ("instance_affine", True)
    assert '"instance_affine", not "batch"' in found.assumed["norm"]


def test_what_is_assumed_is_said_and_can_be_changed(itrans):
    torch.save(before_counting(PublishedResNet(norm="biased batch").state_dict()), "G.pth")
    done = itrans("import", "G.pth", "-o", "G.pt")
    assert done.exit_code == 0, done.output
    assert "--set generator.norm=VALUE --force" in done.stdout
    done = itrans("import", "G.pth", "-o", "G.pt", "--force", "--set", "generator.norm=batch")
    assert done.exit_code == 0, done.output
    assert "VALUE" not in done.stdout
    record = load_checkpoint("G.pt")
    assert record.recipe["generator"]["norm"] == "batch"
    assert "encoder.1.0.running_mean" in record.networks["generator"]


def test_it_is_imported_without_being_named(itrans):
    torch.save(PublishedResNet(2, 2).state_dict(), "latest_net_G.pth")
    done = itrans("import", "latest_net_G.pth", "-o", "G.pt")
    assert done.exit_code == 0, done.output
    assert (
        "generator resnet: blocks 2, filters 2, norm instance, dropout 0.0, bias True, padding reflect" in done.stdout
    )
    assert load_checkpoint("G.pt").recipe["generator"]["name"] == "resnet"


@pytest.mark.parametrize(
    ("padding", "lacking"),
    [
        *(("reflect", lacking) for lacking in ("model.1.", "model.11.conv_block.5.", "model.19.")),
        *(("zeros", lacking) for lacking in ("model.0.", "model.10.conv_block.3.", "model.17.")),
    ],
)
def test_a_missing_layer_is_refused(itrans, padding, lacking):
    state = PublishedResNet(2, 2, padding=padding, block_padding=padding).state_dict()
    torch.save({name: tensor for name, tensor in state.items() if not name.startswith(lacking)}, "x.pth")
    done = itrans("import", "x.pth", "-o", "x.pt")
    assert done.exit_code == 2
    assert "missing" in done.stderr
    assert not Path("x.pt").exists()


def test_a_unet_is_not_one():
    assert ResNetGenerator.recognize(PublishedUNet(5).state_dict()) is None
