"""The benchmarks measure what they say; how fast anything is does not matter here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import scripts as they import each other; this process keeps its allocator."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(importlib.import_module("step"), "keep_freed_memory", lambda **_: None)
    return importlib.import_module


def changes_in_two_steps(make):
    """Return all weights of each network, in one row, and how two steps change them."""

    def weights():
        return {name: torch.nn.utils.parameters_to_vector(it.parameters()).detach() for name, it in networks.items()}

    torch.manual_seed(0)
    step = make()
    networks = step.networks
    before = weights()
    torch.manual_seed(1)  # of dropout
    for _ in range(2):
        step()
    return before, {name: after - before[name] for name, after in weights().items()}


def test_plain_and_itrans_take_the_same_steps_and_wrong_ones_would_show(script, monkeypatch):
    step = script("step")

    class OtherWeightOfL1(step.PlainTrainer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.l1 = lambda output, target: 0.5 * torch.nn.functional.l1_loss(output, target)

    class NoUpdateOfD(step.PlainTrainer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.d_optimizer.step = lambda: None

    start, changes = changes_in_two_steps(lambda: step.itrans_step(5, 2, 32, "fp32", "auto", False, filters=8))
    assert set(changes) == {"generator", "discriminator"}

    def deviation():
        """Return how far the plain trainer's steps are from those of itrans, as a share of their length."""
        begun, plain = changes_in_two_steps(lambda: step.plain_step(5, 2, 32, filters=8))
        assert all(torch.equal(begun[name], start[name]) for name in start)
        return max(float((plain[name] - changes[name]).norm() / changes[name].norm()) for name in changes)

    assert deviation() < 0.01
    for wrong in (OtherWeightOfL1, NoUpdateOfD):
        monkeypatch.setattr(step, "PlainTrainer", wrong)
        assert deviation() > 0.1


def test_the_benchmark_of_gpus_prints_every_row_with_a_rate_and_a_ratio(script, monkeypatch, capsys):
    words = "--device cpu --size 32 --filters 4 --batches 1 2 --rounds 1 --steps 1 --no-compile".split()
    monkeypatch.setattr(sys, "argv", ["gpu.py", *words])
    script("gpu").main()
    headline, _, *lines = capsys.readouterr().out.splitlines()
    assert torch.__version__ in headline and script("machine").commit() in headline
    rows = [script("figures").figure_of(line) for line in lines]
    names = {
        "step": ["plain fp32", "plain bf16", "itrans"],
        "translating": ["plain fp32", "plain bf16", "itrans, mode paper", "itrans, mode running"],
    }
    assert [row.what for row in rows] == [
        f"{what}, {generator}, batch {batch}, {name}"
        for generator in ("U-Net", "ResNet")
        for what in ("step", "translating")
        for batch in (1, 2)
        for name in names[what]
    ]
    for row in rows:
        assert float(row.figure.removesuffix(" images/s")) > 0
        assert float(row.ratio.removesuffix("x of plain fp32")) > 0


def test_the_benchmark_of_gpus_says_that_there_is_none(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cuda:99"])
    with pytest.raises(SystemExit) as ended:
        script("gpu").main()
    assert ended.value.code == 2
    assert "cuda:99" in capsys.readouterr().err


def test_each_contestant_is_charged_with_its_own_memory(script, monkeypatch):
    class Memory:
        now = most = 0

        def take(self, size):
            self.now += size
            self.most = max(self.most, self.now)

    memory = Memory()
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: memory.now)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: memory.most)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: setattr(memory, "most", memory.now))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def holding(size, passing):
        def act():
            memory.take(passing)
            memory.take(-passing)

        memory.take(size)
        return act

    device = torch.device("cuda", 0)
    contestants = [
        script("gpu").Contestant(lambda sizes=sizes: holding(*sizes), device) for sizes in ((10, 5), (90, 7))
    ]
    for _ in range(2):
        for contestant in contestants:
            contestant.turn(3)
    assert [contestant.peak for contestant in contestants] == [15, 97]
    assert [len(contestant.seconds) for contestant in contestants] == [2, 2]
