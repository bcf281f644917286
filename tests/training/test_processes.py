"""Two processes that `torchrun` would have started, talking over Gloo."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
import torch
from training.ranks import call_in_two

from itrans.api import METRICS, ItransError, load
from itrans.checkpoint.file import load_checkpoint
from itrans.cli.options import import_code
from itrans.training import processes
from itrans_evaluate import evaluate_checkpoint


def run_in_two(recipe, folder, *arguments):
    return call_in_two(["run", str(recipe), "-o", str(folder), "--device", "cpu", *arguments], recipe.parent)


EXACT = ("generator.norm=instance", "generator.dropout=0.0", "discriminator.norm=instance", "optimizer.clip_norm=1.0")


def settings(*pairs):
    return [part for pair in pairs for part in ("--set", pair)]


def test_a_validation_in_bf16_leaves_two_processes_as_they_were(recipe, tmp_path):
    """Once, their reducers waited in vain for gradients of weights whose type had changed for a moment."""
    common = settings("train.precision=bf16", "train.batch_size=1", "train.epochs=3", "generator.filters=8")
    for name, more in (("whole", []), ("part", ["--stop-after", "5"]), ("part", ["--resume"])):
        codes, outputs = run_in_two(recipe, tmp_path / name, *common, *more)
        assert codes in ([0, 0], [130, 130]), outputs
    whole, part = (load_checkpoint(tmp_path / name / "checkpoints/last.pt") for name in ("whole", "part"))
    assert whole.progress.epoch == 3
    torch.testing.assert_close(part.networks, whole.networks, rtol=0, atol=0)


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


OWN = """
import torch
from itrans.api import METRICS

@METRICS.register("reach")
class Reach:
    lower_is_better = True

    def measure(self, outputs, targets):
        return torch.stack([outputs.sum((1, 2, 3)), targets.abs().sum((1, 2, 3))], dim=1)

    def value(self, total):
        assert total.shape == (2,)
        return float(total[0] / total[1])
"""


@pytest.mark.parametrize("pairs", [1, 3])
def test_what_is_summed_over_pictures_is_summed_over_processes_too(recipe, tmp_path, monkeypatch, pairs):
    (tmp_path / "own.py").write_text(OWN)
    arguments = settings("validation.metric=reach", f"validation.pairs={pairs}", "train.epochs=1", "log.pictures=0")
    codes, outputs = run_in_two(recipe, tmp_path / "two", "--code", str(tmp_path / "own.py"), *arguments)
    assert codes == [0, 0], outputs
    lines = map(json.loads, (tmp_path / "two/log.jsonl").read_text().splitlines())
    [logged] = [line["metrics"] for line in lines if line["event"] == "validation"]
    monkeypatch.setattr(METRICS, "_local", {})
    import_code((str(tmp_path / "own.py"),))
    found = evaluate_checkpoint(
        tmp_path / "two/checkpoints/last.pt",
        split="val",
        pairs=pairs,
        metrics=["l1", "psnr", "ssim", "reach"],
        device="cpu",
    )
    assert {name: score.value for name, score in found.scores.items()} == pytest.approx(logged, rel=1e-5)


def test_a_process_that_waits_for_the_first_one_in_vain_names_the_place(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    monkeypatch.setattr(processes, "_SECONDS_TO_MEET", 0.3)
    with (
        pytest.raises(ItransError, match=f"127.0.0.1:{port}"),
        processes.process_group(processes.Processes(1, 2, 1), torch.device("cpu")),
    ):
        pass
