"""Resuming with pools, what is saved and shown, and both directions."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from itrans.api import GENERATORS, METHODS, load, read_image, write_image


def record(folder):
    return torch.load(f"{folder}/checkpoints/last.pt", weights_only=True)


def tensors(value, key=""):
    """Yield every tensor of a nested state with its key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{key}.{name}")


def differing(first, second, part):
    one, other = (dict(tensors(record(folder)[part])) for folder in (first, second))
    assert one.keys() == other.keys()
    return [key for key, value in one.items() if not torch.equal(value, other[key])]


LONG = {"batch_size": 2, "epochs": 3, "precision": "fp32", "ema": 0.9}  # of three steps each
GEOMETRY = {"resize": 20, "crop": 16, "mirror": True}


@pytest.mark.parametrize(("workers", "precision"), [(0, "fp32"), (2, "fp32"), (0, "bf16")])
def test_a_resumed_run_ends_with_the_same_bits(itrans, cyclegan, workers, precision):
    recipe = cyclegan(train=LONG | {"precision": precision}, augment=GEOMETRY)
    own = ("--set", f"train.workers={workers}")
    assert itrans("run", recipe, "-o", "whole").exit_code == 0
    assert itrans("run", recipe, "-o", "parts", *own, "--stop-after", 4).exit_code == 130
    stopped = record("parts")
    assert (stopped["progress"]["epoch"], stopped["progress"]["batch"]) == (1, 1)
    assert [len(stopped["method"][side]) for side in ("pool_A", "pool_B")] == [3, 3]
    assert all(tuple(picture.shape) == (3, 16, 16) for picture in stopped["method"]["pool_A"])
    done = itrans("run", recipe, "-o", "parts", *own, "--resume")
    assert done.exit_code == 0, done.output
    assert record("whole")["progress"] == record("parts")["progress"]
    for part in ("networks", "training", "method"):
        assert differing("whole", "parts", part) == []


def test_the_pools_matter_to_that(itrans, cyclegan):
    """With other pictures in the pools, the same run ends elsewhere."""
    recipe = cyclegan(train=LONG, augment=GEOMETRY)
    itrans("run", recipe, "-o", "whole")
    itrans("run", recipe, "-o", "parts", "--stop-after", 4)
    changed = record("parts")
    for pictures in changed["method"].values():
        pictures[:] = [picture * 0 for picture in pictures]
    torch.save(changed, "parts/checkpoints/last.pt")
    assert itrans("run", recipe, "-o", "parts", "--resume").exit_code == 0
    found = differing("whole", "parts", "networks")
    assert {key.split(".")[1] for key in found} >= {"discriminator_A", "discriminator_B"}


@pytest.mark.parametrize("pictures", [[torch.zeros(1, 16, 16)], [torch.zeros(16, 16)], [5], "x", None])
def test_pools_of_what_are_no_pictures_are_refused_with_the_file(itrans, cyclegan, pictures):
    recipe = cyclegan(train=LONG, augment=GEOMETRY)
    itrans("run", recipe, "-o", "parts", "--stop-after", 1)
    changed = record("parts")
    changed["method"]["pool_A"] = pictures
    torch.save(changed, "parts/checkpoints/last.pt")
    done = itrans("run", recipe, "-o", "parts", "--resume")
    assert done.exit_code == 2
    assert "last.pt" in done.stderr


def test_pools_hold_what_the_recipe_says(itrans, cyclegan):
    for pool, kept in ((0, 0), (5, 4), (2, 2)):
        recipe = cyclegan(method={"name": "cyclegan", "pool": pool})  # two steps of two
        assert itrans("run", recipe, "-o", f"pool-{pool}").exit_code == 0
        assert [len(pictures) for pictures in record(f"pool-{pool}")["method"].values()] == [kept, kept]


def test_a_step_updates_every_network_and_both_generators_are_averaged(itrans, cyclegan):
    train = {"batch_size": 2, "precision": "fp32", "ema": 0.5}
    assert itrans("run", cyclegan(train=train | {"steps": 3}), "-o", "run", "--stop-after", 1).exit_code == 130
    before = record("run")
    assert itrans("run", cyclegan(train=train | {"steps": 3}), "-o", "run", "--resume").exit_code == 0
    after = record("run")
    assert set(after["networks"]) == {"generator_AtoB", "generator_BtoA", "discriminator_A", "discriminator_B"}
    for name, state in after["networks"].items():
        assert any(not torch.equal(value, before["networks"][name][key]) for key, value in state.items()), name
    assert set(after["training"]["averages"]) == set(METHODS.get("cyclegan").generators)


