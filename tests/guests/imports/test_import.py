"""`itrans import`: weights of pytorch-CycleGAN-and-pix2pix become a checkpoint that translates alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch
from guests.imports.published import PublishedPatchGAN, PublishedUNet, trained

from itrans.api import load, read_image, write_image
from itrans.checkpoint.file import load_checkpoint, save_checkpoint


def picture(channels=3, size=32):
    return np.random.default_rng(0).random((size, size, channels), dtype=np.float32)


@pytest.fixture
def weights(tmp_path):
    """The files of a U-Net and of its PatchGAN."""
    torch.save(trained(PublishedUNet(6, 2)).state_dict(), tmp_path / "latest_net_G.pth")
    torch.save(trained(PublishedPatchGAN(2, 2)).state_dict(), tmp_path / "latest_net_D.pth")
    return Path("latest_net_G.pth")


@torch.no_grad()
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_checkpoint_translates_as_the_network_did(itrans, tmp_path, norm, prefix, zipped):
    network = trained(PublishedUNet(6, 2, norm, in_channels=3, out_channels=1)).eval()
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    torch.save(state, "G.pth", _use_new_zipfile_serialization=zipped)
    done = itrans("import", "G.pth", "-o", "out/G.pt")
    assert done.exit_code == 0, done.output
    source = picture(size=64)
    output = load("out/G.pt", mode="running", precision="fp32").translate(source)
    planes = torch.from_numpy(source).permute(2, 0, 1)[None] * 2 - 1
    expected = (network(planes)[0].permute(1, 2, 0).numpy() + 1) / 2
    assert np.array_equal(output, expected)


def test_what_was_found_is_shown_and_the_file_says_that_it_was_imported(itrans, weights):
    done = itrans("import", weights, "-o", "G.pt")
    assert done.exit_code == 0, done.output
    count = sum(parameter.numel() for parameter in PublishedUNet(6, 2).parameters())
    assert "generator unet: depth 6, filters 2, norm batch, dropout 0.5" in done.stdout
    assert f"3 -> 3 channels; {count:,} parameters" in done.stdout
    assert "--set generator.dropout=VALUE --force" in done.stdout
    record = load_checkpoint("G.pt")
    assert record.recipe["title"] == "imported from latest_net_G.pth"
    assert list(record.networks) == ["generator"]
    assert "discriminator" not in record.recipe
    assert record.progress.step == 0


def test_commands_that_are_advised_can_be_pasted(itrans, weights):
    (own := weights.with_name("my weights.pth")).write_bytes(weights.read_bytes())
    done = itrans("evaluate", own)
    assert "itrans import 'my weights.pth' -o NEW.pt" in done.stderr
    done = itrans("import", own, "-o", "my G.pt")
    assert "itrans translate 'my G.pt' PICTURES" in done.stdout


def test_pictures_are_translated_with_it(itrans, weights, tmp_path):
    itrans("import", weights, "-o", "G.pt")
    write_image(tmp_path / "a.png", (picture(size=40) * 255).astype(np.uint8))
    done = itrans("translate", "G.pt", "a.png", "-o", "out")
    assert done.exit_code == 0, done.output
    assert read_image("out/a.png").shape == (40, 40, 3)


@pytest.mark.parametrize(("seen", "loss"), [(6, "cgan"), (3, "gan")])
def test_a_discriminator_comes_along_with_the_loss_that_fits_it(itrans, weights, tmp_path, seen, loss):
    theirs = trained(PublishedPatchGAN(2, 2, in_channels=seen)).state_dict()
    torch.save(theirs, "D.pth")
    done = itrans("import", weights, "--discriminator-weights", "D.pth", "-o", "GD.pt")
    assert done.exit_code == 0, done.output
    assert "discriminator patchgan: layers 2, filters 2, norm batch" in done.stdout
    record = load_checkpoint("GD.pt")
    assert [entry["name"] for entry in record.recipe["loss"]] == [loss, "l1"]
    assert torch.equal(record.networks["discriminator"]["head.weight"], theirs["model.8.weight"])
    assert record.recipe["title"] == "imported from latest_net_G.pth and D.pth"


def test_it_cannot_be_resumed_and_says_so(itrans, weights, recipe, aligned):
    root = f"dataset.root={aligned.as_posix()}"
    itrans("import", weights, "-o", "run/checkpoints/last.pt", "--set", root)
    record = load_checkpoint("run/checkpoints/last.pt")
    record.length = 8  # the data set's, so that this is not what it is refused for
    save_checkpoint("run/checkpoints/last.pt", record)
    Path("same.toml").write_text(tomli_w.dumps(record.recipe), encoding="utf-8")
    done = itrans("run", "same.toml", "-o", "run", "--resume")
    assert done.exit_code == 2
    assert "it holds no optimisers" in done.stderr


def test_what_weights_do_not_tell_can_be_set(itrans, weights):
    done = itrans("import", weights, "-o", "G.pt", "--set", "generator.dropout=0", "--set", "title=mine")
    assert done.exit_code == 0, done.output
    assert "Weights do not tell" not in done.output
    recipe = load_checkpoint("G.pt").recipe
    assert (recipe["generator"]["dropout"], recipe["title"]) == (0, "mine")


def test_a_file_that_is_there_is_replaced_only_by_force(itrans, weights):
    Path("G.pt").write_text("precious")
    done = itrans("import", weights, "-o", "G.pt")
    assert (done.exit_code, Path("G.pt").read_text()) == (2, "precious")
    assert "--force" in done.stderr
    assert itrans("import", weights, "-o", "G.pt", "--force").exit_code == 0
    assert load("G.pt").title == "imported from latest_net_G.pth"
    before = weights.read_bytes()
    done = itrans("import", weights, "-o", weights, "--force")
    assert (done.exit_code, weights.read_bytes()) == (2, before)


def without(name):
    state = PublishedUNet(6, 2).state_dict()
    del state[name]
    return state


DEEP = "model.model.1.model.3.model.1.weight"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello", "a text file"),
        (b"\x80\x02}q\x00.", "no PyTorch file"),
        (torch.nn.Linear(1, 1), "holds code"),
        ([1, 2], "but list"),
        ({}, "it is empty"),
        ({"epoch": 3, "netG": {"a": torch.zeros(1)}}, "['netG']"),
        ({"format": "itrans-checkpoint", "version": 1}, "checkpoint of itrans already"),
        ({"model.1.weight": torch.zeros(4, 3, 7, 7)}, "What is in it: model.1.weight 4x3x7x7"),
        (without(DEEP), f"missing: {DEEP}"),
        ({**PublishedUNet(6, 2).state_dict(), "model.model.9.weight": torch.zeros(1)}, "not part of it: model.model.9"),
        ({**PublishedUNet(6, 2).state_dict(), DEEP: torch.zeros(1, 2)}, f"{DEEP} 1x2 in place of 8x4x4x4"),
        ({**PublishedUNet(6, 2).state_dict(), DEEP: torch.full((8, 4, 4, 4), torch.nan)}, "not finite"),
        ({"model.model.0.weight": torch.zeros(3)}, "which no convolution has"),
    ],
)
def test_files_that_cannot_be_imported_get_one_message_and_nothing_is_written(itrans, tmp_path, content, said):
    if isinstance(content, bytes):
        Path("x.pth").write_bytes(content)
    else:
        torch.save(content, "x.pth")
    done = itrans("import", "x.pth", "-o", "out/x.pt")
    assert done.exit_code == 2
    assert "x.pth" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not Path("out").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.0, 0.005, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_said_to_be_so(itrans, weights, zipped, kept):
    torch.save(torch.load(weights, weights_only=True), "x.pth", _use_new_zipfile_serialization=zipped)
    content = Path("x.pth").read_bytes()
    Path("x.pth").write_bytes(content[: int(kept * len(content))])
    done = itrans("import", "x.pth", "-o", "x.pt")
    assert done.exit_code == 2
    assert "x.pth" in done.stderr
    assert not Path("x.pt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.pth"], "none.pth does not exist"),
        (["."], ". is a folder"),
        (["latest_net_G.pth", "--generator", "une"], 'Did you mean "unet"'),
        (["latest_net_G.pth", "--generator", "encoder_decoder"], 'has no "recognize"'),
        (["latest_net_D.pth"], "holds the weights of no generator"),
        (["latest_net_G.pth", "--discriminator-weights", "latest_net_G.pth"], "no discriminator"),
        (["latest_net_G.pth", "--discriminator", "patchgan"], "give those too"),
        (["latest_net_G.pth", "--set", "generator.filter=3"], "generator.filter"),
        (["latest_net_G.pth", "--set", "generator.filters=3"], "of another shape or type"),
    ],
)
def test_wrong_arguments_get_a_message(itrans, weights, arguments, said):
    done = itrans("import", *arguments, "-o", "x.pt")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("x.pt").exists()


def test_a_discriminator_of_another_generator_is_refused(itrans, weights):
    torch.save(PublishedPatchGAN(2, 2, in_channels=4).state_dict(), "D.pth")
    done = itrans("import", weights, "--discriminator-weights", "D.pth", "-o", "x.pt")
    assert done.exit_code == 2
    assert "D.pth does not belong to the generator" in done.stderr


def test_the_recipe_s_own_parts_are_ours_whoever_else_has_such_names(itrans, install, weights):
    names = "[itrans.losses]\nl1 = acme_parts:Missing\n[itrans.datasets]\naligned = acme_parts:Missing\n"
    install("acme", "1", names + "[itrans.methods]\npaired = acme_parts:Missing\n", acme_parts="")
    done = itrans("import", weights, "-o", "G.pt")
    assert done.exit_code == 0, done.output
    assert {part["distribution"] for part in load_checkpoint("G.pt").components} == {"itrans"}
