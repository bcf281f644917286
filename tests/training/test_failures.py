"""Parts that fail while they work: a message with the place and the last good checkpoint, and never a good end."""

from __future__ import annotations

import json

import pytest
import torch

from itrans.api import DATASETS, GENERATORS, LOSSES

PARTS = """
import os
import numpy as np
import torch
from torch import nn
from itrans.api import DATASETS, GENERATORS, LOSSES, ImageSpec, Pair

@LOSSES.register("failing", replace=True)
class Failing:
    role = "image"
    calls = 0
    def __init__(self, how: str) -> None:
        self.how = how
    def __call__(self, pictures):
        Failing.calls += 1
        value = (pictures.output - pictures.target).abs().mean()
        if self.how == "detached":
            return value.detach()
        if Failing.calls == 4:
            if self.how == "memory":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
            if self.how == "allocator":
                torch.empty(2**60, dtype=torch.uint8)
            raise {"error": ZeroDivisionError("of the loss"), "exit": SystemExit(0)}[self.how]
        return value

@GENERATORS.register("moody", replace=True)
class Moody(nn.Module):
    how = ""
    def __init__(self, *, in_channels, out_channels):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, out_channels, 1)
    def forward(self, source):
        found = self.layer(source)
        how = os.environ.get("MOOD", "")
        if how == "error":
            raise ZeroDivisionError("of the generator")
        if how == "exit":
            raise SystemExit(0)
        return {"": found, "nothing": None, "flat": found[0], "thin": found[:, :1], "small": found[..., :4, :4]}[how]

@DATASETS.register("failing", replace=True)
class Pairs:
    source = target = ImageSpec(channels=3)
    def __init__(self, *, split, how: str, at: str = "train"):
        self.how = how if split == at else ""
    def __len__(self):
        return {"fraction": 2.5, "negative": -1}.get(self.how, 8)
    def __getitem__(self, index):
        if index == 5 and self.how == "exit":
            raise SystemExit(0)
        if index == 5 and self.how == "memory":
            raise MemoryError
        return Pair(np.full((16, 16, 3), index, np.uint8), np.full((16, 16, 3), 9, np.uint8), str(index))
"""


@pytest.fixture
def run(itrans, recipe, tmp_path):
    """Train with some parts."""
    (tmp_path / "parts.py").write_text(PARTS)
    more = ["--without", "discriminator", "--set", "train.epochs=1", "--set", "checkpoint.every=2"]

    def train(*arguments, loss='{name = "l1"}'):
        code = ["--code", "parts.py", "--device", "cpu", *more]
        return itrans("run", recipe, "-o", "run", *code, "--set", f"loss=[{loss}]", *arguments)

    yield train
    for registry, names in ((LOSSES, ["failing"]), (GENERATORS, ["moody"]), (DATASETS, ["failing"])):
        for name in names:
            registry._local.pop(name, None)


def failing(how):
    return f'{{name = "failing", how = "{how}"}}'


@pytest.mark.parametrize(
    ("how", "told", "code"),
    [
        ("error", ["ZeroDivisionError: of the loss", "parts.py:", "--debug"], 2),
        ("exit", ["SystemExit: 0", "parts.py:"], 2),
        ("memory", ["out of memory", "2.00 GiB", "train.batch_size"], 1),
        ("allocator", ["out of memory", "train.batch_size"], 1),
    ],
)
def test_a_step_that_fails_names_the_place_and_the_last_good_checkpoint(run, tmp_path, how, told, code):
    done = run(loss=failing(how))
    assert done.exit_code == code, done.output
    error = done.stderr.partition("Error: ")[2]
    assert [words for words in ("Step 4:", *told) if words not in error] == []
    assert "last.pt (step 2)" in error
    saved = torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
    assert saved["progress"]["step"] == 2
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert "end" not in [entry["event"] for entry in log]


def test_losses_that_nothing_can_be_learnt_from_are_named(run):
    done = run(loss=failing("detached"))
    assert done.exit_code == 1
    assert "failing" in done.stderr
    assert "detached" in done.stderr


@pytest.mark.parametrize("how", ["fraction", "negative"])
def test_a_data_set_of_no_length_is_a_message(run, how):
    done = run("--set", f'dataset={{name = "failing", how = "{how}"}}')
    assert done.exit_code == 2
    assert '"failing"' in done.stderr
    assert "length" in done.stderr


@pytest.mark.parametrize(("how", "code"), [("exit", 2), ("memory", 1)])
@pytest.mark.parametrize("at", ["train", "val"])
def test_a_pair_that_ends_the_process_is_a_message(run, how, code, at):
    done = run("--set", f'dataset={{name = "failing", how = "{how}", at = "{at}"}}', "--set", "log.pictures=0")
    assert done.exit_code == code, done.output
    assert "Pair 5" in done.stderr
    assert "is saved in" in done.stderr


def test_a_pair_for_which_memory_does_not_do_is_not_left_out_as_bad(run):
    done = run("--set", 'dataset={name = "failing", how = "memory"}', "--skip-bad")
    assert done.exit_code == 1
    assert "Skipped" not in done.stderr


MOODS = ["error", "exit", "nothing", "flat", "thin"]


@pytest.mark.parametrize(
    ("command", "mood"),
    [(command, mood) for command in ("translate", "evaluate") for mood in MOODS] + [("evaluate", "small")],
)
def test_a_generator_that_fails_names_its_checkpoint(run, itrans, tmp_path, monkeypatch, command, mood):
    assert run("--set", 'generator={name = "moody"}').exit_code == 0
    monkeypatch.setenv("MOOD", mood)
    more = ["aligned/val/00.png", "-o", "out"] if command == "translate" else []
    done = itrans(command, "run", *more, "--device", "cpu", "--code", "parts.py")
    assert done.exit_code == 2, done.output
    assert "best.pt" in done.stderr
    assert not [*tmp_path.glob("out/*")]
