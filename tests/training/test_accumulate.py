"""`train.accumulate`: one step of several batches."""

from __future__ import annotations

import json

import pytest
import torch
from training.ranks import call_in_two
from training.test_resume import AUGMENTED, assert_same_bits

from itrans.api import LOSSES, PluginError
from itrans.checkpoint.file import load_checkpoint

TWO = ("train.batch_size=1", "train.accumulate=2")


def last(folder):
    return load_checkpoint(folder / "checkpoints/last.pt")


def log_of(folder, event="step"):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


@pytest.fixture
def plain(recipe):
    """A recipe whose steps depend on the mean over their pairs alone."""
    text = recipe.read_text()
    start, end = text.index("[discriminator]"), text.index('[[loss]]\nname = "l1"')
    text = (text[:start] + text[end:]).replace("filters = 4", 'filters = 4\nnorm = "instance"\ndropout = 0.0')
    recipe.write_text(text)
    return recipe


@pytest.fixture
def whole(plain, train):
    """The run that takes the pairs of a step at once."""
    return train("whole", "train.batch_size=4", "train.ema=0.9", "optimizer.clip_norm=0.1")


SAME = ("train.ema=0.9", "optimizer.clip_norm=0.1")


def assert_close(one, other):
    one, other = last(one), last(other)
    assert one.progress.step == other.progress.step == 4
    assert one.progress.samples == other.progress.samples == 16
    states = [file.networks | {"average": file.training["averages"]["generator"]} for file in (one, other)]
    for network, state in states[0].items():
        for key, value in state.items():
            # a bias in front of an instance norm has no gradient but rounding errors, which Adam blows up
            if not key.endswith("bias"):
                torch.testing.assert_close(states[1][network][key], value, rtol=1e-3, atol=2e-5, msg=key)


def test_steps_of_four_batches_are_those_of_one_that_is_as_large(whole, train):
    parts = train("parts", "train.batch_size=1", "train.accumulate=4", *SAME)
    assert_close(whole, parts)
    one, other = (log_of(folder) for folder in (whole, parts))
    assert [line["step"] for line in other] == [1, 2, 3, 4]
    for mine, theirs in zip(one, other, strict=True):
        assert theirs["losses"] == pytest.approx(mine["losses"], rel=1e-3)  # the mean over the batches


def test_two_processes_that_accumulate_train_as_one(whole, recipe, tmp_path):
    changes = ("train.batch_size=1", "train.accumulate=2", *SAME)
    arguments = [part for change in changes for part in ("--set", change)]
    codes, outputs = call_in_two(
        ["run", str(recipe), "-o", str(tmp_path / "two"), "--device", "cpu", *arguments], recipe.parent
    )
    assert codes == [0, 0], outputs
    assert_close(whole, tmp_path / "two")


def test_what_does_not_fill_the_last_step_of_an_epoch_is_left_out(train):
    folder = train("run", "train.batch_size=1", "train.accumulate=3")
    progress = last(folder).progress
    assert (progress.step, progress.epoch, progress.batch, progress.samples) == (4, 2, 0, 12)
    assert len(log_of(folder, "validation")) == 2


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_a_resumed_run_ends_with_the_same_bits(train, tmp_path, steps):
    whole = train("whole", *AUGMENTED, *TWO, "train.workers=0")
    train("parts", *AUGMENTED, *TWO, "train.workers=0", stop_after=steps)
    parts = train("parts", *AUGMENTED, *TWO, "train.workers=1", resume=True)
    assert_same_bits(whole / "checkpoints/last.pt", parts / "checkpoints/last.pt")


def test_so_does_one_that_was_ended_between_the_batches_of_a_step(train, recipe, tmp_path):
    calls = []

    @LOSSES.register("brittle")
    class Brittle:
        role = "image"

        def __call__(self, translated):
            calls.append(0)
            if len(calls) == 8:  # the second batch of the fourth step
                raise RuntimeError("gone")
            return (translated.output.float() - translated.target).abs().mean()

    try:
        recipe.write_text(recipe.read_text().replace('name = "l1"', 'name = "brittle"'))
        common = (*TWO, "checkpoint.every=2")
        with pytest.raises(PluginError, match="Step 4"):
            train("parts", *common)
        assert last(tmp_path / "parts").progress.step == 2
        train("parts", *common, resume=True)
        whole = train("whole", *common)
    finally:
        LOSSES.unregister("brittle")
    assert_same_bits(whole / "checkpoints/last.pt", tmp_path / "parts/checkpoints/last.pt")


def test_another_number_of_batches_is_another_run(itrans, recipe):
    assert itrans("run", recipe, "-o", "run", "--stop-after", "1").exit_code == 130
    done = itrans("run", recipe, "-o", "run", "--resume", "--set", "train.accumulate=2")
    assert done.exit_code == 2
    assert "train.accumulate: 1 then, 2 now" in done.stderr
