"""How many threads a run computes with."""

from __future__ import annotations

import json

import pytest
import torch

from itrans import cores
from itrans.cli import threads
from itrans.training.journal import Reporter
from itrans.training.record import RunFolder

CPU = torch.device("cpu")


class Notes(Reporter):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Stand in for a machine of 8 cores, what others use of them, torchrun, and what the environment says."""

    def set_up(processes=None, said=None, used=None):
        monkeypatch.setattr(cores, "cores", lambda: 8)
        monkeypatch.setattr(cores, "_bound", lambda: 8)
        monkeypatch.setattr(cores, "used_by_others", lambda: used)
        for name, value in (("LOCAL_WORLD_SIZE", processes), ("OMP_NUM_THREADS", said)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return set_up


def number(tmp_path, wanted="auto", device=CPU, *, reporter=None, resume=False):
    folder = RunFolder(tmp_path / "run")
    with threads.computing_threads(wanted, device, folder, reporter or Reporter(), resume=resume):
        return torch.get_num_threads()


@pytest.mark.parametrize(
    ("processes", "said", "expected"),
    [(None, None, 8), ("1", None, 8), ("2", "1", 4), ("3", "1", 2), ("16", "1", 1), ("abc", None, 8), ("", None, 8)],
)
def test_the_cores_are_shared_by_the_processes_of_a_machine(machine, tmp_path, processes, said, expected):
    machine(processes, said)
    before = torch.get_num_threads()
    assert number(tmp_path) == expected
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("processes", "said"), [(None, "1"), (None, "3"), ("2", "3")])
def test_what_the_environment_says_comes_first(machine, tmp_path, processes, said):
    machine(processes, said, used=3.0)
    assert number(tmp_path) == torch.get_num_threads()


def test_for_a_gpu_nothing_is_changed(machine, tmp_path):
    machine(used=3.0)
    assert number(tmp_path, device=torch.device("cuda")) == torch.get_num_threads()


def test_a_number_that_is_asked_for_is_used(machine, tmp_path):
    machine("2", "1", used=3.0)
    assert number(tmp_path, 3) == 3


@pytest.mark.parametrize(("used", "expected"), [(0.0, 8), (0.3, 8), (1.0, 7), (2.7, 5), (7.9, 1), (20.0, 1)])
def test_other_programs_keep_their_cores_and_that_is_said(machine, tmp_path, used, expected):
    machine(used=used)
    notes = Notes()
    assert number(tmp_path, reporter=notes) == expected
    assert [f"Other programs use {used:.1f} of 8 cores" in text for text in notes.texts] == [True] * (expected < 8)


@pytest.mark.parametrize(("had", "expected"), [(8, 5), (4, 2)], ids=["the same machine", "another"])
def test_a_run_that_is_resumed_keeps_its_number_on_the_same_machine(machine, tmp_path, had, expected):
    machine(used=6.0)
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.log("start", step=0, threads=5, cores=had)
    assert number(tmp_path, resume=True) == expected


def test_it_is_told_once_when_other_programs_come(machine, tmp_path, monkeypatch):
    machine(used=0.0)
    monkeypatch.setattr(threads, "_SECONDS", 0.0)
    notes = Notes()
    with threads.computing_threads("auto", CPU, RunFolder(tmp_path / "run"), notes, resume=False) as watching:
        machine(used=4.0)
        for step in range(5):
            watching.step(step, 1, {}, 1.0)
            assert len(notes.texts) == (step > 0)  # when it has been so twice
    assert "train.threads=4" in notes.texts[0]


def test_a_run_says_with_how_many_and_when_it_goes_on_with_others(recipe, tmp_path, itrans):
    def run(threads, *more):
        return itrans("run", recipe, "-o", tmp_path / "run", "--set", f"train.threads={threads}", *more)

    assert "(1 thread)" in run(1, "--stop-after", "1").output
    done = run(2, "--resume", "--stop-after", "1")
    assert "computed with 1 thread and continues with 2" in done.output
    assert "continues with" not in run(2, "--resume", "--stop-after", "1").output
    events = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [event["threads"] for event in events if event["event"] == "start"] == [1, 2, 2]
