"""How many threads a run computes with."""

from __future__ import annotations

import json

import pytest
import torch

from itrans.training import devices
from itrans.training.devices import computing_threads

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """Stand in for a machine of 8 cores, torchrun, and what the environment says."""

    def set_up(processes=None, said=None):
        monkeypatch.setattr(devices, "cores", lambda: 8)
        for name, value in (("LOCAL_WORLD_SIZE", processes), ("OMP_NUM_THREADS", said)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return set_up


@pytest.mark.parametrize(
    ("processes", "said", "expected"),
    [(None, None, 8), ("1", None, 8), ("2", "1", 4), ("3", "1", 2), ("16", "1", 1), ("abc", None, 8), ("", None, 8)],
)
def test_the_cores_are_shared_by_the_processes_of_a_machine(machine, processes, said, expected):
    machine(processes, said)
    before = torch.get_num_threads()
    with computing_threads("auto", CPU):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("processes", "said"), [(None, "1"), (None, "3"), ("2", "3")])
def test_what_the_environment_says_comes_first(machine, processes, said):
    machine(processes, said)
    before = torch.get_num_threads()
    with computing_threads("auto", CPU):
        assert torch.get_num_threads() == before


def test_for_a_gpu_nothing_is_changed(machine):
    machine()
    before = torch.get_num_threads()
    with computing_threads("auto", torch.device("cuda")):
        assert torch.get_num_threads() == before


def test_a_number_that_is_asked_for_is_used(machine):
    machine("2", "1")
    with computing_threads(3, CPU):
        assert torch.get_num_threads() == 3


def test_a_run_says_with_how_many_and_when_it_goes_on_with_others(recipe, tmp_path, itrans):
    def run(threads, *more):
        return itrans("run", recipe, "-o", tmp_path / "run", "--set", f"train.threads={threads}", *more)

    assert "(1 thread)" in run(1, "--stop-after", "1").output
    done = run(2, "--resume", "--stop-after", "1")
    assert "computed with 1 thread and goes on with 2" in done.output
    assert "goes on with" not in run(2, "--resume", "--stop-after", "1").output
    events = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [event["threads"] for event in events if event["event"] == "start"] == [1, 2, 2]
