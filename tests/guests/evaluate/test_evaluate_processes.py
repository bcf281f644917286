"""`torchrun -m itrans evaluate`: processes share the translations, and find what one finds, to the last bit."""

from __future__ import annotations

import json

import pytest
from training.ranks import call_in_two


@pytest.fixture
def run(itrans, recipe, tmp_path):
    """A run that is measured in batches of two of its three held-out pairs."""
    with recipe.open("a", encoding="utf-8") as file:
        file.write("\n[augment]\nsize = 16\n")
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=2", "--set", "generator.depth=4")
    assert done.exit_code == 0, done.output
    return tmp_path / "run"


def test_two_processes_find_the_numbers_of_one(itrans, run, tmp_path):
    alone = itrans("evaluate", run, "--split", "val", "--json", "--csv", "one.csv", "-o", "one")
    assert alone.exit_code == 0, alone.output
    command = ["evaluate", str(run), "--split", "val", "--json"]
    files = ["--csv", str(tmp_path / "two.csv"), "-o", str(tmp_path / "two")]
    codes, printed = call_in_two([*command, *files], tmp_path)
    assert codes == [0, 0], printed
    assert json.loads(printed[0].splitlines()[-1]) == json.loads(alone.stdout.splitlines()[-1])
    assert printed[1] == ""
    assert (tmp_path / "two.csv").read_text() == (tmp_path / "one.csv").read_text()
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "two" / path.name).read_bytes() == path.read_bytes()


def test_a_picture_that_cannot_be_read_ends_both_with_its_name(run, aligned, tmp_path):
    (aligned / "val" / "02.png").write_bytes(b"no picture")
    codes, printed = call_in_two(["evaluate", str(run), "--split", "val"], tmp_path)
    assert codes == [2, 2], printed
    assert "02.png" in printed[0]
    assert not any("Traceback" in text for text in printed)


def test_a_checkpoint_that_is_none_ends_both(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"nonsense")
    codes, printed = call_in_two(["evaluate", str(tmp_path / "weights.pt")], tmp_path)
    assert codes == [2, 2], printed
    assert "weights.pt" in printed[0]
