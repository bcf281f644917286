from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from itrans.checkpoint.file import load_checkpoint


def test_a_recipe_becomes_a_checkpoint(itrans, recipe, tmp_path):
    done = itrans("run", recipe)
    assert done.exit_code == 0, done.output
    assert "epoch 2  step 8/8  discriminator.cgan" in done.output
    assert "pairs/s" in done.output
    assert "than copying the source" in done.output
    assert "runs/tiny/samples/epoch-0002.png" in done.output
    assert (tmp_path / "runs/tiny/checkpoints/last.pt").is_file()
    assert "itrans translate runs/tiny/checkpoints/best.pt" in done.output


def test_a_second_run_into_the_folder_is_refused_and_a_finished_one_resumes_to_nothing(itrans, recipe, tmp_path):
    itrans("run", recipe)
    before = (tmp_path / "runs/tiny/checkpoints/last.pt").read_bytes()
    refused = itrans("run", recipe)
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert "-o DIR" in refused.stderr
    assert itrans("run", recipe, "--resume").exit_code == 0
    assert (tmp_path / "runs/tiny/checkpoints/last.pt").read_bytes() == before


def test_stop_after_saves_and_exits_130_and_resume_finishes(itrans, recipe):
    stopped = itrans("run", recipe, "-o", "out", "--stop-after", 3)
    assert stopped.exit_code == 130, stopped.output
    assert "at step 3, saved in out/checkpoints/last.pt" in stopped.output
    done = itrans("run", recipe, "-o", "out", "--resume")
    assert done.exit_code == 0
    assert "3 of them done" in done.output


def test_stop_after_takes_a_time(itrans, recipe):
    stopped = itrans("run", recipe, "--set", "train.epochs=100000", "--stop-after", "1s")
    assert stopped.exit_code == 130
    assert load_checkpoint("runs/tiny/checkpoints/last.pt").progress.step > 0


def test_check_touches_no_data(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "--check", "--set", "dataset.root=nowhere")
    assert done.exit_code == 0
    assert "is good" in done.output
    assert "But: The data set's folder nowhere is not there." in done.output
    assert not (tmp_path / "runs").exists()


def test_the_resolved_recipe_of_a_run_runs_again(itrans, recipe):
    itrans("run", recipe)
    assert itrans("run", "runs/tiny/recipe.toml", "-o", "again").exit_code == 0
    one, two = (load_checkpoint(folder + "/checkpoints/last.pt") for folder in ("runs/tiny", "again"))
    assert one.recipe == two.recipe
    assert all(
        (one.networks["generator"][key] == two.networks["generator"][key]).all() for key in one.networks["generator"]
    )


SAMPLE = """
[sample]
dataset = { name = "aligned", root = "{root}" }
generator = { filters = 2 }
train = { steps = 2 }
"""


@pytest.fixture
def without_data(recipe, aligned):
    """The recipe, its data set not there but with a sample."""
    text = recipe.read_text().replace(aligned.as_posix(), "datasets/edges2shoes")
    recipe.write_text(text + SAMPLE.replace("{root}", aligned.as_posix()))
    return recipe


def test_a_sample_run_says_so_wherever_its_results_are_shown(itrans, without_data, tmp_path):
    done = itrans("run", without_data)
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("SAMPLE DATA: datasets/edges2shoes is not there")
    assert "itrans data fetch edges2shoes" in done.stderr
    folder = tmp_path / "runs/tiny-sample"
    assert "SAMPLE DATA" in (folder / "SAMPLE.txt").read_text()
    assert "SAMPLE DATA" in (folder / "recipe.toml").read_text()
    assert all(json.loads(line)["sample"] for line in (folder / "log.jsonl").read_text().splitlines())
    checkpoint = load_checkpoint(folder / "checkpoints/best.pt")
    assert checkpoint.sample.startswith("SAMPLE DATA")
    assert checkpoint.recipe["generator"]["filters"] == 2
    translated = itrans("translate", folder / "checkpoints/best.pt", folder / "samples", "-o", "out")
    assert translated.exit_code == 0
    assert "trained on sample data" in translated.stderr


def test_no_sample_refuses_and_names_the_command(itrans, without_data):
    done = itrans("run", without_data, "--no-sample")
    assert done.exit_code == 2
    assert "datasets/edges2shoes is not there" in done.stderr
    assert "itrans data fetch edges2shoes" in done.stderr


