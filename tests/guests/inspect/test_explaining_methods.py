"""`itrans inspect --explain` for other methods than Pix2Pix, and what it refuses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from browser import browser  # noqa: F401
from guests.inspect.explaining import GRADIENT, LEVELS, LOGITS, SKIPS, call, explained, trained


@pytest.mark.parametrize(("direction", "judge"), [("AtoB", "discriminator_B"), ("BtoA", "discriminator_A")])
def test_the_judge_is_the_one_that_training_shows_such_outputs(cycle, tmp_path, direction, judge):
    found = explained(cycle, 0, tmp_path, "--direction", direction)
    assert found[LOGITS]["discriminator"] == judge
    assert found[GRADIENT]["support"] is not None
    assert "no skip connections" in found[SKIPS]["absent"]
    assert [level["shape"][0] for level in found[LEVELS]["levels"]] == [4, 8, 16, 8, 4]


@pytest.fixture(scope="module")
def cycle(place):
    return trained(
        place,
        "cycle",
        method={"name": "cyclegan"},
        generator={"name": "resnet", "filters": 4, "blocks": 1},
        loss=[{"name": "gan", "objective": "lsgan"}, {"name": "cycle", "weight": 10.0}],
    )


def test_labels_become_a_picture_and_pictures_become_labels(tmp_path):
    labels = {"name": "facades_sample", "size": 32, "count": 2}
    for direction in ("labels_to_photo", "photo_to_labels"):
        checkpoint = trained(tmp_path, direction, dataset={**labels, "direction": direction}, discriminator=None,
                             loss=[{"name": "l1" if direction == "labels_to_photo" else "cross_entropy"}])  # fmt: skip
        found = explained(checkpoint, "val-0000", tmp_path / "out")
        assert found["The picture"]["l1"] > 0
        assert len(found[SKIPS]["skips"]) == 2


def test_a_network_whose_values_have_no_place_is_said_to_have_none(tmp_path):
    checkpoint = trained(
        tmp_path,
        "digits",
        dataset={"name": "digits"},
        generator={"name": "noise_mlp", "noise": 4, "hidden": [8]},
        discriminator={"name": "mlp", "hidden": [8]},
        loss=[{"name": "cgan"}],
    )
    key = next(iter(held_out_keys(checkpoint)))
    found = explained(checkpoint, key, tmp_path / "out")
    assert "no place in the picture" in found[LEVELS]["absent"]
    assert found[LOGITS]["maps"][0]["patch"] is None
    assert found[GRADIENT]["support"] == [0, 0, 8, 8]


def held_out_keys(checkpoint):
    message = call("inspect", checkpoint, "--explain", "none", "-o", checkpoint.parent / "out").stderr
    return message.splitlines()[-1].partition("It has ")[2].partition(": ")[2].removesuffix(" ...").split(", ")


REFUSALS = {
    "no folder": (("--explain", 0), "-o DIR"),
    "no picture": (("-o", "out"), "--explain"),
    "seed alone": (("--seed", 3), "--seed"),
    "unknown": (("--explain", "zebra", "-o", "out"), "zebra"),
    "channels": (("--explain", 0, "-o", "out", "--channels", "1,1"), "--channels"),
    "target of a pair": (("--explain", 0, "-o", "out", "--target", "cat.png"), "--target"),
    "other size": (("--explain", "cat.png", "-o", "out", "--target", "wide.png"), "wide.png"),
    "several": (("--explain", "cat.png", "--explain", "wide.png", "-o", "out", "--target", "cat.png"), "--target"),
    "same name": (("--explain", "cat.png", "--explain", "cat.png", "-o", "out"), "cat.html"),
    "no such option": (("--explain", 0, "-o", "out", "--option", "steps=3"), "steps"),
    "no such extra": (("--explain", "cat.png", "-o", "out", "--with", "domain=3"), "domain"),
    "no such direction": (("--explain", 0, "-o", "out", "--direction", "back"), "back"),
    "channels of a file": (("--explain", "five.npy", "-o", "out"), "five.npy"),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_what_cannot_be_is_refused_and_nothing_is_written(checkpoint, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    for name, size in (("cat.png", (16, 16, 3)), ("wide.png", (16, 24, 3))):
        cv2.imwrite(name, np.zeros(size, np.uint8))
    np.save("five.npy", np.zeros((16, 16, 5), np.uint8))
    given, named = REFUSALS[words]
    done = call("inspect", checkpoint, *given)
    assert (done.exit_code, named in done.stderr) == (2, True), done.output
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def checkpoint(place):
    return trained(place, "small")


def test_a_recipe_has_nothing_to_follow(place, checkpoint, tmp_path):
    done = call("inspect", place / "small.toml", "--explain", 0, "-o", tmp_path / "out")
    assert (done.exit_code, "recipe" in done.stderr) == (2, True)


def test_a_page_fits_a_telephone(checkpoint, tmp_path, browser):  # noqa: F811
    assert call("inspect", checkpoint, "--explain", 0, "-o", tmp_path).exit_code == 0
    for width in (1280, 400):
        view = browser.new_page(viewport={"width": width, "height": 800})
        complaints: list[str] = []
        view.on("console", lambda message, heard=complaints: heard.append(message.text))
        view.goto((tmp_path / "0.html").as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        assert view.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        assert complaints == []
        view.close()
