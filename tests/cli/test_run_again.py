"""Runs of one folder, one after the other and at once, and how a run is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from itrans.checkpoint.file import load_checkpoint
from itrans.training.lock import lock
from itrans.training.validation import Validator


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "tiny.toml", "-o", "out"),
        ("run", "tiny.toml", "-o", "out", "--resume"),
        ("sweep", "tiny.toml", "-o", "out"),
    ],
)
def test_a_folder_in_use_is_refused_and_left_as_it_is(itrans, recipe, arguments):
    if "--resume" in arguments:
        assert itrans("run", recipe, "-o", "out", "--stop-after", 1).exit_code == 130
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    with lock(Path("out"), pytest.fail):
        done = itrans(*arguments)
        assert done.exit_code == 2
        assert f"process {os.getpid()}" in done.stderr
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("given", ["out", "out/recipe.toml"])
def test_the_runs_folder_stands_for_its_recipe(itrans, recipe, given):
    assert itrans("run", recipe, "-o", "out", "--stop-after", 3).exit_code == 130
    done = itrans("run", given, "--resume")
    assert done.exit_code == 0, done.output
    assert load_checkpoint("out/checkpoints/last.pt").progress.step == 8
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("change", "said"), [("train.steps=2", "train.steps = 2"), ("train.epochs=1", "train.epochs = 1")]
)
def test_a_run_that_has_done_more_than_is_asked_for_says_so(itrans, recipe, change, said):
    assert itrans("run", recipe, "-o", "out").exit_code == 0
    before = load_checkpoint("out").progress.step
    done = itrans("run", recipe, "-o", "out", "--resume", "--set", change)
    assert done.exit_code == 0, done.output
    assert f"beyond {said}: nothing is trained" in done.output
    assert load_checkpoint("out").progress.step == before


def test_a_sample_stays_a_sample_when_its_folder_is_resumed(itrans, recipe):
    text = recipe.read_text().replace('root = "', 'root = "nowhere/')
    root = recipe.with_name("aligned").as_posix()
    recipe.write_text(f'{text}\n[sample]\ndataset = {{ name = "aligned", root = "{root}" }}\n')
    assert itrans("run", recipe, "-o", "out", "--stop-after", 1).exit_code == 130
    done = itrans("run", "out", "--resume")
    assert done.exit_code == 0, done.output
    assert "SAMPLE DATA" in done.output
    assert load_checkpoint("out/checkpoints/last.pt").sample is not None
    assert all(json.loads(line)["sample"] for line in Path("out/log.jsonl").read_text().splitlines())


def test_a_signal_in_a_validation_ends_it_and_the_next_sitting_validates(itrans, recipe, monkeypatch):
    measure = Validator.__call__

    def interrupted(self, is_urgent=lambda: False, progress=lambda *_: None):
        os.kill(os.getpid(), signal.SIGTERM)
        return measure(self, is_urgent, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Validator, "__call__", interrupted)
        done = itrans("run", recipe, "-o", "out")
    assert done.exit_code == 130
    assert "Stopped by SIGTERM at step 4" in done.output
    assert itrans("run", recipe, "-o", "out", "--resume").exit_code == 0
    events = [json.loads(line) for line in Path("out/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in events if line["event"] == "validation"] == [4, 8]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_training_gets_a_word(number):
    code = (
        "import os, itrans.cli, itrans.__main__\n"
        f"itrans.cli.main = lambda: os.kill(os.getpid(), {int(number)})\n"
        "itrans.__main__.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "Interrupted.\n"


def test_a_run_says_at_its_end_where_to_look(itrans, recipe):
    done = itrans("run", recipe, "-o", "out")
    last = done.stdout[done.stdout.index("Done: 8 steps") :]
    for path in ("out/samples/epoch-0002.png", "out/checkpoints/best.pt", "out/log.jsonl"):
        assert Path(path).is_file()
        assert path in last
    best = load_checkpoint("out/checkpoints/last.pt").progress
    assert f"l1 {best.best:.4f} at step {best.best_step}" in last
