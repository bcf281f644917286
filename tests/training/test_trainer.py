from __future__ import annotations

import json
import math
from datetime import datetime

import cv2
import numpy as np
import pytest
import torch

from itrans.api import LOSSES, DataError, TrainingError
from itrans.checkpoint.file import load_checkpoint


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_run_leaves_recipe_log_samples_and_checkpoints(train, aligned):
    folder = train("run")
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"last.pt", "best.pt"}
    assert (folder / "recipe.toml").read_text().count("[generator]") == 1
    grids = ["epoch-0001.png", "epoch-0002.png", "step-0000000.png"]
    assert [path.name for path in sorted((folder / "samples").iterdir())] == grids
    log = log_of(folder)
    assert [line["event"] for line in log] == ["start", *["step"] * 4, "validation", *["step"] * 4, "validation", "end"]
    assert set(log[1]["losses"]) == {"discriminator.cgan", "generator.cgan", "generator.l1"}
    assert set(log[5]["metrics"]) == {"l1", "psnr", "ssim", "source_l1"}
    progress = load_checkpoint(folder / "checkpoints/last.pt").progress
    assert (progress.step, progress.epoch, progress.batch, progress.samples) == (8, 2, 0, 16)


def test_the_validation_l1_of_the_source_is_measured_on_a_scale_from_0_to_1(train, aligned):
    folder = train("run", "train.steps=1")
    halves = [cv2.imread(str(path)) / 255 for path in sorted((aligned / "val").iterdir())]
    expected = sum(abs(image[:, :16] - image[:, 16:]).mean() for image in halves) / len(halves)
    measured = next(line for line in log_of(folder) if line["event"] == "validation")["metrics"]["source_l1"]
    assert measured == pytest.approx(expected, abs=1e-6)


def test_it_learns(train):
    folder = train("run", "train.epochs=40", "validation.every=40", "log.pictures=0", "optimizer.lr=2e-3")
    losses = [line["losses"]["generator.l1"] for line in log_of(folder) if line["event"] == "step"]
    assert sum(losses[-8:]) < 0.6 * sum(losses[:8])


def test_l1_alone_needs_no_discriminator(tmp_path, train, recipe):
    text = recipe.read_text()
    start, end = text.index("[discriminator]"), text.index('[[loss]]\nname = "l1"')
    recipe.write_text(text[:start] + text[end:])
    folder = train("run", "train.steps=2")
    assert set(load_checkpoint(folder / "checkpoints/last.pt").networks) == {"generator"}


def test_the_linear_schedule_falls_to_zero_over_the_last_epochs(train):
    folder = train("run", "train.epochs=3", "schedule.name=linear", "schedule.decay_epochs=2")
    rates = [line["lr"] for line in log_of(folder) if line["event"] == "step"]
    assert rates == pytest.approx([2e-4] * 4 + [2e-4 * left / 8 for left in range(8, 0, -1)])


def test_step_checkpoints_are_kept_as_many_as_asked_for(train):
    folder = train("run", "checkpoint.every=2", "checkpoint.keep=2")
    found = sorted(path.name for path in (folder / "checkpoints").glob("step-*.pt"))
    assert found == ["step-0000006.pt", "step-0000008.pt"]
    assert load_checkpoint(folder / "checkpoints" / found[0]).progress.step == 6


def test_early_stop_comes_after_as_many_validations_without_a_better_one(train):
    # with a learning rate of next to nothing, SSIM cannot get better than at the first validation by more than noise
    folder = train("run", "train.epochs=9", "optimizer.lr=1e-30", "validation.patience=2", "validation.metric=ssim")
    assert log_of(folder)[-1]["outcome"] == "early"
    assert load_checkpoint(folder / "checkpoints/last.pt").progress.epoch < 9


