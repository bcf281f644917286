"""`itrans sweep` into a folder that runs are in already."""

from __future__ import annotations

import pytest
from guests.sweep.swept import results


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


def test_how_long_a_run_took_is_known_of_what_a_sweep_has_run(itrans, tmp_path, recipes):
    assert itrans("run", recipes[0], "-o", "out/tiny").exit_code == 0
    assert itrans("sweep", *recipes, "-o", "out").exit_code == 0
    once = results(tmp_path / "out")
    assert once["out/tiny"]["seconds"] is None
    assert once["out/l1"]["seconds"] > 0
    again = itrans("sweep", *recipes, "-o", "out")
    assert again.exit_code == 0
    assert results(tmp_path / "out") == once
    assert again.stdout.count("recipe  seed") == 1  # nothing has changed meanwhile


@pytest.mark.parametrize("key", ["log.every=2", "train.workers=0", "checkpoint.minutes=5"])
def test_what_no_result_depends_on_may_change(itrans, recipes, key):
    assert itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=2").exit_code == 0
    done = itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=2", "--set", key)
    assert done.exit_code == 0, done.output
    assert "finished already" in done.output


WHOLE = '{"members": [{"name": "l1", "recipe": "l1.toml", "seed": null, "folder": "out/l1"%s}]}'
FOREIGN = [
    "",
    "[]",
    "5",
    "[" * 50_000,
    '{"members": {}}',
    '{"members": [5]}',
    '{"members": [{"folder": "out/l1"}]}',
    WHOLE % ', "metrics": {"l1": "low"}',
    WHOLE % ', "metrics": []',
    WHOLE % ', "state": "green"',
    WHOLE % ', "seconds": "long"',
    WHOLE % ', "fault": null',
    WHOLE % ', "colour": 1',
]


@pytest.mark.parametrize("text", FOREIGN)
def test_results_of_something_else_are_not_written_over(itrans, tmp_path, recipes, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/results.json").write_text(text)
    done = itrans("sweep", recipes[1], "-o", "out")
    assert done.exit_code == 2
    assert "was not written by a sweep" in done.stderr
    assert (tmp_path / "out/results.json").read_text() == text


def table(folder):
    return (folder / "results.md").read_text().splitlines()


def test_runs_of_other_recipes_are_told_before_anything_is_run_and_nothing_is_lost(itrans, tmp_path, recipes):
    assert itrans("sweep", recipes[0], "-o", "out", "--seeds", "0,1", "--set", "train.steps=1").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    done = itrans("sweep", *recipes, "-o", "out", "--seeds", "0,1", "--set", "train.steps=2")
    assert done.exit_code == 2
    assert "out/tiny-seed0 and 1 more: train.steps: 1 then, 2 now\nNothing was run." in done.stderr
    assert "Repeat every earlier option" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_an_interrupted_run_of_another_recipe_is_told_before_anything_is_run(itrans, tmp_path, recipes):
    assert itrans("run", recipes[0], "-o", "out/tiny", "--stop-after", 3).exit_code == 130
    done = itrans("sweep", *recipes, "-o", "out", "--set", "train.batch_size=4")
    assert done.exit_code == 2
    assert "out/tiny: train.batch_size: 2 then, 4 now" in done.stderr
    assert not (tmp_path / "out/l1").exists()


def test_a_finished_run_whose_recipe_cannot_be_read_is_told(itrans, tmp_path, recipes):
    assert itrans("run", recipes[0], "-o", "out/tiny", "--set", "train.steps=1").exit_code == 0
    (tmp_path / "out/tiny/recipe.toml").write_text("[")
    done = itrans("sweep", recipes[0], "-o", "out", "--set", "train.steps=1")
    assert done.exit_code == 2
    assert "out/tiny/recipe.toml, which tells what this run is, cannot be read" in done.stderr


def test_an_argument_that_a_component_has_got_since_counts_as_its_default(itrans, tmp_path, recipes):
    assert itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=1").exit_code == 0
    path = tmp_path / "out/l1/recipe.toml"
    written = path.read_text()
    older = "".join(line for line in written.splitlines(keepends=True) if not line.startswith("skips_first"))
    assert older != written
    path.write_text(older)
    done = itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    assert "finished already" in done.output
    done = itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=1", "--set", "generator.skips_first=false")
    assert done.exit_code == 2
    assert "generator.skips_first: true then, false now" in done.stderr


def test_runs_that_are_not_asked_for_this_time_stay_in_the_table(itrans, tmp_path, recipes):
    assert itrans("sweep", *recipes, "-o", "out", "--set", "train.steps=1", "--seeds", "0,1").exit_code == 0
    whole = results(tmp_path / "out"), sorted(table(tmp_path / "out"))
    assert itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=1", "--seeds", "1").exit_code == 0
    assert (results(tmp_path / "out"), sorted(table(tmp_path / "out"))) == whole


def test_a_seed_that_was_run_with_another_recipe_is_not_averaged_with_these(itrans, tmp_path, recipes):
    assert itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=1", "--seeds", "0").exit_code == 0
    done = itrans("sweep", recipes[1], "-o", "out", "--set", "train.steps=2", "--seeds", "1")
    assert done.exit_code == 2
    assert "out/l1-seed0: train.steps: 1 then, 2 now" in done.stderr
    assert not (tmp_path / "out/l1-seed1").exists()
