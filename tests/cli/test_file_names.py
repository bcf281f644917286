"""Names of files that are no text, or more than a line of it, go through every command."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from itrans_evaluate import evaluate_checkpoint
from itrans_evaluate.writing import write_results

NAMES = ("b\udcff\udce9.png", 'new\nline,"q".png')


@pytest.fixture
def named(aligned):
    """Pictures of such names in every split."""
    for split in ("train", "val"):
        for name in NAMES:
            try:
                shutil.copy(aligned / split / "00.png", aligned / split / name)
            except (OSError, UnicodeError):
                pytest.skip("this file system takes no such names")
    return aligned


def test_training_evaluating_and_translating(itrans, recipe, named):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    options = ["--split", "val", "--metrics", "l1", "-o", "out", "--csv", "other.csv"]
    done = itrans("evaluate", "run", *options)
    assert done.exit_code == 0, done.output
    for path in ("out/pictures.csv", "other.csv"):
        with Path(path).open(encoding="utf-8", newline="") as file:
            keys = [row[0] for row in csv.reader(file)]
        assert keys == ["key", "00.png", "01.png", "02.png", "b\\udcff\\udce9.png", NAMES[1]]
    for name in NAMES:
        done = itrans("translate", "run/checkpoints/last.pt", named / "val" / name, "-o", "translated")
        assert done.exit_code == 0, done.output
        assert Path("translated", name).is_file()


def test_results_of_a_checkpoint_of_such_a_name(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    evaluation = evaluate_checkpoint("run", split="val", metrics=["l1"])
    write_results(replace(evaluation, checkpoint="r\udcff.pt", sample="In place of d\udcff."), tmp_path / "out")
    assert json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))["checkpoint"] == "r\udcff.pt"
    assert "r\\udcff.pt" in (tmp_path / "out/results.md").read_text(encoding="utf-8")


def test_checking(itrans, recipe, named):
    shutil.copy(named / "train" / "01.png", named / "val" / NAMES[0])
    (named / "train" / "x\udcff.png").write_bytes(b"no picture")
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "train: 11 pairs read, 1 of them wrong" in done.stdout
    assert r"b\udcff\udce9.png" in done.stdout  # in two splits