def test_sample_is_used_where_the_data_are_there_too_if_it_is_asked_for(itrans, recipe, aligned, tmp_path):
    recipe.write_text(recipe.read_text() + SAMPLE.replace("{root}", aligned.as_posix()))
    done = itrans("run", recipe, "--sample")
    assert done.exit_code == 0, done.output
    note = (tmp_path / "runs/tiny-sample/SAMPLE.txt").read_text()
    assert note.startswith("SAMPLE DATA: as --sample asks, this run uses the recipe's [sample], the data set")
    assert load_checkpoint("runs/tiny-sample/checkpoints/last.pt").recipe["generator"]["filters"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample"], "tiny.toml  sample\n  This recipe has no [sample]"),
        (["--set", "dataset.root=nowhere"], "dataset.root\n  The data set's folder nowhere is not there"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--resume"], "nothing to resume"),
        (["--set", "train.epochs=0"], "train.epochs"),
        (["--stop-after", "soon"], "neither a number of steps"),
        (["--code", "missing.py"], "missing.py"),
        (["-o", "tiny.toml"], "is a file"),
        (["-o", "tiny.toml/below"], "cannot be written"),
        (["--set", "train.precision=fp16", "--device", "cpu"], "fp16"),
        (["--set", "generator.dropout=2"], "dropout"),
        (["--set", "discriminator.layers=2"], "discriminator"),
    ],
)
def test_bad_input_gets_a_message_and_exit_code_2(itrans, recipe, arguments, said):
    done = itrans("run", recipe, *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not Path("runs/tiny/checkpoints").exists()


def test_debug_shows_the_traceback(itrans, recipe):
    done = itrans("--debug", "run", recipe, "--resume")
    assert type(done.exception).__name__ == "CheckpointError"


def test_a_file_of_ones_own_parts_trains_and_translates(itrans, recipe, tmp_path, aligned):
    (tmp_path / "my_parts.py").write_text(
        "from torch import nn\n"
        "from itrans.api import GENERATORS\n"
        "@GENERATORS.register('mine', replace=True)\n"
        "class Mine(nn.Module):\n"
        "    def __init__(self, *, in_channels: int, out_channels: int, width: int = 4):\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)\n"
        "    def forward(self, source):\n"
        "        return self.conv(source).tanh()\n"
    )
    recipe.write_text(recipe.read_text().replace('"unet"\ndepth = 3\nfilters = 4', '"mine"'))
    done = itrans("run", recipe, "--code", "my_parts.py", "--set", "train.steps=2")
    assert done.exit_code == 0, done.output
    done = itrans("translate", "runs/tiny/checkpoints/last.pt", aligned / "val", "-o", "out", "--code", "my_parts.py")
    assert done.exit_code == 0, done.output

    from itrans.api import GENERATORS

    GENERATORS.unregister("mine")
    done = itrans("translate", "runs/tiny/checkpoints/last.pt", aligned / "val", "-o", "out")
    assert done.exit_code == 2
    assert "--code FILE" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of other systems")
@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
@pytest.mark.parametrize("workers", [0, 2])
def test_signals_save_and_exit_130(recipe, tmp_path, number, name, workers):
    command = [sys.executable, "-m", "itrans", "run", str(recipe), "-o", "out"]
    command += ["--set", "train.epochs=100000", "--set", f"train.workers={workers}"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while "step 3/" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, number)  # to the workers too, as a terminal does
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert f"Stopped by {name}" in output
    assert "Traceback" not in errors
    assert load_checkpoint(tmp_path / "out/checkpoints/last.pt").progress.step >= 3


def test_a_run_needs_a_folder_of_its_own(itrans, recipe):
    done = itrans("run", recipe, "-o", "")
    assert done.exit_code == 2
    assert "-o runs/mine" in done.stderr


PARTS = """
import torch
from torch import nn
from itrans.api import GENERATORS, LOSSES

@GENERATORS.register("halving", replace=True)
class Halving(nn.Conv2d):
    def __init__(self, *, in_channels: int, out_channels: int):
        super().__init__(in_channels, out_channels, 2, stride=2)

@LOSSES.register("map", replace=True)
class Map:
    role = "image"
    def __call__(self, translated):
        return translated.output - translated.target
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"unet"\ndepth = 3\nfilters = 4', '"halving"'), "The generator Halving makes (2, 3, 8, 8)"),
        (('name = "l1"', 'name = "map"'), 'The loss "map" should give a tensor of no dimensions'),
    ],
)
def test_a_part_that_breaks_its_contract_is_named(itrans, recipe, tmp_path, change, said):
    from itrans.api import GENERATORS, LOSSES

    (tmp_path / "parts.py").write_text(PARTS)
    recipe.write_text(recipe.read_text().replace(*change))
    done = itrans("run", recipe, "--code", "parts.py")
    GENERATORS.unregister("halving")
    LOSSES.unregister("map")
    assert done.exit_code == 2
    assert said in done.stderr


def test_without_a_recipe_those_that_are_here_are_listed(itrans, recipe, tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/mine.toml").touch()
    (tmp_path / "pyproject.toml").touch()
    done = itrans("run")
    assert done.exit_code == 2
    assert "recipes/mine.toml\n" in done.stderr
    assert "tiny.toml\n" in done.stderr
    assert "pyproject" not in done.stderr


def test_a_table_can_be_left_out_on_the_command_line(itrans, recipe):
    loss = 'loss=[{name="l1"}]'
    assert "patchgan" in itrans("run", recipe, "--check").output
    for options in (["--without", "discriminator,seed"], ["--without", "discriminator", "--without", "seed"]):
        done = itrans("run", recipe, "--check", *options, "--set", loss)
        assert done.exit_code == 0, done.output
        assert "patchgan" not in done.output
    done = itrans("run", recipe, "--check", "--without", "discriminater")
    assert done.exit_code == 2
    assert 'Did you mean "discriminator"?' in done.stderr
    done = itrans("run", recipe, "--check", "--without", "generator")
    assert done.exit_code == 2
    assert "--without generator  generator" in done.stderr
    assert "discriminator" not in itrans("inspect", recipe, "--without", "discriminator", "--set", loss).output


def test_an_empty_root_is_not_the_current_folder(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "-o", "out", "--set", "dataset.root=")
    assert done.exit_code == 2
    assert "--set dataset.root=  dataset.root" in done.stderr
    assert not (tmp_path / "out").exists()


def test_data_in_the_home_folder_are_found_by_every_command(itrans, recipe, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    root = "dataset.root=~/aligned"
    done = itrans("run", recipe, "-o", "out", "--set", root, "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    for command in (["evaluate", "out/checkpoints/best.pt"], ["inspect", recipe, "--set", root]):
        done = itrans(*command)
        assert done.exit_code == 0, done.output
        assert "not there" not in done.output
    assert itrans("data", "check", recipe, "--set", root).exit_code == 0
