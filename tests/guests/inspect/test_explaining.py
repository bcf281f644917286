"""`itrans inspect --explain`: what is measured of one picture on its way through the networks of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from guests.inspect.explaining import (
    GRADIENT,
    LEVELS,
    LOGITS,
    MODES,
    NOISE,
    RECIPE,
    SIZE,
    SKIPS,
    call,
    explained,
    trained,
)

from itrans.api import load, read_image


@pytest.fixture(scope="module")
def checkpoint(place) -> Path:
    return trained(place, "small")


def test_the_page_of_a_held_out_pair_is_one_file_that_asks_nobody(checkpoint, tmp_path):
    done = call("inspect", checkpoint, "--explain", "1", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert f"Written to {tmp_path / 'out' / '1.html'}" in done.stdout
    assert "5 levels, 2 skip connections" in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.html"]
    page = (tmp_path / "out" / "1.html").read_text(encoding="utf-8")
    assert "small &lt;b&gt;" in page
    assert "<b>small" not in page
    assert not any(f'{name}="{start}' in page for name in ("src", "href") for start in ("http", "/", "//"))
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page
    for title in (LEVELS, SKIPS, LOGITS, GRADIENT, NOISE, MODES):
        assert f". {title}</h2>" in page


def test_a_page_that_is_there_stays_unless_it_may_be_replaced(checkpoint, tmp_path):
    page = tmp_path / "1.html"
    page.write_text("mine", encoding="utf-8")
    words = ("inspect", checkpoint, "--explain", 1, "-o", tmp_path)
    done = call(*words)
    assert (done.exit_code, page.read_text(encoding="utf-8")) == (2, "mine")
    assert str(page) in done.stderr
    assert "--force" in done.stderr
    assert call(*words, "--force").exit_code == 0
    assert page.read_text(encoding="utf-8") != "mine"


def test_levels_have_the_shapes_of_the_network(checkpoint, tmp_path):
    shapes = [level["shape"] for level in explained(checkpoint, 0, tmp_path)[LEVELS]["levels"]]
    assert shapes == [[4, 16, 16], [8, 8, 8], [16, 4, 4], [8, 8, 8], [4, 16, 16]]


def test_the_output_is_what_translating_gives(checkpoint, place, tmp_path):
    pair = read_image(place / "data" / "val" / "0.png").astype(np.float64)
    source, target = pair[:, :SIZE].astype(np.uint8), pair[:, SIZE:]
    for mode in ("paper", "running"):
        output = load(checkpoint, mode=mode, precision="fp32").translate(source)
        found = explained(checkpoint, 0, tmp_path, "--mode", mode)["The picture"]["l1"]
        assert found == pytest.approx(np.abs(output - target).mean() / 255, abs=1 / 255)


@pytest.mark.parametrize("mode", ["paper", "running"])
def test_the_gradient_reaches_just_the_receptive_field(checkpoint, tmp_path, mode):
    found = explained(checkpoint, 0, tmp_path, "--mode", mode)[GRADIENT]
    # convolutions of 4x4 and padding 1, of strides 2, 1 and 1: neighbours are 2 pixels apart, the first begins at -5
    left, top = (2 * found[place] - 5 for place in ("column", "row"))
    assert found["support"] == [left, top, left + 16, top + 16]
    assert found["patch"] == 16
    # batch normalisation by the picture's own statistics sees all of it, that by training's none of it
    assert (found["beyond"] > 0) == (mode == "paper")
    assert found["after"] > found["logit"]


def test_the_logits_of_output_and_target_are_counted(checkpoint, tmp_path):
    [judged] = explained(checkpoint, 0, tmp_path)[LOGITS]["maps"]
    assert judged["logits"] == [14, 14]
    for side in ("output", "target"):
        assert judged[side]["lowest"] <= judged[side]["mean"] <= judged[side]["highest"]
        assert 0 <= judged[side]["taken_for_real"] <= 1


def test_a_skip_connection_that_nobody_reads_changes_nothing_when_it_is_cut(checkpoint, tmp_path):
    record = torch.load(checkpoint, weights_only=True)
    last = max(name for name in record["networks"]["generator"] if name.startswith("ups.") and name.endswith("weight"))
    record["networks"]["generator"][last][:4] = 0  # of 8 channels, the first 4 are the skip connection's
    torch.save(record, tmp_path / "deaf.pt")
    found = explained(tmp_path / "deaf.pt", 0, tmp_path)[SKIPS]["skips"]
    assert [(skip["size"], skip["kind"]) for skip in found] == [([16, 16], "concatenation"), ([8, 8], "concatenation")]
    assert found[0]["change_without"] == 0
    assert found[1]["change_without"] > 0
    assert found[1]["change_alone"] == 0  # the other one carries nothing
    assert explained(checkpoint, 0, tmp_path)[SKIPS]["skips"][0]["change_without"] > 0


def test_dropout_is_the_noise_in_mode_paper_alone(place, tmp_path):
    generator = {**RECIPE["generator"], "depth": 5, "dropout": 0.5}
    checkpoint = trained(place, "noisy", generator=generator, discriminator=None, loss=[{"name": "l1"}])
    for mode, is_noisy in (("paper", True), ("running", False)):
        found = explained(checkpoint, 0, tmp_path, "--mode", mode, "--seed", 4)
        assert found[NOISE]["seeds"] == [4, 5, 6, 7]
        assert all((distance > 0) == is_noisy for distance in found[NOISE]["l1_between_seeds"])
        assert ("dropout" in found[NOISE]["absent"]) == (not is_noisy)
        assert found[MODES]["l1_between_modes"] > 0
        assert "no discriminator" in found[LOGITS]["absent"]


def test_what_is_not_there_is_said(place, tmp_path):
    checkpoint = trained(place, "without_skips", generator={"name": "encoder_decoder", "depth": 3, "filters": 4})
    found = explained(checkpoint, 0, tmp_path)
    assert "no skip connections" in found[SKIPS]["absent"]
    assert found[GRADIENT]["absent"] == ""
    record = torch.load(checkpoint, weights_only=True)
    del record["networks"]["discriminator"]
    torch.save(record, tmp_path / "light.pt")
    found = explained(tmp_path / "light.pt", 0, tmp_path)
    assert 'no weights of "discriminator"' in found[LOGITS]["absent"]
    assert found[LEVELS]["absent"] == ""


def test_a_file_is_followed_and_compared_with_a_target(checkpoint, tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "cat.png"), picture)
    cv2.imwrite(str(tmp_path / "inverted.png"), 255 - picture)
    found = explained(checkpoint, tmp_path / "cat.png", tmp_path / "out")
    assert "no target" in found["The picture"]["absent"]
    assert "l1" not in found["The picture"]
    assert "target" not in found[LOGITS]["maps"][0]
    found = explained(checkpoint, tmp_path / "cat.png", tmp_path / "out", "--target", tmp_path / "inverted.png")
    assert found["The picture"]["l1"] > 0
    assert "target" in found[LOGITS]["maps"][0]
