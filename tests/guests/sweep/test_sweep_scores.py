"""`itrans sweep --segmenter`: the FCN score of each run."""

from __future__ import annotations

import shutil

import pytest
from guests.sweep.swept import results

LABELLED = """
title = "labelled"
dataset = { name = "facades_sample", size = 32, count = 4, direction = "DIRECTION" }
generator = { name = "unet", depth = 3, filters = 4 }
loss = [{ name = "LOSS" }]
train = { steps = 1, precision = "fp32" }
"""


def test_a_segmenter_that_is_none_is_told_before_anything_is_run(itrans, tmp_path, recipes):
    done = itrans("sweep", *recipes, "-o", "out", "--segmenter", "gone.pt")
    assert done.exit_code == 2
    assert "gone.pt" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def segmenters(itrans, tmp_path):
    """Two checkpoints that segment, and a recipe, l1.toml, of what they can score."""
    for name, direction, loss in (("segmenter", "photo_to_labels", "cross_entropy"), ("l1", "labels_to_photo", "l1")):
        (tmp_path / f"{name}.toml").write_text(LABELLED.replace("DIRECTION", direction).replace("LOSS", loss))
    for seed in (0, 1):
        assert itrans("run", "segmenter.toml", "-o", f"segmenter{seed}", "--set", f"seed={seed}").exit_code == 0
    return [f"segmenter{seed}/checkpoints/last.pt" for seed in (0, 1)]


def test_fcn_scores_are_of_this_run_and_of_this_segmenter(itrans, tmp_path, segmenters):
    first, second = segmenters

    def swept(*arguments):
        done = itrans("sweep", "l1.toml", "-o", "out", *arguments)
        assert done.exit_code == 0, done.output
        return results(tmp_path / "out")["out/l1"]

    row = swept("--segmenter", first)
    assert {"fcn_accuracy", "fcn_class_accuracy", "fcn_class_iou"} < row["metrics"].keys()
    assert swept()["metrics"] == row["metrics"]  # nothing is lost without the option
    real = next(line for line in (tmp_path / "out/results.md").read_text().splitlines() if "real photos" in line)
    assert real.rstrip(" |").split(" | ")[-1] == f"{row['real']['fcn_class_iou']:.4f}"
    other = swept("--segmenter", second)
    assert other["segmenter"] == second
    assert other["metrics"]["fcn_accuracy"] != row["metrics"]["fcn_accuracy"]
    shutil.copy(tmp_path / first, tmp_path / second)  # trained again, under the name that it had
    assert swept("--segmenter", second)["metrics"] == row["metrics"]
    shutil.rmtree(tmp_path / "out/l1")
    assert not any(name.startswith("fcn_") for name in swept()["metrics"])


def test_a_segmenter_that_does_not_fit_is_told_before_anything_is_run(itrans, tmp_path, segmenters, recipes):
    done = itrans("sweep", recipes[0], "-o", "out", "--segmenter", segmenters[0], "--set", "train.steps=1")
    assert done.exit_code == 2
    assert f"{recipes[0]} cannot be scored with --segmenter." in done.stderr
    assert "photos of label maps" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_run_that_cannot_be_scored_stays_finished(itrans, tmp_path, segmenters):
    assert itrans("sweep", "l1.toml", "-o", "out").exit_code == 0
    (tmp_path / "out/l1/checkpoints/last.pt").write_bytes(b"cut off")
    (tmp_path / "out/l1/checkpoints/best.pt").write_bytes(b"cut off")
    done = itrans("sweep", "l1.toml", "-o", "out", "--segmenter", segmenters[0])
    assert done.exit_code == 2
    assert "1 of 1 runs failed, or could not be scored: out/l1." in done.stderr
    row = results(tmp_path / "out")["out/l1"]
    assert (row["state"], row["segmenter"]) == ("finished", None)
    assert "best.pt" in row["fault"]
    assert row["metrics"]["l1"] > 0


def test_one_table_is_of_one_segmenter(itrans, tmp_path, segmenters):
    assert itrans("sweep", "l1.toml", "-o", "out", "--seeds", "0,1", "--segmenter", segmenters[0]).exit_code == 0
    done = itrans("sweep", "l1.toml", "-o", "out", "--seeds", "1", "--segmenter", segmenters[1])
    assert done.exit_code == 0, done.output
    assert "out/l1-seed0: scored by another segmenter before" in done.stdout
    rows = results(tmp_path / "out").values()
    assert {row["segmenter"] for row in rows} == {segmenters[1]}
    assert len({str(row["real"]) for row in rows}) == 1