def test_without_held_out_pairs_training_goes_on_and_says_so(train, aligned):
    for path in (aligned / "val").iterdir():
        path.unlink()
    (aligned / "val").rmdir()
    folder = train("run", "train.steps=2")
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"last.pt"}
    with pytest.raises(DataError, match="held-out"):
        train("other", "validation.patience=2")


def test_a_batch_larger_than_the_data_set_is_an_error(train):
    with pytest.raises(DataError, match="8 training pairs, but a step takes 9"):
        train("run", "train.batch_size=9")


def test_pictures_of_different_sizes_are_named(train, aligned):
    import numpy as np

    cv2.imwrite(str(aligned / "train" / "05.png"), np.zeros((24, 48, 3), np.uint8))
    with pytest.raises(DataError, match=r"05\.png.* 24x24"):
        train("run")


def test_a_picture_that_breaks_on_the_way_loses_nothing(train, aligned):
    whole = train("whole")
    broken = aligned / "train" / "05.png"
    content = broken.read_bytes()
    broken.write_bytes(content[:50])
    with pytest.raises(DataError, match=r"05\.png.*truncated[^$]*continue with --resume"):
        train("run")
    broken.write_bytes(content)
    train("run", resume=True)
    one, two = (load_checkpoint(folder / "checkpoints/last.pt") for folder in (whole, whole.parent / "run"))
    assert one.progress == two.progress
    assert all(torch.equal(value, two.networks["generator"][key]) for key, value in one.networks["generator"].items())


@pytest.fixture
def poison():
    @LOSSES.register("poison")
    class Poison:
        """Is not a number at the third step."""

        role = "image"

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, translated) -> torch.Tensor:
            self.calls += 1
            return translated.output.mean() * (math.nan if self.calls == 3 else 1.0)

    yield
    LOSSES.unregister("poison")


def test_a_loss_that_is_not_finite_stops_and_names_the_last_good_checkpoint(train, poison, recipe, tmp_path):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "poison"\n')
    with pytest.raises(TrainingError, match=r"Step 3: generator\.poison") as error:
        train("run", "checkpoint.every=2")
    assert str(tmp_path / "run/checkpoints/last.pt") in str(error.value)
    assert "(step 2)" in str(error.value)
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.pt")
    assert saved.progress.step == 2
    assert all(value.isfinite().all() for value in saved.networks["generator"].values())
    with pytest.raises(TrainingError, match="No checkpoint had been saved"):
        train("other")


def test_two_losses_of_one_name_are_both_counted(train, recipe):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "l1"\nweight = 3.0\n')
    losses = log_of(train("run", "train.steps=1"))[1]["losses"]
    assert losses["generator.l1-3"] == losses["generator.l1"]


@pytest.fixture
def bad_gradient():
    @LOSSES.register("bad_gradient")
    class BadGradient:
        """Is finite, but from the fourth step on its gradient is not: the root of zero."""

        role = "image"

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, translated) -> torch.Tensor:
            self.calls += 1
            return (translated.output * (0.0 if self.calls >= 4 else 1.0)).square().sum().sqrt()

    yield
    LOSSES.unregister("bad_gradient")


def test_weights_that_are_not_finite_never_replace_a_good_checkpoint(train, bad_gradient, recipe, tmp_path):
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "bad_gradient"\n')
    with pytest.raises(TrainingError, match="no longer finite") as error:
        train("run", "checkpoint.every=2")
    assert "(step 2)" in str(error.value)
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.pt")
    assert saved.progress.step == 2
    assert all(value.isfinite().all() for value in saved.networks["generator"].values())


