"""`itrans sweep`: several runs, one table."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from guests.sweep.swept import results

from itrans.api import LOSSES


def test_every_recipe_with_every_seed_and_their_means(itrans, tmp_path, recipes):
    done = itrans("sweep", *recipes, "-o", "out", "--seeds", "3,4", "--set", "train.epochs=1")
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert set(found) == {"out/tiny-seed3", "out/tiny-seed4", "out/l1-seed3", "out/l1-seed4"}
    for folder, row in found.items():
        assert row["state"] == "finished"
        logged = [json.loads(line) for line in (tmp_path / folder / "log.jsonl").read_text().splitlines()]
        assert row["metrics"] == next(event["metrics"] for event in logged if event["event"] == "validation")
    lines = (tmp_path / "out" / "results.md").read_text().splitlines()
    assert len(lines) == 2 + 4 + 2
    assert done.stdout.count("recipe  seed") == 4  # after each run
    first, second = (found[f"out/l1-seed{seed}"]["metrics"]["l1"] for seed in (3, 4))
    mean = next(line for line in lines if line.startswith("| l1 | mean of 2"))
    assert f"{(first + second) / 2:.4f} ± {abs(first - second) / 2**0.5:.4f}" in mean


def test_all_that_is_wrong_with_any_recipe_is_told_once_before_the_first_is_run(itrans, tmp_path, recipes):
    (tmp_path / "bad.toml").write_text(f'extends = "{recipes[0]}"\n[generator]\nfilter = 3\n')
    (tmp_path / "worse.toml").write_text(f'extends = "{recipes[0]}"\n[train]\nepochs = 0\n')
    (tmp_path / "gone.toml").write_text(f'extends = "{recipes[0]}"\n[dataset]\nroot = "gone"\n')
    done = itrans("sweep", *recipes, "bad.toml", "worse.toml", "gone.toml", "-o", "out", "--seeds", "0,1")
    assert done.exit_code == 2
    for place in ("bad.toml:3  generator.filter", "worse.toml:3  train.epochs", "gone.toml:3  dataset.root"):
        assert done.stderr.count(place) == 1
    assert not (tmp_path / "out").exists()


def test_names_and_seeds_must_be_clear(itrans, tmp_path, recipes):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "tiny.toml").write_text("")
    done = itrans("sweep", recipes[0], "inner/tiny.toml", "-o", "out")
    assert done.exit_code == 2
    assert "have the same name" in done.output
    done = itrans("sweep", *recipes, "-o", "out", "--seeds", "1,b")
    assert done.exit_code == 2
    assert "not a list of seeds" in done.output


def test_the_best_and_the_last_validation_are_told_apart(itrans, tmp_path, recipes):
    assert itrans("sweep", recipes[1], "-o", "out", "--set", "train.epochs=4").exit_code == 0
    logged = [json.loads(line) for line in (tmp_path / "out/l1/log.jsonl").read_text().splitlines()]
    validations = [event for event in logged if event["event"] == "validation"]
    best = min(validations, key=lambda event: event["metrics"]["l1"])
    row = results(tmp_path / "out")["out/l1"]
    assert (row["steps"], row["best_step"]) == (16, best["step"])
    assert (row["metrics"], row["final"]) == (best["metrics"], validations[-1]["metrics"])


PARTS = """
import signal
from itrans.api import LOSSES

@LOSSES.register("broken", replace=True)
class Broken:
    role = "image"
    def __call__(self, translated):
        raise MemoryError("no room")

@LOSSES.register("ctrl_c", replace=True)
class CtrlC:
    role = "image"
    def __call__(self, translated):
        signal.raise_signal(signal.SIGINT)
        return (translated.output - translated.target).abs().mean()
"""


@pytest.fixture
def with_loss(recipes, tmp_path):
    """A recipe that extends the second one with a loss of a file of one's own."""
    (tmp_path / "parts.py").write_text(PARTS)

    def make(loss):
        (tmp_path / f"{loss}.toml").write_text(f'extends = "{recipes[1]}"\n[[loss]]\nname = "{loss}"\n')
        return f"{loss}.toml"

    yield make
    for name in ("broken", "ctrl_c"):
        LOSSES.unregister(name)


