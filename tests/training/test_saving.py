"""Nothing is lost: full disks, numbers that are not finite, kills between two files, and what is gone on with."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from itrans.api import LOSSES, DataError, OutputError, TrainingError
from itrans.checkpoint.file import load_checkpoint, save_checkpoint
from itrans.training.record import RunFolder


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def at_step_three(monkeypatch):
    """Register the loss "third", which calls what it is given in the third step."""
    actions, calls = [], []

    class Third:
        role = "image"

        def __call__(self, translated):
            calls.append(1)
            if len(calls) == 3:
                for action in actions:
                    action()
            return 0 * translated.output.sum()

    monkeypatch.setitem(LOSSES._local, "third", lambda: Third())
    return actions.append


def test_a_log_that_cannot_be_written_ends_the_run_with_its_state_saved(train, recipe, tmp_path, at_step_three):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "third"\n')
    log = tmp_path / "run/log.jsonl"

    def fill_the_disk():
        log.unlink()
        log.symlink_to("/dev/full")

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    at_step_three(fill_the_disk)
    with pytest.raises(OutputError) as error:
        train("run")
    assert str(log) in str(error.value)
    assert f"{tmp_path / 'run/checkpoints/last.pt'} (step 3)" in str(error.value)
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt").progress.step == 3


@pytest.mark.parametrize("setting", ["optimizer.lr=1e10", "loss.l1.weight=1e38"])
def test_no_checkpoint_has_a_number_that_is_not_finite(train, tmp_path, setting):
    with pytest.raises(TrainingError, match="no longer finite"):
        train("run", setting, "train.epochs=4")
    for path in (tmp_path / "run").rglob("*.pt"):
        checkpoint = load_checkpoint(path)
        states = [*checkpoint.networks.values(), *checkpoint.training.get("optimizers", {}).values()]
        for state in states:
            for value in state.get("state", state).values():
                for tensor in value.values() if isinstance(value, dict) else [value]:
                    assert not isinstance(tensor, torch.Tensor) or bool(tensor.isfinite().all())


def test_a_kill_between_a_validation_and_its_checkpoint_logs_it_once(train):
    folder = train("run")
    last = folder / "checkpoints/last.pt"
    checkpoint = load_checkpoint(last, mapped=False)
    checkpoint.progress = replace(checkpoint.progress, validated=4, epoch=1, batch=4)
    save_checkpoint(last, checkpoint)
    train("run", resume=True)
    validated = [line["step"] for line in log_of(folder) if line["event"] == "validation"]
    assert validated == [4, 8]


def test_what_killed_processes_left_half_written_is_removed_and_not_what_others_write(train):
    folder = train("run", stop_after=2)
    gone = next(number for number in range(300_000, 400_000) if not Path(f"/proc/{number}").exists())
    for place in ("checkpoints/.last.pt", "samples/.epoch-0001.png", ".recipe.toml"):
        (folder / f"{place}.{gone}.tmp").touch()
        (folder / f"{place}.{os.getppid()}.tmp").touch()
    train("run", resume=True, stop_after=1)
    assert {path.name.split(".")[-2] for path in folder.rglob(".*.tmp")} == {str(os.getppid())}


@pytest.mark.parametrize("last", ["missing", "damaged", "older"])
def test_a_run_goes_on_from_the_newest_good_checkpoint(train, last):
    folder = train("run", "checkpoint.every=2", stop_after=3)
    path = folder / "checkpoints/last.pt"
    if last == "missing":
        path.unlink()
    elif last == "damaged":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        shutil.copy(path, folder / "checkpoints/step-0000003.pt")
        train("other", "checkpoint.every=2", stop_after=1)
        shutil.copy(folder.parent / "other/checkpoints/last.pt", path)
    train("run", "checkpoint.every=2", resume=True, stop_after=1)
    assert load_checkpoint(path).progress.step == (4 if last == "older" else 3)


def test_recipe_toml_is_that_of_the_run_as_it_goes_on(train):
    folder = train("run", "train.epochs=1")
    train("run", "train.epochs=2", resume=True)
    assert "epochs = 2" in (folder / "recipe.toml").read_text()
    starts = [line for line in log_of(folder) if line["event"] == "start"]
    assert len(starts) == 2
    assert {"command", "versions", "device", "time", "seconds"} <= starts[1].keys()
    assert starts[1]["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize("name", ["log", "write_sample"])
def test_a_validation_that_cannot_be_written_down_is_made_again(train, monkeypatch, tmp_path, name):
    def fail(self, *arguments, **values):
        if name == "log" and arguments[0] != "validation":
            return written(self, *arguments, **values)
        raise OutputError("the disk is full")

    written = getattr(RunFolder, name)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, name, fail)
        with pytest.raises(OutputError, match="the disk is full") as error:
            train("run", "log.pictures_minutes=0")
    assert "last.pt (step 4)" in str(error.value)
    folder = train("run", "log.pictures_minutes=0", resume=True)
    assert [line["step"] for line in log_of(folder) if line["event"] == "validation"] == [4, 8]
    assert load_checkpoint(folder / "checkpoints/best.pt").progress.best_step in {4, 8}


def test_a_resumed_run_that_is_stopped_at_once_logs_no_losses_again(train):
    folder = train("run", stop_after=2)
    train("run", resume=True, stop_after=0)
    assert [line["step"] for line in log_of(folder) if line["event"] == "step"] == [1, 2]


def test_a_held_out_picture_that_vanishes_while_a_run_goes_on_loses_no_step(train, recipe, aligned, at_step_three):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "third"\n')
    at_step_three((aligned / "val" / "00.png").unlink)
    with pytest.raises(DataError, match=r"00\.png") as error:
        train("run", "log.pictures_minutes=1e-9")
    assert "last.pt (step 3)" in str(error.value)


def test_copies_of_a_steps_checkpoint_are_nobodys_to_delete(train):
    settings = ("checkpoint.every=1", "checkpoint.keep=1")
    folder = train("run", *settings, stop_after=2)
    kept = {folder / "checkpoints" / name for name in ("step-0000001 (copy).pt", "step-0000002-good.pt", "step-x.pt")}
    for path in kept:
        shutil.copy(folder / "checkpoints/last.pt", path)
    (folder / "checkpoints/step-0000000.pt").mkdir()
    train("run", *settings, resume=True)
    assert {path for path in (folder / "checkpoints").glob("step-*.pt") if path.is_file()} == {
        *kept,
        folder / "checkpoints/step-0000008.pt",
    }


def test_the_newest_step_is_that_of_the_largest_number(tmp_path):
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    for step in (9_999_998, 9_999_999, 10_000_000):
        folder.step_checkpoint(step).touch()
    folder.prune_step_checkpoints(2)
    assert folder.resumable() == [folder.step_checkpoint(10_000_000), folder.step_checkpoint(9_999_999)]


def test_a_checkpoint_that_is_gone_is_not_called_good(train, recipe, tmp_path, at_step_three):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "third"\n[checkpoint]\nevery = 2\n')

    def take_the_folder_away():
        while not (tmp_path / "run/checkpoints/last.pt").exists():
            time.sleep(0.01)
        shutil.rmtree(tmp_path / "run")
        (tmp_path / "run").touch()

    at_step_three(take_the_folder_away)
    with pytest.raises(OutputError) as error:
        train("run")
    assert "no longer there" in str(error.value)
    assert "resume" not in str(error.value)