def test_unpaired_pictures_are_shown_there_and_back_and_not_measured(itrans, cyclegan, unpaired):
    done = itrans("run", cyclegan())
    assert done.exit_code == 0, done.output
    assert "held-out pictures are not pairs: nothing is measured, there is no best.pt" in done.output
    log = Path("runs/cyclegan/log.jsonl").read_text().splitlines()
    assert "validation" not in {json.loads(line)["event"] for line in log}
    assert record("runs/cyclegan")["progress"]["best"] is None
    grid = cv2.cvtColor(cv2.imread("runs/cyclegan/samples/epoch-0001.png"), cv2.COLOR_BGR2RGB)
    tops = [22 + 100 * row for row in range(6)]  # each pixel is shown as 6x6
    sources = [grid[top : top + 96 : 6, 4:100:6] for top in tops]
    shown = [("testA", 0), ("testB", 0), ("testA", 1), ("testB", 1), ("testA", 0), ("testB", 2)]
    for source, (folder, number) in zip(sources, shown, strict=True):
        assert np.array_equal(source, read_image(unpaired / folder / f"{number}.png"))
    translator = load("runs/cyclegan/checkpoints/last.pt", precision="fp32")
    there = translator.translate(sources[1], direction="BtoA").astype(int)
    assert np.abs(grid[tops[1] : tops[1] + 96 : 6, 104:200:6] - there).max() <= 1


def test_patience_needs_pairs(itrans, cyclegan):
    done = itrans("run", cyclegan(validation={"patience": 2}))
    assert done.exit_code == 2
    assert "validation.patience needs a measure" in done.stderr


# Translating


@pytest.fixture
def colour_and_grey(itrans, cyclegan, unpaired):
    """A checkpoint of a few steps: colour in A, grey in B."""
    for folder in ("trainB", "testB"):
        for path in (unpaired / folder).iterdir():
            write_image(path, read_image(path)[:, :, :1])
    recipe = cyclegan(loss=[{"name": "gan"}, {"name": "cycle", "weight": 10.0}], validation={"every": 0})
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 0, done.output
    return "run/checkpoints/last.pt"


def test_each_direction_has_its_own_generator(itrans, colour_and_grey, unpaired):
    networks = record("run")["networks"]
    for direction, channels in (("AtoB", (3, 1)), ("BtoA", (1, 3))):
        path = unpaired / f"test{direction[0]}" / "0.png"
        done = itrans("translate", colour_and_grey, path, "-o", "out", "--direction", direction, "--precision", "fp32")
        assert done.exit_code == 0, done.output
        table = {"name": "resnet", "blocks": 1, "filters": 2}
        network = GENERATORS.build(table, in_channels=channels[0], out_channels=channels[1])
        network.load_state_dict(networks[f"generator_{direction}"])
        source = torch.from_numpy(read_image(path)).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            expected = ((network(source)[0].permute(1, 2, 0) + 1) * 127.5).numpy()
        output = read_image("out/0.png")
        assert output.shape == (16, 16, channels[1])
        assert np.abs(output - expected).max() < 0.51  # rounding


def test_the_first_direction_is_the_default(itrans, colour_and_grey, unpaired):
    translator = load(colour_and_grey)
    assert translator.directions == METHODS.get("cyclegan").directions == ("AtoB", "BtoA")
    picture = read_image(unpaired / "testA/0.png")
    assert np.array_equal(translator.translate(picture), translator.translate(picture, direction="AtoB"))


def test_an_unknown_direction_is_answered_with_the_two_there_are(itrans, colour_and_grey, unpaired):
    done = itrans("translate", colour_and_grey, unpaired / "testA", "-o", "out", "--direction", "AtoC")
    assert done.exit_code == 2
    assert 'There is no direction "AtoC"' in done.stderr
    assert '"AtoB", "BtoA"' in done.stderr
    assert "Traceback" not in done.output


def test_a_picture_too_small_is_named_and_the_others_are_translated(itrans, colour_and_grey):
    write_image("grey/small.png", np.zeros((4, 30, 1), np.uint8))
    write_image("grey/other.png", np.zeros((5, 30, 1), np.uint8))
    done = itrans("translate", colour_and_grey, "grey", "-o", "out", "--direction", "BtoA")
    assert done.exit_code == 2
    assert 'small.png: Pictures of 32x4 are too small for the generator "resnet"' in done.stderr
    assert read_image("out/other.png").shape == (5, 30, 3)
