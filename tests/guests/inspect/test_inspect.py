from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import cv2
import pytest
import tomli_w
import torch

PAPER = {
    "title": "pix2pix",
    "dataset": {"name": "aligned", "root": "not/there"},
    "generator": {"name": "unet"},
    "discriminator": {"name": "patchgan"},
    "loss": [{"name": "cgan"}, {"name": "l1", "weight": 100.0}],
    "train": {"epochs": 1},
}


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "paper.toml"
    path.write_text(tomli_w.dumps(PAPER), encoding="utf-8")
    return path


def test_the_papers_networks_have_the_papers_numbers(itrans, paper):
    done = itrans("inspect", paper, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    generator, discriminator = found["networks"]
    assert (generator["name"], generator["parameters"]) == ("generator", 54_413_955)
    assert generator["outputs"] == [[3, 256, 256]]
    assert (discriminator["in_channels"], discriminator["condition_channels"]) == (3, 3)
    assert discriminator["parameters"] == 2_768_705
    assert discriminator["outputs"] == [[1, 30, 30]]
    [field] = discriminator["receptive_fields"]
    assert (field["width"], field["is_measured"]) == (70, False)
    depths = {d["receptive_field"]: (d["logits"], d["parameters"]) for d in discriminator["depths"]}
    assert depths == {
        1: (256, 9_024),
        16: (126, 139_585),
        34: (62, 666_433),
        70: (30, 2_768_705),
        142: (14, 6_964_033),
        286: (6, 11_159_361),
        574: (2, 15_354_689),
    }
    assert [d["receptive_field"] for d in discriminator["depths"] if d["in_use"]] == [70]
    assert "3 channels in and out are assumed" in found["notes"][0]
    for network in (generator, discriminator):
        assert sum(layer["parameters"] for layer in network["layers"]) == network["parameters"]
        assert sum(layer["multiply_adds"] for layer in network["layers"]) == network["multiply_adds"]
    first = generator["layers"][0]
    assert first["multiply_adds"] == 64 * 128 * 128 * 3 * 4 * 4


@pytest.mark.parametrize(("depth", "parameters"), [(7, 41_828_995), (9, 66_998_915)])
def test_other_depths_by_set(itrans, paper, depth, parameters):
    done = itrans("inspect", paper, "--set", f"generator.depth={depth}", "--size", 64, "--json")
    generator, discriminator = json.loads(done.stdout)["networks"]
    assert generator["parameters"] == parameters
    assert generator["size"] == max(64, 2**depth)  # a U-Net takes no less
    assert discriminator["outputs"] == [[1, 6, 6]]


def test_a_pipe_gets_plain_tables(itrans, paper):
    done = itrans("inspect", paper)
    assert done.exit_code == 0, done.output
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    words = [[word.strip() for word in line if word.strip()] for line in lines]
    assert ["generator", "UNet", "3x256x256", "3x256x256", "54,413,955"] in [line[:5] for line in words]
    assert ["3", "70", "30x30", "2,768,705", "<- in use"] in words
    assert ["2", "34", "62x62", "666,433", "-"] in words
    assert "Note: The data set's folder not/there is not there" in done.stderr
    assert "downs.0.conv" not in done.stdout
    assert re.search(r"downs\.0\.conv +Conv2d +64x128x128 +3,072", itrans("inspect", paper, "--layers").stdout)


def test_channels_come_from_the_option_or_from_the_data(itrans, paper, recipe):
    found = json.loads(itrans("inspect", paper, "--channels", "1,2", "--size", 64, "--json").stdout)
    generator, discriminator = found["networks"]
    assert (generator["in_channels"], generator["outputs"]) == (1, [[2, 256, 256]])
    assert (discriminator["in_channels"], discriminator["condition_channels"]) == (2, 1)
    assert found["notes"] == []
    found = json.loads(itrans("inspect", recipe, "--json").stdout)
    assert (found["source"]["channels"], found["notes"]) == (3, [])


def test_the_recipe_says_the_size_unless_the_option_does(itrans, paper):
    augmented = ("--set", "augment.resize=70", "--set", "augment.crop=64", "--set", "generator.depth=3")
    sizes = [
        json.loads(itrans("inspect", paper, *augmented, *option, "--json").stdout)["networks"][0]["size"]
        for option in ((), ("--size", "32"))
    ]
    assert sizes == [64, 32]


def test_a_checkpoint_is_what_its_recipe_was(itrans, recipe, tmp_path):
    assert itrans("run", recipe, "-o", "run", "--set", "train.epochs=1").exit_code == 0
    checkpoint = tmp_path / "run" / "checkpoints" / "last.pt"
    found, expected = (
        json.loads(itrans("inspect", subject, "--size", 16, "--json").stdout) for subject in (checkpoint, recipe)
    )
    assert found == expected
    stored = torch.load(checkpoint, weights_only=True)["networks"]
    names = [key for key, _ in stored["generator"].items() if "running" not in key and "num_batches" not in key]
    assert found["networks"][0]["parameters"] == sum(stored["generator"][name].numel() for name in names)
    done = itrans("inspect", checkpoint, "--set", "generator.depth=4")
    assert (done.exit_code, "--set goes with a recipe" in done.stderr) == (2, True)


@pytest.fixture
def cycle(tmp_path):
    recipe = {
        **PAPER,
        "dataset": {"name": "unaligned", "root": "not/there"},
        "method": {"name": "cyclegan"},
        "generator": {"name": "resnet", "blocks": 1, "filters": 4},
        "loss": [{"name": "gan"}, {"name": "cycle"}],
    }
    path = tmp_path / "cycle.toml"
    path.write_text(tomli_w.dumps(recipe), encoding="utf-8")
    return path


def test_both_sides_of_a_cycle_are_shown_and_no_condition(itrans, cycle):
    done = itrans("inspect", cycle, "--channels", "1,3", "--json")
    shapes = {
        network["name"]: (network["in_channels"], network["condition_channels"], network["outputs"][0][0])
        for network in json.loads(done.stdout)["networks"]
    }
    assert shapes == {
        "generator_AtoB": (1, 0, 3),
        "generator_BtoA": (3, 0, 1),
        "discriminator_A": (1, 0, 1),
        "discriminator_B": (3, 0, 1),
    }


def test_scales_are_measured_one_by_one(itrans, paper):
    scales = ("--set", "discriminator.name=multiscale", "--set", "discriminator.scales=2")
    done = itrans("inspect", paper, *scales, "--set", "discriminator.layers=1", "--set", "generator.depth=3", "--json")
    discriminator = json.loads(done.stdout)["networks"][1]
    fields = discriminator["receptive_fields"]
    # patches of 16; the second scale sees them through 3x3 pooling of stride 2: (16 - 1) * 2 + 3
    assert [(field["width"], field["is_measured"]) for field in fields] == [(16, True), (33, True)]
    assert [field["spacing"] for field in fields] == [2, 4]
    assert [field["logits"] for field in fields] == [126, 62]


def test_a_perceptual_loss_needs_no_weights_here(itrans, paper):
    weightless = {**PAPER, "loss": [*PAPER["loss"], {"name": "perceptual", "backbone": "resnet18"}]}
    paper.write_text(tomli_w.dumps(weightless), encoding="utf-8")
    assert itrans("inspect", paper, "--set", "generator.depth=3").exit_code == 0


def test_diagrams_are_drawn_in_both_formats(itrans, paper, tmp_path):
    for name in ("u.svg", "deep/u.png"):
        done = itrans("inspect", paper, "--set", "generator.depth=4", "--diagram", name)
        assert done.exit_code == 0, done.output
        assert f"Drawn: {name}" in done.stdout
    root = ET.parse(tmp_path / "u.svg").getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("512") == 2  # the bottleneck, and 256 + 256 next to it
    assert "skip connection: concatenation" in texts
    picture = cv2.imread(str(tmp_path / "deep" / "u.png"))
    assert picture.shape[:2] == (2 * int(root.get("height")), 2 * int(root.get("width")))


def title_of(path):
    return ET.parse(path).getroot().findtext("{http://www.w3.org/2000/svg}title")


def test_of_several_networks_the_first_is_drawn_or_the_one_that_is_named(itrans, cycle, tmp_path):
    size = ("--channels", "1,3", "--size", 64)
    done = itrans("inspect", cycle, *size, "--diagram", "first.svg")
    assert "Drawn: first.svg (generator_AtoB; --network NAME draws another)" in done.stdout
    both = ("--diagram", "back.svg", "--receptive-field", "patches.png")
    done = itrans("inspect", cycle, *size, *both, "--network", "generator_BtoA")
    assert "Drawn: back.svg (generator_BtoA; --network NAME draws another)" in done.stdout
    assert "Drawn: patches.png (discriminator_A; --network NAME draws another)" in done.stdout
    assert title_of(tmp_path / "first.svg").startswith("generator_AtoB (")
    assert title_of(tmp_path / "back.svg").startswith("generator_BtoA (")
    done = itrans("inspect", cycle, *size, "--receptive-field", "patches.png", "--network", "discriminator_B")
    assert "Drawn: patches.png (discriminator_B; --network NAME draws another)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--diagram", "u.svg", "--network", "generator_AtoC"], 'no such network. Did you mean "generator_AtoB"'),
        (["--diagram", "u.svg", "--network", "discriminator_A"], "--diagram draws a generator and --receptive-field"),
        (["--network", "generator_AtoB"], "--network generator_AtoB is for what is drawn"),
    ],
)
def test_a_network_that_is_not_drawn_is_not_named(itrans, cycle, tmp_path, arguments, message):
    done = itrans("inspect", cycle, "--size", 64, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "u.svg").exists()


