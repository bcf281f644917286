"""`itrans sweep`: several runs, one table."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def recipes(recipe, tmp_path):
    """The tiny recipe, and one that extends it without a discriminator."""
    (tmp_path / "l1.toml").write_text(
        f'extends = "{recipe.name}"\nwithout = ["discriminator"]\n[[loss]]\nname = "l1"\nweight = 100.0\n'
    )
    return [recipe.name, "l1.toml"]


def results(folder):
    return {row["folder"]: row for row in json.loads((folder / "results.json").read_text())["members"]}


def test_every_recipe_with_every_seed_and_their_means(itrans, tmp_path, recipes):
    done = itrans("sweep", *recipes, "-o", "out", "--seeds", "3,4", "--set", "train.epochs=1")
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert set(found) == {"out/tiny-seed3", "out/tiny-seed4", "out/l1-seed3", "out/l1-seed4"}
    for folder, row in found.items():
        assert row["state"] == "finished"
        logged = [json.loads(line) for line in (tmp_path / folder / "log.jsonl").read_text().splitlines()]
        assert row["metrics"] == next(event["metrics"] for event in logged if event["event"] == "validation")
    lines = (tmp_path / "out" / "results.md").read_text().splitlines()
    assert len(lines) == 2 + 4 + 2
    first, second = (found[f"out/l1-seed{seed}"]["metrics"]["l1"] for seed in (3, 4))
    mean = next(line for line in lines if line.startswith("| l1 | mean of 2"))
    assert f"{(first + second) / 2:.4f} ± {abs(first - second) / 2**0.5:.4f}" in mean


def test_what_is_finished_is_left_alone_and_what_was_interrupted_goes_on(itrans, tmp_path, recipes):
    tiny, other = recipes
    assert itrans("run", tiny, "-o", "out/tiny", "--stop-after", "3").exit_code == 130
    assert itrans("run", other, "-o", "out/l1").exit_code == 0
    before = (tmp_path / "out/l1/checkpoints/last.pt").stat().st_mtime_ns
    done = itrans("sweep", *recipes, "-o", "out")
    assert done.exit_code == 0, done.output
    assert "finished already" in done.output
    assert (tmp_path / "out/l1/checkpoints/last.pt").stat().st_mtime_ns == before
    found = results(tmp_path / "out")
    assert {row["state"] for row in found.values()} == {"finished"}
    assert "8 steps, 3 of them done" in done.output


def test_a_finished_run_of_another_recipe_is_told_and_the_others_go_on(itrans, tmp_path, recipes):
    assert itrans("run", recipes[0], "-o", "out/tiny", "--set", "train.steps=1").exit_code == 0
    done = itrans("sweep", *recipes, "-o", "out")
    assert done.exit_code == 2
    assert "out/tiny holds a finished run of another recipe: train differ" in done.output
    found = results(tmp_path / "out")
    assert (found["out/tiny"]["state"], found["out/l1"]["state"]) == ("failed", "finished")
    assert "out/tiny" in (tmp_path / "out" / "results.md").read_text()


def test_a_run_that_fails_does_not_stop_the_others(itrans, tmp_path, recipes):
    text = (tmp_path / recipes[0]).read_text()
    (tmp_path / "gone.toml").write_text(text.replace('root = "', 'root = "gone/'))
    done = itrans("sweep", "gone.toml", recipes[1], "-o", "out")
    assert done.exit_code == 2
    assert "is not there" in done.output
    assert "1 of 2 runs failed: out/gone" in done.output
    assert {row["state"] for row in results(tmp_path / "out").values()} == {"failed", "finished"}


def test_all_recipes_are_checked_before_the_first_is_run(itrans, tmp_path, recipes):
    (tmp_path / "bad.toml").write_text(f'extends = "{recipes[0]}"\n[generator]\nfilter = 3\n')
    done = itrans("sweep", *recipes, "bad.toml", "-o", "out")
    assert done.exit_code == 2
    assert "bad.toml:3  generator.filter" in done.output
    assert not (tmp_path / "out").exists()


def test_names_and_seeds_must_be_clear(itrans, tmp_path, recipes):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "tiny.toml").write_text("")
    done = itrans("sweep", recipes[0], "inner/tiny.toml", "-o", "out")
    assert done.exit_code == 2
    assert "have the same name" in done.output
    done = itrans("sweep", *recipes, "-o", "out", "--seeds", "1,b")
    assert done.exit_code == 2
    assert "no list of seeds" in done.output
