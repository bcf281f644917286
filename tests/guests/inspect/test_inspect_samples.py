"""`itrans inspect` of a recipe whose data are not there: with its sample, or without."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def sampled(recipe, aligned):
    """The recipe without its data, and with a sample that has half as many filters."""
    text = recipe.read_text().replace(aligned.as_posix(), "gone")
    data = f'dataset = {{ name = "aligned", root = "{aligned.as_posix()}" }}'
    recipe.write_text(f"{text}\n[sample]\n{data}\ngenerator = {{ filters = 2 }}\n")
    return recipe


def parameters(done):
    return next(entry for entry in json.loads(done.stdout)["networks"] if entry["name"] == "generator")["parameters"]


def test_the_sample_is_shown_and_said_or_left_out(itrans, sampled):
    shown = itrans("inspect", sampled)
    assert "gone is not there: this is the recipe with its [sample]; leave that out with --no-sample." in shown.stderr
    without = itrans("inspect", sampled, "--no-sample")
    assert "3 channels in and out are assumed" in without.stderr
    assert parameters(itrans("inspect", sampled, "--json")) < parameters(
        itrans("inspect", sampled, "--no-sample", "--json")
    )


def test_a_checkpoint_has_no_sample_to_choose(itrans, recipe):
    assert itrans("run", recipe, "--set", "train.steps=1").exit_code == 0
    done = itrans("inspect", "runs/tiny/checkpoints/last.pt", "--no-sample")
    assert done.exit_code == 2
    assert "--no-sample goes with a recipe" in done.stderr