def test_a_validation_that_fails_loses_no_step(train, aligned, tmp_path):
    (aligned / "val" / "01.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"01\.png") as error:
        train("run", "log.pictures=0")
    assert "last.pt (step 4)" in str(error.value)
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt").progress.step == 4


def test_a_run_shorter_than_the_interval_of_its_log_has_a_line_of_losses(train):
    lines = [line for line in log_of(train("run", "log.every=50", "train.steps=3")) if line["event"] == "step"]
    assert [line["step"] for line in lines] == [3]
    assert lines[0]["means"].keys() == lines[0]["losses"].keys()


def test_a_line_of_losses_has_means_over_the_steps_since_the_last_one(train):
    each = [line for line in log_of(train("each")) if line["event"] == "step"]
    some = [line for line in log_of(train("some", "log.every=3")) if line["event"] == "step"]
    assert [line["step"] for line in some] == [3, 6, 8]
    for line, steps in zip(some, ([1, 2, 3], [4, 5, 6], [7, 8]), strict=True):
        values = [each[step - 1]["losses"]["generator.l1"] for step in steps]
        assert line["means"]["generator.l1"] == pytest.approx(sum(values) / len(values), rel=1e-5)
        assert line["losses"] == each[steps[-1] - 1]["losses"]


def test_every_line_of_the_log_has_the_time(train):
    lines = log_of(train("run", "train.steps=2"))
    times = [datetime.fromisoformat(line["time"]) for line in lines]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", "bfloat16"), ("uint16", "float32"), ("float32", "float32")])
def test_pictures_of_more_than_8_bits_are_trained_in_fp32(train, aligned, monkeypatch, dtype, expected):
    monkeypatch.setattr("itrans.training.devices.has_native_bf16", lambda device: True)
    scale = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    for path in sorted(aligned.rglob("*.png")):
        image = cv2.imread(str(path))
        path.unlink()
        np.save(path.with_suffix(".npy"), (image * float(scale)).astype(dtype))
    assert log_of(train("run", "train.steps=1", "train.precision=auto"))[0]["precision"] == expected


def test_a_run_that_has_stopped_early_stays_stopped(train):
    settings = ("train.epochs=9", "optimizer.lr=1e-30", "validation.patience=1", "validation.metric=ssim")
    folder = train("run", *settings)
    step = load_checkpoint(folder / "checkpoints/last.pt").progress.step
    train("run", *settings, resume=True)
    assert load_checkpoint(folder / "checkpoints/last.pt").progress.step == step
    assert log_of(folder)[-1]["outcome"] == "early"


def test_a_run_that_has_ended_within_an_epoch_is_not_measured_again(train):
    folder = train("run", "train.steps=3")
    train("run", "train.steps=3", resume=True)
    assert [line["event"] for line in log_of(folder)].count("validation") == 1


def test_a_metric_that_cannot_be_measured_is_an_error(train):
    with pytest.raises(DataError, match='"ssim" cannot be measured'):
        train("run", "validation.metric=ssim", "augment.size=8")


def test_another_metric_starts_its_own_comparison(train):
    train("run", "validation.metric=psnr", stop_after=5)
    folder = train("run", "validation.metric=l1", resume=True)
    progress = load_checkpoint(folder / "checkpoints/last.pt").progress
    assert 0 < progress.best < 1
    assert progress.stale == 0


def test_a_schedule_longer_than_the_run_is_an_error(train):
    with pytest.raises(DataError, match="falls over 8 steps, but the run has only 5"):
        train("run", "schedule.name=linear", "schedule.decay_epochs=2", "train.steps=5")


def test_a_method_state_that_a_checkpoint_cannot_hold_is_named_before_it_is_lost(train, monkeypatch):
    from itrans.api import PluginError
    from itrans.methods.paired import Paired

    monkeypatch.setattr(Paired, "state_dict", lambda self: {"pool": [{1, 2}]}, raising=False)
    with pytest.raises(PluginError, match=r"method\.pool\.0 is set"):
        train("run")


@pytest.mark.parametrize("split", ["train", "val"])
def test_pairs_that_cannot_be_read_are_left_out_if_asked_for_and_counted(train, aligned, split):
    (aligned / split / "01.png").write_bytes(b"no picture")
    folder = train("run", skip_bad=True)
    assert log_of(folder)[-1]["skipped"] == 1
    assert load_checkpoint(folder / "checkpoints/last.pt").progress.step == 8
