from __future__ import annotations

import json
import shutil

import pytest
import torch

from itrans.checkpoint.file import load_checkpoint
from itrans.errors import CheckpointError


def tensors(value, key=""):
    """Yield every tensor of a nested state with its key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from tensors(inner, f"{key}.{name}")


def assert_same_bits(first, second):
    one, other = load_checkpoint(first), load_checkpoint(second)
    assert one.progress == other.progress
    for name in ("networks", "training", "method"):
        mine, theirs = dict(tensors(getattr(one, name))), dict(tensors(getattr(other, name)))
        assert mine.keys() == theirs.keys()
        assert [key for key, value in mine.items() if not torch.equal(value, theirs[key])] == []


AUGMENTED = ("augment.resize=20", "augment.crop=16", "augment.mirror=true", "train.ema=0.9")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("uninterrupted")


@pytest.fixture
def uninterrupted(train, place):
    """A whole run, which is trained once for all tests."""
    return place / "whole" if (place / "whole").exists() else train(place / "whole", *AUGMENTED)


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 7])
@pytest.mark.parametrize("workers", [(0, 0), (0, 2), (2, 1)])
def test_a_resumed_run_ends_with_the_same_bits(train, uninterrupted, steps, workers):
    before, after = (f"train.workers={count}" for count in workers)
    train("parts", *AUGMENTED, before, stop_after=steps)
    parts = train("parts", *AUGMENTED, after, resume=True)
    assert_same_bits(uninterrupted / "checkpoints/last.pt", parts / "checkpoints/last.pt")


def test_a_linear_schedule_is_resumed_too(train):
    linear = ("schedule.name=linear", "schedule.decay_epochs=1")
    whole = train("whole", *linear)
    train("parts", *linear, stop_after=6)
    parts = train("parts", *linear, resume=True)
    assert_same_bits(whole / "checkpoints/last.pt", parts / "checkpoints/last.pt")


def test_the_log_of_a_resumed_run_has_each_step_once(train):
    folder = train("run", stop_after=3)
    kept = folder / "kept.pt"
    shutil.copy(folder / "checkpoints/last.pt", kept)
    train("run", resume=True, stop_after=2)
    shutil.copy(kept, folder / "checkpoints/last.pt")  # as if the second part had been killed before it saved
    train("run", resume=True)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "step"] == list(range(1, 9))


def test_a_longer_run_goes_on_from_a_shorter_one_if_the_learning_rate_is_constant(train, uninterrupted):
    train("short", *AUGMENTED, "train.epochs=1")
    longer = train("short", *AUGMENTED, "train.epochs=2", resume=True)
    assert_same_bits(uninterrupted / "checkpoints/last.pt", longer / "checkpoints/last.pt")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("generator.filters=8", "generator.filters: 4 then, 8 now"),
        ("seed=4", "seed: 3 then, 4 now"),
        ("loss.l1.weight=10", "loss.1.weight: 100.0 then, 10.0 now"),
        ("train.ema=0.5", "train.ema: not set then, 0.5 now"),
        ("train.batch_size=4", "train.batch_size"),
    ],
)
def test_a_changed_recipe_is_refused_with_the_difference_named(train, change, named):
    train("run", stop_after=1)
    with pytest.raises(CheckpointError, match="cannot be resumed") as error:
        train("run", change, resume=True)
    assert named in str(error.value)


def test_changed_data_are_refused(train, aligned):
    train("run", stop_after=1)
    (aligned / "train" / "00.png").unlink()
    with pytest.raises(CheckpointError, match="number of training pairs: 8 then, 7 now"):
        train("run", resume=True)


def test_best_is_for_translating_only(train):
    folder = train("run")
    shutil.copy(folder / "checkpoints/best.pt", folder / "checkpoints/last.pt")
    with pytest.raises(CheckpointError, match="holds no optimisers"):
        train("run", resume=True)


def test_data_that_were_moved_are_gone_on_with_if_they_are_the_same(train, aligned):
    whole = train("whole")
    train("run", stop_after=3)
    moved = aligned.rename(aligned.with_name("elsewhere"))
    folder = train("run", f"dataset.root={moved.as_posix()}", resume=True)
    assert_same_bits(whole / "checkpoints/last.pt", folder / "checkpoints/last.pt")


def test_other_data_at_another_place_are_refused(train, aligned):
    train("run", stop_after=3)
    moved = aligned.rename(aligned.with_name("elsewhere"))
    (moved / "train" / "00.png").rename(moved / "train" / "90.png")
    with pytest.raises(CheckpointError, match="dataset.root") as error:
        train("run", f"dataset.root={moved.as_posix()}", resume=True)
    assert "other names or sizes" in str(error.value)
