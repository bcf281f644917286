"""Runs that begin with the weights of another, and parts that are not trained."""

from __future__ import annotations

import json

import pytest
import torch

from itrans.checkpoint.file import load_checkpoint


def states(run):
    return load_checkpoint(run / "checkpoints" / "last.pt", mapped=False).networks


@pytest.fixture
def trained(itrans, recipe, tmp_path):
    """The folder of a run."""
    done = itrans("run", recipe, "-o", "first", "--set", "train.steps=3", "--set", "validation.every=0")
    assert done.exit_code == 0, done.output
    return tmp_path / "first"


def began(itrans, recipe, *options):
    """Run without learning anything, so that a checkpoint holds what the run began with; return what was printed."""
    done = itrans(
        *("run", recipe, "-o", "second", "--set", "train.steps=1", "--set", "validation.every=0"),
        *("--set", "optimizer.lr=1e-30", *options),
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_all_parameters_of_the_same_shape_are_taken(itrans, recipe, trained, tmp_path):
    printed = began(itrans, recipe, "--from", trained)
    before, now = states(trained), states(tmp_path / "second")
    for network in ("generator", "discriminator"):
        assert f"{network}: all {len(before[network])} tensors" in printed
        for key, value in before[network].items():
            if "running" not in key and "num_batches" not in key:
                torch.testing.assert_close(now[network][key], value, rtol=0, atol=1e-12)
    start = json.loads((tmp_path / "second" / "log.jsonl").read_text().splitlines()[0])
    assert start["weights"] == str(trained / "checkpoints" / "last.pt")


def test_a_layer_of_another_shape_begins_anew(itrans, recipe, trained, tmp_path):
    data = tmp_path / "grey.toml"
    data.write_text(recipe.read_text().replace("[generator]", "channels = 1\n\n[generator]"), encoding="utf-8")
    printed = began(itrans, data, "--from", trained / "checkpoints" / "last.pt")
    before, now = states(trained)["generator"], states(tmp_path / "second")["generator"]
    different = {key for key in before if before[key].shape != now[key].shape}
    assert {"downs.0.conv.weight", "ups.2.conv.weight"} <= different < {*before}
    assert f"generator: {len(before) - len(different)} of {len(before)} tensors" in printed
    assert "downs.0.conv.weight (4x1x4x4 here, 4x3x4x4 there)" in printed
    torch.testing.assert_close(now["downs.1.conv.weight"], before["downs.1.conv.weight"], rtol=0, atol=1e-12)


def test_averaged_weights_are_what_a_run_begins_with(itrans, recipe, tmp_path):
    options = ("--set", "train.steps=3", "--set", "train.ema=0.9", "--set", "validation.every=0")
    assert itrans("run", recipe, "-o", "first", *options).exit_code == 0
    began(itrans, recipe, "--from", "first")
    average = load_checkpoint(tmp_path / "first", mapped=False).training["averages"]["generator"]["downs.0.conv.weight"]
    assert not torch.equal(average, states(tmp_path / "first")["generator"]["downs.0.conv.weight"])
    now = states(tmp_path / "second")["generator"]["downs.0.conv.weight"]
    torch.testing.assert_close(now, average, rtol=0, atol=1e-12)


def test_a_network_that_the_checkpoint_lacks_begins_anew(itrans, recipe, tmp_path):
    options = ("--without", "discriminator", "--without", "loss", "--set", 'loss=[{name="l1"}]')
    assert itrans("run", recipe, "-o", "first", "--set", "train.steps=1", *options).exit_code == 0
    printed = began(itrans, recipe, "--from", "first")
    assert "discriminator: begins from scratch; the checkpoint has no such network" in printed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--from", "nowhere.pt"), "nowhere.pt"),
        (("--from", "tiny.toml"), "tiny.toml"),
        (("--from", "first", "--resume"), "--resume"),
    ],
)
def test_what_cannot_be_begun_with(itrans, recipe, trained, options, named, tmp_path):
    done = itrans("run", recipe, "-o", "second", *options)
    assert done.exit_code == 2
    assert named in done.output
    assert not (tmp_path / "second" / "checkpoints").exists()


def test_a_checkpoint_of_which_nothing_fits_is_refused(itrans, recipe, trained, tmp_path):
    options = ("--set", 'generator={name="resnet", filters=3, blocks=1}')
    done = itrans("run", recipe, "-o", "second", "--from", trained, *options)
    assert done.exit_code == 2
    assert str(trained / "checkpoints" / "last.pt") in done.output
    assert "generator, discriminator" in done.output


def test_frozen_parts_keep_every_bit(itrans, recipe, trained, tmp_path):
    frozen = '["generator.downs", "discriminator.blocks.0", "generator.ups.0.norm.weight"]'
    options = ("--from", trained, "--set", f"train.freeze={frozen}", "--set", "train.steps=4", "--set", "train.ema=0.9")
    done = itrans("run", recipe, "-o", "second", *options)
    assert done.exit_code == 0, done.output
    before, file = states(trained), load_checkpoint(tmp_path / "second" / "checkpoints" / "last.pt", mapped=False)
    now, averages = file.networks, file.training["averages"]["generator"]
    for key, value in before["generator"].items():
        is_frozen = key.startswith("downs.") or key == "ups.0.norm.weight"
        assert torch.equal(now["generator"][key], value) == is_frozen, key
        assert torch.equal(averages[key], value) == is_frozen, key
    blocks = {key: value for key, value in before["discriminator"].items() if key.startswith("blocks.0.")}
    assert blocks
    assert all(torch.equal(now["discriminator"][key], value) for key, value in blocks.items())


def test_a_frozen_run_goes_on_bit_for_bit(itrans, recipe, tmp_path):
    options = ("--set", 'train.freeze=["generator.downs"]', "--set", "train.steps=4")
    assert itrans("run", recipe, "-o", "whole", *options).exit_code == 0
    assert itrans("run", recipe, "-o", "parts", *options, "--stop-after", "2").exit_code == 130
    assert itrans("run", "parts", "--resume").exit_code == 0
    whole, parts = states(tmp_path / "whole"), states(tmp_path / "parts")
    assert all(torch.equal(whole[name][key], parts[name][key]) for name in whole for key in whole[name])


@pytest.mark.parametrize(
    ("frozen", "named"),
    [
        ("generater.downs", "generator"),
        ("generator.down", "generator.downs"),
        ("generator.downs.9", "generator.downs"),
        ("discriminator", "nothing to train"),
    ],
)
def test_a_part_that_is_not_there_is_refused_by_its_line(itrans, recipe, frozen, named):
    text = recipe.read_text().replace("[train]", f'[train]\nfreeze = ["{frozen}"]')
    recipe.write_text(text, encoding="utf-8")
    done = itrans("run", recipe, "-o", "second")
    assert done.exit_code == 2
    assert "tiny.toml:" in done.output
    assert "train.freeze" in done.output
    assert named in done.output