def test_the_receptive_field_is_drawn_on_the_data_and_on_a_test_card(itrans, paper, recipe, tmp_path):
    for name, subject in (("data.png", recipe), ("card.png", paper)):
        done = itrans("inspect", subject, "--size", 64, "--receptive-field", name)
        assert done.exit_code == 0, done.output
        assert cv2.imread(str(tmp_path / name)).shape[1] == 768


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.toml"], "missing.toml does not exist"),
        (["."], ". is a folder"),
        (["notes.txt"], "notes.txt is neither a recipe (.toml) nor a checkpoint (.pt)"),
        (["empty.pt"], "empty.pt"),
        (["paper.toml", "--diagram", "u.gif"], "--diagram u.gif: the name should end in .svg or .png"),
        (["paper.toml", "--receptive-field", "r.svg"], "--receptive-field r.svg: the name should end in .png"),
        (["paper.toml", "--diagram", "folder.svg"], "--diagram folder.svg is a folder"),
        (["paper.toml", "--set", "generator.depth=3", "--diagram", "notes.txt/u.svg"], "notes.txt/u.svg cannot be"),
        (["paper.toml", "--set", "generator.depth=3", "--diagram", "notes.txt/u.png"], "notes.txt/u.png"),
        (["paper.toml", "--channels", "3"], '"3" is not two numbers'),
        (["paper.toml", "--channels", "0,3"], '"0,3" is not two numbers'),
        (["paper.toml", "--set", "generator.deep=3"], "generator.deep"),
        (["paper.toml", "--set", "generator.depth=3", "--size", "8"], "discriminator: Pictures of 8x8 are too small"),
        (["plain.toml", "--receptive-field", "r.png"], "--receptive-field draws a discriminator, and there is none"),
    ],
)
def test_what_is_wrong_is_said(itrans, paper, tmp_path, arguments, message):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "folder.svg").mkdir()
    plain = {key: value for key, value in PAPER.items() if key != "discriminator"}
    plain |= {"loss": [{"name": "l1"}], "generator": {"name": "unet", "depth": 2, "filters": 2}}
    (tmp_path / "plain.toml").write_text(tomli_w.dumps(plain), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    done = itrans("inspect", *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert sorted(tmp_path.rglob("*")) == before


def test_without_augment_the_size_is_that_of_the_first_picture(itrans, recipe):
    done = itrans("inspect", recipe)
    assert done.exit_code == 0, done.output
    assert "3x16x16" in done.stdout
    assert "3+3x16x16" in done.stdout
    assert "256" not in done.stdout.partition("\n\n")[2].partition("\n\n")[0]


def test_a_margin_that_a_generator_needs_is_told_and_all_networks_have_one_size(itrans, recipe):
    done = itrans("inspect", recipe, "--set", "generator.depth=5")
    assert done.exit_code == 0, done.output
    assert "3x16x16    3x16x16" in done.stdout
    assert "to 32x32" in done.stderr


def test_without_the_data_the_size_is_the_data_set_s_argument(itrans, recipe, install):
    source = """
        from itrans.api import DataError

        class Far:
            def __init__(self, *, size: int = 64, split):
                raise DataError("far away")
    """
    install("far", "1", "[itrans.datasets]\nfar = far_data:Far\n", far_data=source)
    for table, size in (("{name='far', size=32}", 32), ("{name='far'}", 64)):
        assert f"3x{size}x{size}" in itrans("inspect", recipe, "--set", f"dataset={table}").stdout
