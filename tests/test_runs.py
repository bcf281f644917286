"""Training from Python: `itrans.api.train`."""

from __future__ import annotations

import tomllib

import cv2
import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from itrans.api import (
    LOSSES,
    CheckpointError,
    ItransError,
    OutputError,
    PluginError,
    RecipeError,
    apply_generator,
    kind_of,
    load,
    train,
    training_pair,
)
from itrans.commands import load_recipe

QUICK = {"train.epochs": None, "train.steps": 3}


@pytest.fixture
def tables(recipe, monkeypatch, tmp_path):
    """The tables of a small recipe; the current folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    return tomllib.loads(recipe.read_text(encoding="utf-8"))


def test_a_file_and_its_tables_train_alike(tables, recipe):
    of_file = train(recipe, set={"train.steps": 3}, output="file", progress=False)
    of_tables = train(tables, set={"train.steps": 3}, output="tables", progress=False)
    assert of_file.outcome == of_tables.outcome == "finished"
    assert of_file.metrics == of_tables.metrics
    assert set(of_file.metrics) >= {"l1", "psnr", "ssim"}
    assert of_file.checkpoint == of_file.folder / "checkpoints" / "best.pt"
    assert [entry["step"] for entry in of_file.log if entry["event"] == "step"] == [1, 2, 3]


def test_values_are_those_of_python(tables, aligned):
    tables["dataset"]["root"] = aligned  # a path
    values = {"train.steps": 1, "augment": {"resize": (18, 18), "crop": 16, "size": None}, "loss.l1.weight": 7.0}
    run = train(tables, set=values, output="run", progress=False)
    resolved = tomllib.loads((run.folder / "recipe.toml").read_text(encoding="utf-8"))
    assert resolved["augment"]["resize"] == [18, 18]
    assert resolved["loss"][1]["weight"] == 7.0


def test_the_folder_has_the_files_name(tables, recipe):
    assert train(recipe, set={"train.steps": 1}, progress=False).folder.as_posix() == "runs/tiny"
    with pytest.raises(OutputError, match="output="):
        train(tables, progress=False)


def test_on_step_hears_each_step_and_may_end_the_run(tables):
    heard = []

    def on_step(step, losses):
        heard.append((step, set(losses)))
        return step < 2

    run = train(tables, output="run", on_step=on_step, progress=False)
    assert run.outcome == "interrupted"
    assert heard == [(step, {"discriminator.cgan", "generator.cgan", "generator.l1"}) for step in (1, 2)]
    assert train(tables, output="run", resume=True, progress=False).outcome == "finished"


def test_what_on_step_raises_is_said_to_be_its(tables):
    with pytest.raises(PluginError, match="on_step has failed") as raised:
        train(tables, output="run", on_step=lambda step, losses: losses["nothing"], progress=False)
    assert isinstance(raised.value.__cause__, KeyError)


def test_progress_is_shown_or_not(tables, capfd):
    train(tables, set={"train.steps": 1}, output="quiet", progress=False)
    assert capfd.readouterr() == ("", "")
    train(tables, set={"train.steps": 1}, output="shown")
    assert "step 1/1" in capfd.readouterr().out


def test_a_run_begins_with_weights(tables, capfd):
    first = train(tables, set={"train.steps": 1}, output="first", progress=False)
    train(tables, set={"train.steps": 1}, output="second", weights=first.folder)
    assert "Begins with first/checkpoints/best.pt" in capfd.readouterr().out
    with pytest.raises(CheckpointError, match=r"nowhere\.pt"):
        train(tables, output="third", weights="nowhere.pt", progress=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"train.stepss": 3}, "stepss"),
        ({"train..steps": 3}, "dotted key"),
        ({"": 3}, "dotted key"),
        ({"train.steps": "many"}, "train.steps"),
        ({"train.steps": 2**70}, "too large"),
        ({"train.steps": object()}, "train.steps"),
        ({"nothing": 1}, "nothing"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(tables, changes, named):
    with pytest.raises(RecipeError, match=named):
        train(tables, set=changes, output="run", progress=False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"set": ["train.steps=1"]}, "set is list"),
        ({"output": ""}, "output"),
        ({"output": 5}, "output is int"),
        ({"weights": 5}, "weights is int"),
        ({"on_step": 3}, "on_step is int"),
        ({"resume": True, "weights": "run"}, "resume"),
    ],
)
def test_wrong_types_are_told_by_their_names(tables, arguments, named):
    with pytest.raises(ItransError, match=named):
        train(tables, **{"output": "run", "progress": False, **arguments})
    with pytest.raises(ItransError, match="recipe is NoneType"):
        train(None, output="run")


def test_numbers_of_numpy_and_a_single_name_will_do(tables):
    steps = {"train.steps": np.int64(1), "loss.l1.weight": np.float32(3)}
    without = "discriminator"
    tables["loss"] = tables["loss"][1:]
    assert train(tables, set=steps, without=without, output="run", progress=False).outcome == "finished"


def test_a_network_can_be_called_and_trained_by_itself(tables):
    translator = train(tables, set={"train.steps": 1}, output="run", progress=False).translator
    assert list(translator.generators) == ["generator"]
    network = translator.generator
    planes = torch.zeros(2, 3, 20, 24)
    assert apply_generator(network, planes).shape == (2, 3, 20, 24)
    picture = np.full((16, 16, 3), 90, np.uint8)
    before = translator.translate(picture)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    network(torch.ones(1, 3, 16, 16)).mean().backward()
    optimizer.step()
    assert not np.array_equal(translator.translate(picture), before)


@pytest.mark.slow
def test_a_notebook_shows_the_bar_and_the_pictures(tables, recipe, tmp_path):
    code = 'from itrans.api import train\ntrain("tiny.toml", set={"train.steps": 2}).metrics'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.get("data", {}) for output in notebook.cells[0].outputs]
    pictures = [data for data in shown if "image/png" in data]
    assert len(pictures) == 1  # the latest takes the place of the one before
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)
    assert "'l1'" in shown[-1]["text/plain"]
    assert load(tmp_path / "runs" / "tiny").translate(cv2.imread(str(next(tmp_path.glob("aligned/val/*"))))) is not None


def test_a_training_pair_is_what_a_run_trains_on(tables, monkeypatch):
    seen: list[bytes] = []

    class Recording:
        role = "image"

        def __call__(self, translated):
            seen.extend(source.contiguous().numpy().tobytes() for source in translated.source)
            return (translated.output - translated.target).abs().mean()

    monkeypatch.setattr(LOSSES, "_local", {"recording": Recording})
    tables |= {"augment": {"resize": 20, "crop": 16, "mirror": True}, "loss": [{"name": "recording"}]}
    tables.pop("discriminator")
    train(tables, set={"train.epochs": 2, "log.page": False, "log.pictures": 0}, output="run", progress=False)
    recipe = load_recipe(tables)
    dataset = recipe.build("dataset", split="train")
    expected = []
    for epoch in (0, 1):
        pairs = [training_pair(recipe, dataset, place, epoch) for place in range(len(dataset))]
        planes = [torch.from_numpy(pair.source.transpose(2, 0, 1).copy())[None] for pair in pairs]
        expected += [
            kind_of(dataset.source).planes(plane, dataset.source).contiguous().numpy().tobytes() for plane in planes
        ]
    assert len(set(expected)) == 16
    assert set(expected) <= set(seen)
