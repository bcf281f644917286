"""The benchmarks measure what they say; how fast anything is does not matter here."""

from __future__ import annotations

import functools
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
    few = ["--size", "32", "--filters", "4", "--batches", "1", "2", "--rounds", "1", "--steps", "1", "--no-compile"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", *few])
    script("gpu").main()
    headline, _, *lines = capsys.readouterr().out.splitlines()
    assert torch.__version__ in headline
    assert script("machine").commit() in headline
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

    gpu, sizes = torch.device("cuda", 0), ((10, 5), (90, 7))
    contestants = [script("gpu").Contestant(functools.partial(holding, *of_one), gpu) for of_one in sizes]
    for _ in range(2):
        for contestant in contestants:
            contestant.turn(3)
    assert [contestant.peak for contestant in contestants] == [15, 97]
    assert [len(contestant.seconds) for contestant in contestants] == [2, 2]


STAND_IN = """
import sys, time
print("a headline, and no figure")
print("own: 5.00 images/s, 1.25x of plain", flush=True)
print(f"A|B: {' '.join(sys.argv[1:])}")
sys.exit("none" in sys.argv and 3)
"""


@pytest.fixture
def run_all(script, tmp_path, capfd):
    """Run stand-ins for benchmarks; return the exit code, what was printed, and the rows of the table."""
    every, Script = script("all"), script("all").Script
    for name in ("good.py", "bad.py", "old.py", "gpu.py"):
        (tmp_path / name).write_text(STAND_IN)
    (tmp_path / "silent.py").write_text("")
    scripts = {
        "good.py": Script(["given"], quick=["--rounds", "1"], old=["--before", "{old}"]),
        "bad.py": Script(["none"], by_name=True),
        "silent.py": Script(by_name=True),
        "old.py": Script(old=["{old}"], needs_old=True),
        "gpu.py": Script(needs_gpu=True),
    }

    def run(*words):
        code = every.main(words, scripts, tmp_path)
        printed = capfd.readouterr().out
        cells = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("| ")]
        return code, printed, [[cell.strip() for cell in row] for row in cells[2:]]

    return run


def test_all_benchmarks_make_one_table_with_the_machine_above(run_all, script, monkeypatch):
    monkeypatch.setattr(script("all"), "gpus", list)
    code, printed, rows = run_all("--quick")
    assert code == 0
    assert rows[:2] == [
        ["good.py", "own", "5.00 images/s", "1.25x of plain"],
        ["good.py", "A\\|B", "given --rounds 1"],
    ]
    assert [row[0] for row in rows[2:]] == ["old.py", "gpu.py"]
    assert all("skipped" in row[2] for row in rows[2:])
    assert "--old" in rows[2][2]
    assert "a headline, and no figure" in printed
    above = printed[: printed.index("| script")]
    for known in (torch.__version__, script("machine").commit(), script("machine").cpu()):
        assert known in above


def test_a_benchmark_that_fails_or_says_nothing_is_a_row_and_the_others_go_on(run_all):
    code, _, rows = run_all("--only", "bad", "silent.py", "good")
    assert code == 1
    assert [row[0] for row in rows] == ["bad.py"] * 3 + ["silent.py"] + ["good.py"] * 2
    assert "FAILED with exit code 3" in rows[2][2]
    assert "FAILED" in rows[3][2]


def test_another_checkout_is_handed_to_benchmarks_that_compare(run_all, tmp_path):
    code, _, rows = run_all("--old", str(tmp_path), "--skip", "gpu.py")
    assert code == 0
    assert [row[2] for row in rows if row[1] != "own"] == [f"given --before {tmp_path}", str(tmp_path)]


def test_a_benchmark_that_is_not_there_is_named(run_all, capfd):
    with pytest.raises(SystemExit) as ended:
        run_all("--only", "nonsense")
    assert ended.value.code == 2
    assert "nonsense" in capfd.readouterr().err


def test_no_benchmark_is_forgotten(script):
    every = script("all")
    parts = {"all.py", "figures.py", "machine.py", "plain.py"}
    there = {path.name for path in BENCHMARKS.glob("*.py")} - parts
    assert there == {*every.SCRIPTS, *every.OTHERS}
    assert set(every.SCRIPTS).isdisjoint(every.OTHERS)
    listed = (BENCHMARKS / "README.md").read_text()
    assert [name for name in sorted(there) if f"`{name}`" not in listed] == []


@pytest.mark.parametrize(("ratio", "shown"), [(None, ""), (1.234, "1.23x of plain fp32")])
def test_a_line_says_what_it_was_made_of(script, ratio, shown):
    figures = script("figures")
    found = figures.figure_of(figures.line("step, batch 4", "5.1 images/s, 2.00 GiB", ratio, "plain fp32") + "\n")
    assert found == ("step, batch 4", "5.1 images/s, 2.00 GiB", shown)


@pytest.mark.parametrize("text", ["torch 2.0, 2 threads", "", "a note: ", "Traceback (most recent call last):"])
def test_a_line_without_a_figure_has_none(script, text):
    assert script("figures").figure_of(text) is None
