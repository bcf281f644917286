"""Checkpoints are written while training goes on, seldom enough, whole, and of the state as it was."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, namedtuple

import pytest
import torch

from itrans.api import LOSSES, OutputError, TrainingError
from itrans.checkpoint import writer
from itrans.checkpoint.file import load_checkpoint, save_checkpoint
from itrans.checkpoint.states import snapshot, tensors_in
from itrans.training import saving


@pytest.fixture
def written(monkeypatch):
    """Return the names of the files that are written, and the step of each; each write takes a while."""
    names = []

    def write_slowly(path, checkpoint):
        time.sleep(0.05)
        names.append((path.name, checkpoint.progress.step))
        assert threading.current_thread() is not threading.main_thread()
        save_checkpoint(path, checkpoint)

    monkeypatch.setattr(writer, "save_checkpoint", write_slowly)
    return names


@pytest.fixture
def rate(monkeypatch):
    """Set how fast states are thought to be written, in bytes a second."""
    return lambda value: monkeypatch.setattr(saving, "_BYTES_PER_SECOND", value)


def tensors_of(path):
    checkpoint = load_checkpoint(path)
    return dict(tensors_in({"networks": checkpoint.networks, "training": checkpoint.training}))


def test_what_is_written_is_the_state_of_its_step_although_training_goes_on(train, written):
    whole = train("whole", "checkpoint.every=2", "checkpoint.keep=9", stop_after=4)
    assert len(written) > 1
    for path in (whole / "checkpoints").glob("step-*.pt"):
        step = load_checkpoint(path).progress.step
        part = tensors_of(train(f"part-{step}", stop_after=step) / "checkpoints/last.pt")
        found = tensors_of(path)
        assert found.keys() == part.keys()
        assert all(torch.equal(found[key], part[key]) for key in part)


def test_short_epochs_are_not_saved_one_by_one(train, written, rate):
    rate(1.0)
    folder = train("run", "train.epochs=4")
    assert sorted(name for name, _ in written) == ["best.pt", "last.pt"]
    assert written[-1][0] == "last.pt"  # which says what the best is, so that comes first
    assert load_checkpoint(folder / "checkpoints/last.pt").progress.epoch == 4
    best = load_checkpoint(folder / "checkpoints/best.pt").progress
    assert best.step == load_checkpoint(folder / "checkpoints/last.pt").progress.best_step


def test_a_state_is_never_written_twice(train, written, rate):
    rate(1e15)
    train("run", "train.epochs=3", "checkpoint.minutes=0.0001")
    last = [step for name, step in written if name == "last.pt"]
    assert len(last) == len(set(last)) or last[-2:] == [last[-1]] * 2  # the last one may have been validated since


def test_the_checkpoint_of_a_step_and_the_last_one_are_one_file(train):
    folder = train("run", "checkpoint.every=2", stop_after=2) / "checkpoints"
    assert (folder / "step-0000002.pt").samefile(folder / "last.pt")


def test_without_such_links_they_are_two(train, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = train("run", "checkpoint.every=2", stop_after=2) / "checkpoints"
    step, last = tensors_of(folder / "step-0000002.pt"), tensors_of(folder / "last.pt")
    assert all(torch.equal(step[key], last[key]) for key in last)


def test_what_cannot_be_written_ends_the_run_and_names_the_file_that_can_be_used(train, monkeypatch, tmp_path):
    def write_once(path, checkpoint):
        if checkpoint.progress.step > 2:
            raise OutputError(f"{path} cannot be written: No space left on device.")
        save_checkpoint(path, checkpoint)

    monkeypatch.setattr(writer, "save_checkpoint", write_once)
    with pytest.raises(OutputError, match="No space left") as error:
        train("run", "checkpoint.every=2", "train.epochs=3")
    assert "(step 2)" in str(error.value)
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt").progress.step == 2


def test_a_snapshot_stays_as_it_is_and_keeps_what_is_shared():
    shared = torch.ones(3)
    state = {"a": [shared, {"b": shared[:]}], "c": torch.zeros(2), "d": 5, "e": (None, "text")}
    copy = snapshot(state)
    shared.add_(1)
    assert copy["a"][0].tolist() == [1, 1, 1]
    assert copy["a"][0].data_ptr() == copy["a"][1]["b"].data_ptr()
    assert copy["c"].data_ptr() != state["c"].data_ptr()
    assert (copy["d"], copy["e"]) == (5, (None, "text"))


def test_a_snapshot_of_what_is_odd():
    number = torch.tensor([1 + 2j])
    counts, pair = Counter({"seen": 3}), namedtuple("Pair", "a b")(1, 2)
    assert snapshot([number, number.conj()])[1].tolist() == [1 - 2j]
    assert snapshot({"counts": counts}) == {"counts": Counter({"seen": 3})}
    assert snapshot([pair]) == [pair]  # what cannot be stored is said when it is written
    assert snapshot(torch.eye(2).to_sparse()).to_dense().tolist() == [[1, 0], [0, 1]]


def test_a_best_state_that_waits_is_written_when_the_run_fails(train, monkeypatch, tmp_path, rate):
    rate(1.0)
    calls = []

    class Failing:
        role = "image"

        def __call__(self, translated):
            calls.append(1)
            factor = float("nan") if len(calls) == 9 else 0.0
            return factor * translated.output.sum()

    monkeypatch.setitem(LOSSES._local, "failing", Failing)
    with pytest.raises(TrainingError, match="no longer finite"):
        train("run", "loss.l1.name=failing", "train.epochs=4")
    assert load_checkpoint(tmp_path / "run/checkpoints/best.pt").progress.best is not None


def test_a_snapshot_of_a_network_loads_into_another():
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 3), torch.nn.BatchNorm2d(2))
    state = snapshot(network.state_dict())
    assert state._metadata == network.state_dict()._metadata
    torch.nn.Sequential(torch.nn.Conv2d(2, 2, 3), torch.nn.BatchNorm2d(2)).load_state_dict(state)