def test_a_component_that_raises_anything_does_not_stop_the_others(itrans, tmp_path, recipes, with_loss):
    done = itrans("sweep", with_loss("broken"), recipes[1], "-o", "out", "--code", "parts.py")
    assert done.exit_code == 2
    assert "out of memory: no room" in done.stderr
    assert "1 of 2 runs failed, or could not be scored: out/broken." in done.stderr
    assert "out of memory: no room" in (tmp_path / "out/results.md").read_text()
    found = results(tmp_path / "out")
    assert (found["out/broken"]["state"], found["out/l1"]["state"]) == ("failed", "finished")
    assert found["out/broken"]["metrics"] == {}


def test_ctrl_c_stops_the_sweep_and_what_is_known_stays_in_the_table(itrans, tmp_path, recipes, with_loss):
    assert itrans("sweep", recipes[1], "-o", "out").exit_code == 0
    done = itrans("sweep", recipes[0], with_loss("ctrl_c"), recipes[1], "-o", "out", "--code", "parts.py")
    assert done.exit_code == 130, done.output
    assert "The same command continues" in done.stderr
    found = results(tmp_path / "out")
    assert [row["state"] for row in found.values()] == ["finished", "interrupted", "finished"]
    assert found["out/ctrl_c"]["steps"] == 1
    assert found["out/l1"]["metrics"]
    assert "| ctrl_c | - | interrupted | 1 |" in (tmp_path / "out/results.md").read_text()


def test_sample_runs_are_marked_and_so_is_their_mean(itrans, tmp_path, recipes, aligned):
    (tmp_path / "sampled.toml").write_text(
        f'extends = "{recipes[1]}"\n[dataset]\nroot = "gone"\n'
        f'[sample]\ndataset = {{ name = "aligned", root = "{aligned.as_posix()}" }}\ntrain = {{ steps = 2 }}\n'
    )
    done = itrans("sweep", "sampled.toml", "-o", "out", "--seeds", "0,1")
    assert done.exit_code == 0, done.output
    table, note = (tmp_path / "out/results.md").read_text().strip().split("\n\n")
    assert all(line.startswith("| sampled (sample) |") for line in table.splitlines()[2:])
    assert note.startswith("SAMPLE DATA: gone is not there")
    assert note == (tmp_path / "out/sampled-seed0/SAMPLE.txt").read_text().strip()
    refused = itrans("sweep", "sampled.toml", recipes[0], "-o", "other", "--no-sample")
    assert refused.exit_code == 2
    assert "The data set's folder gone is not there" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_several_processes_are_refused(itrans, tmp_path, recipes, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = itrans("sweep", *recipes, "-o", "out")
    assert done.exit_code == 2
    assert "torchrun -m itrans run RECIPE" in done.stderr
    assert not (tmp_path / "out").exists()


def test_pictures_are_drawn_side_by_side_as_each_recipe_translates_them(itrans, tmp_path, recipes):
    arguments = ("sweep", *recipes, "-o", "out", "--seeds", "0,1", "--set", "train.steps=8", "--pictures", "2")
    done = itrans(*arguments)
    assert done.exit_code == 0, done.output
    assert "Drawn: out/comparison.png" in done.stdout
    drawn = cv2.imread(str(tmp_path / "out/comparison.png"))
    sample = cv2.imread(str(next((tmp_path / "out/l1-seed0/samples").glob("*.png"))))
    one = (sample.shape[1] - 4) // 3  # a column: a picture and its margin
    assert drawn.shape[1] == 4 * one + 4  # source, two recipes, target

    def column(picture, index):
        return picture[18 + 4 : 18 + one, 4 + index * one : (index + 1) * one]

    assert np.array_equal(column(drawn, 0), column(sample, 0))
    assert np.array_equal(column(drawn, 3), column(sample, 2))
    assert not np.array_equal(column(drawn, 1), column(drawn, 2))


def test_pictures_that_differ_cannot_stand_side_by_side(itrans, tmp_path, recipes):
    (tmp_path / "turned.toml").write_text(f'extends = "{recipes[1]}"\n[dataset]\ndirection = "BtoA"\n')
    done = itrans("sweep", recipes[1], "turned.toml", "-o", "out", "--set", "train.steps=1", "--pictures", "1")
    assert done.exit_code == 2
    assert "turned and l1 translate different pictures" in done.stderr
    assert not (tmp_path / "out/comparison.png").exists()
    assert (tmp_path / "out/results.md").is_file()
