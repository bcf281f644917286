"""Two processes that `torchrun` would have started, talking over Gloo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.ranks import call_in_two

from itrans.api import load
from itrans.checkpoint.file import load_checkpoint


def run_in_two(recipe, folder, *arguments):
    return call_in_two(["run", str(recipe), "-o", str(folder), "--device", "cpu", *arguments], recipe.parent)


EXACT = ("generator.norm=instance", "generator.dropout=0.0", "discriminator.norm=instance", "optimizer.clip_norm=1.0")


def settings(*pairs):
    return [part for pair in pairs for part in ("--set", pair)]


def test_two_processes_give_the_weights_of_one_with_the_double_batch(train, recipe, tmp_path):
    alone = train("alone", *EXACT, "train.batch_size=4", "train.epochs=3", "train.ema=0.9")
    overrides = settings(*EXACT, "train.batch_size=2", "train.epochs=3", "train.ema=0.9")
    codes, outputs = run_in_two(recipe, tmp_path / "two", *overrides)
    assert codes == [0, 0], outputs
    one, two = (load_checkpoint(folder / "checkpoints/last.pt") for folder in (alone, tmp_path / "two"))
    assert (two.progress.step, two.progress.samples) == (one.progress.step, one.progress.samples) == (6, 24)
    for network, state in one.networks.items():
        for key, value in state.items():
            # a bias in front of an instance norm has no gradient but rounding errors, which Adam blows up
            if not key.endswith("bias"):
                torch.testing.assert_close(two.networks[network][key], value, rtol=1e-3, atol=2e-5, msg=key)
    image = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    outputs = [load(folder / "checkpoints/last.pt").translate(image) for folder in (alone, tmp_path / "two")]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)
    assert two.progress.best == pytest.approx(one.progress.best, rel=1e-3)


def test_batch_norm_dropout_and_resuming_work_in_two_processes(recipe, tmp_path):
    codes, outputs = run_in_two(recipe, tmp_path / "two", "--stop-after", "1")
    assert codes == [130, 130], outputs
    codes, outputs = run_in_two(recipe, tmp_path / "two", "--resume")
    assert codes == [0, 0], outputs
    assert load_checkpoint(tmp_path / "two/checkpoints/last.pt").progress.step == 4
    assert outputs[1] == ""


def test_a_pair_that_one_process_cannot_read_ends_both_with_the_state_saved(recipe, aligned, tmp_path):
    arguments = settings("train.batch_size=1", "log.pictures=0")
    codes, outputs = run_in_two(recipe, tmp_path / "two", *arguments, "--stop-after", "2")
    assert codes == [130, 130], outputs
    for path in sorted((aligned / "train").iterdir())[1:]:  # the first one tells what pictures are like
        path.write_bytes(path.read_bytes()[:200])
    codes, outputs = run_in_two(recipe, tmp_path / "two", *arguments, "--resume")
    assert sorted(codes) in ([2, 2], [2, 130]), outputs
    assert "last.pt (step 2)" in "".join(outputs)
    assert load_checkpoint(tmp_path / "two/checkpoints/last.pt").progress.step == 2
