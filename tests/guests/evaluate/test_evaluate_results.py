"""What `evaluate` takes for a checkpoint, and what it does where there are results already."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli.printed import json_of

from itrans.api import read_image
from itrans_evaluate import evaluate_checkpoint


@pytest.fixture
def run(itrans, recipe):
    """Train for a step, and return the run's folder."""
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    return Path("run")


class TestRun:
    def test_of_a_run_its_best_checkpoint_is_measured_and_else_its_last(self, itrans, run):
        found = json_of(itrans("evaluate", run, "--split", "val", "--json"))
        assert found["checkpoint"] == str(run / "checkpoints" / "best.pt")
        (run / "checkpoints" / "best.pt").unlink()
        shown = itrans("evaluate", run, "--split", "val").stdout
        assert shown.startswith(f"{run / 'checkpoints' / 'last.pt'} (step 1) on 3 pairs")
        assert evaluate_checkpoint(run, split="val").checkpoint == str(run / "checkpoints" / "last.pt")

    def test_a_folder_that_is_no_runs_is_refused(self, itrans, run):
        for folder in (run / "samples", Path()):
            done = itrans("evaluate", folder)
            assert done.exit_code == 2
            assert f"{folder} is a folder" in done.stderr
            assert "RUN/checkpoints/best.pt" in done.stderr


class TestOutput:
    def test_results_of_the_same_are_replaced(self, itrans, run):
        for options in (["--metrics", "psnr"], ["--metrics", "l1", "--pairs", 2, "--seed", 1]):
            done = itrans("evaluate", run, "--split", "val", "-o", "out", *options)
            assert done.exit_code == 0, done.output
        done = itrans("evaluate", Path("run/checkpoints/best.pt").resolve(), "--split", "val", "-o", "out")
        assert done.exit_code == 0, done.output
        assert list(json.loads(Path("out/results.json").read_text())["scores"]) == ["l1", "psnr", "ssim", "source_l1"]

    def test_results_of_another_checkpoint_or_split_are_left_as_they_are(self, itrans, run, aligned, monkeypatch):
        (aligned / "test").symlink_to(aligned / "val")
        assert itrans("evaluate", run, "--split", "val", "-o", "out").exit_code == 0
        before = {path: path.read_bytes() for path in Path("out").iterdir()}
        monkeypatch.setattr(
            "itrans.translating.translator.Translator.translate_stored", lambda *_, **__: pytest.fail("has begun")
        )
        for others in ([run, "--split", "test"], [run / "checkpoints" / "last.pt", "--split", "val"]):
            done = itrans("evaluate", *others, "-o", "out")
            assert done.exit_code == 2
            said = f"out has the results of {run / 'checkpoints' / 'best.pt'} on the split val, which are left"
            assert said in done.stderr
            assert "-o DIR" in done.stderr
            assert {path: path.read_bytes() for path in Path("out").iterdir()} == before

    @pytest.mark.parametrize(
        "text", ["{}", "[]", "null", '{"members": []}', "no JSON", '{"checkpoint": 1, "split": 2}']
    )
    def test_a_file_of_something_else_is_left_as_it_is(self, itrans, run, text):
        Path("out").mkdir()
        Path("out/results.json").write_text(text)
        done = itrans("evaluate", run, "--split", "val", "-o", "out")
        assert done.exit_code == 2
        assert "results.json was not written by itrans evaluate" in done.stderr
        assert Path("out/results.json").read_text() == text

    def test_no_grid_of_earlier_results_stays(self, itrans, run):
        assert itrans("evaluate", run, "--split", "val", "-o", "out").exit_code == 0
        assert Path("out/worst.png").is_file()
        done = itrans("evaluate", run, "--split", "val", "-o", "out", "--metrics", "ms_ssim")
        assert done.exit_code == 0, done.output
        assert sorted(path.name for path in Path("out").iterdir()) == ["pictures.csv", "results.json", "results.md"]

    def test_best_and_worst_share_no_picture(self, itrans, run):
        assert itrans("evaluate", run, "--split", "val", "-o", "out").exit_code == 0
        best, worst = (read_image(f"out/{name}.png") for name in ("best", "worst"))
        sources = [grid[22 + 20 * row :][:16, 4:20].tobytes() for grid, row in ((best, 0), (best, 1), (worst, 0))]
        assert len(set(sources)) == 3


class TestSplit:
    def test_the_split_that_stands_in_is_named_and_that_the_checkpoint_was_chosen_on_it(self, itrans, run):
        shown = itrans("evaluate", run, "--metrics", "l1", "-o", "out").stdout
        assert "on 3 pairs of the split val, which stands in for test, mode paper" in shown
        assert "chosen" in shown.splitlines()[0]
        assert "split val, which stands in for test" in Path("out/results.md").read_text()
        found = json.loads(Path("out/results.json").read_text())
        assert (found["split"], found["measured_split"], found["chosen"]) == ("test", "val", True)

    def test_a_split_of_its_own_has_chosen_nothing(self, itrans, run, aligned):
        shutil.copytree(aligned / "val", aligned / "test")
        found = json_of(itrans("evaluate", run, "--metrics", "l1", "--json"))
        assert (found["split"], found["measured_split"], found["chosen"]) == ("test", "test", False)
        found = json_of(itrans("evaluate", run, "--metrics", "l1", "--json", "--split", "train"))
        assert (found["measured_split"], found["chosen"]) == ("train", False)
        arguments = ("evaluate", run, "--metrics", "l1", "--json", "--split", "val")
        assert json_of(itrans(*arguments))["chosen"]
        other = shutil.copytree(aligned, aligned.with_name("other"))
        assert json_of(itrans(*arguments, "--set", f"dataset.root={other.as_posix()}"))["chosen"]
        (other / "train/00.png").rename(other / "train/77.png")
        assert not json_of(itrans(*arguments, "--set", f"dataset.root={other.as_posix()}"))["chosen"]

    def test_where_nothing_was_validated_nothing_was_chosen(self, itrans, recipe):
        done = itrans("run", recipe, "-o", "plain", "--set", "train.steps=1", "--set", "validation.every=0")
        assert done.exit_code == 0, done.output
        shown = itrans("evaluate", "plain", "--metrics", "l1").stdout
        assert "val, which stands in for test" in shown
        assert "chosen" not in shown
