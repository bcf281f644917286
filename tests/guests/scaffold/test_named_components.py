"""`itrans new-plugin --kind KIND=NAME`: components with names of their own, of which nothing has to be renamed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib

import pytest

from itrans.plugins import GROUPS


@pytest.fixture
def written(itrans, tmp_path):
    """Write a package, and return its files by their paths."""

    def make(*kinds):
        done = itrans("new-plugin", "itrans-sketch", *(word for kind in kinds for word in ("--kind", kind)))
        assert done.exit_code == 0, done.output
        folder = tmp_path / "itrans-sketch"
        files = {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in folder.rglob("*")
            if path.is_file()
        }
        return files, done.stdout

    return make


def entry_points(files):
    return tomllib.loads(files["pyproject.toml"])["project"]["entry-points"]


def test_a_name_is_in_the_recipe_the_entry_point_the_class_and_the_readme(written):
    files, told = written("generator=line-art", "loss=huber")
    assert told.startswith('Wrote itrans-sketch: generator "line-art", loss "huber", in itrans-sketch/itrans_sketch.')
    assert entry_points(files) == {
        GROUPS["generator"]: {"line-art": "itrans_sketch.generators:LineArtGenerator"},
        GROUPS["loss"]: {"huber": "itrans_sketch.losses:HuberLoss"},
    }
    recipe = tomllib.loads(files["recipe.toml"])
    assert (recipe["generator"]["name"], recipe["loss"]) == ("line-art", [{"name": "huber"}])
    assert "class LineArtGenerator" in files["itrans_sketch/generators.py"]
    assert "class HuberLoss" in files["itrans_sketch/losses.py"]
    assert "check_loss(HuberLoss)" in files["tests/test_itrans_sketch.py"]
    assert "| loss | `huber` | `itrans_sketch.losses.HuberLoss` |" in files["README.md"]
    assert not any(
        "Rename" in text or "sketch" in text.lower().replace("itrans-sketch", "").replace("itrans_sketch", "")
        for name, text in files.items()
        if name != "LICENSE"
    )


def test_a_component_without_a_name_has_that_of_the_package_beside_one_with(written):
    files, told = written("loss=huber", "generator")
    assert told.startswith('Wrote itrans-sketch: loss "huber", generator "sketch", in ')
    assert entry_points(files)[GROUPS["generator"]] == {"sketch": "itrans_sketch.generators:SketchGenerator"}
    assert "2. Rename the components" in files["README.md"]


def test_several_of_a_kind_have_a_module_each(written):
    files, _ = written("loss=huber", "loss=soft-edges", "loss", "loss=huber", "metric=rms", "metric=peak")
    assert entry_points(files)[GROUPS["loss"]] == {
        "huber": "itrans_sketch.loss_huber:HuberLoss",
        "soft-edges": "itrans_sketch.loss_soft_edges:SoftEdgesLoss",
        "sketch": "itrans_sketch.loss_sketch:SketchLoss",
    }
    recipe = tomllib.loads(files["recipe.toml"])
    assert [loss["name"] for loss in recipe["loss"]] == ["huber", "soft-edges", "sketch"]
    assert (recipe["validation"]["metric"], recipe["validation"]["metrics"]) == ("rms", ["peak"])
    assert tomllib.loads(files["pyproject.toml"])["project"]["description"] == "Three losses and two metrics for itrans"
    assert files["tests/test_itrans_sketch.py"].count("def test_loss_") == 3


KINDS = [f"{kind}={kind[:3]}_one" for kind in GROUPS] + ["loss=two", "generator=two", "tracker=two"]


@pytest.mark.usefixtures("checked_here")
def test_what_is_written_is_tidy_good_and_without_fault(written, itrans, install, tmp_path):
    files, _ = written(*KINDS)
    folder = tmp_path / "itrans-sketch"
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    groups = "".join(
        f"[{group}]\n" + "".join(f"{key} = {target}\n" for key, target in entries.items())
        for group, entries in entry_points(files).items()
    )
    shutil.copytree(folder / "itrans_sketch", install("itrans-sketch", "0.1.0", groups) / "itrans_sketch")
    assert itrans("run", folder / "recipe.toml", "--check").exit_code == 0
    listed = json.loads(itrans("list-plugins", "--check", "--json").stdout)
    own = {(row["kind"], row["name"]): row["status"] for row in listed if row["distribution"] == "itrans-sketch"}
    assert own == {tuple(kind.split("=")): "ok" for kind in KINDS}


def test_a_class_cannot_begin_with_a_digit(written):
    files, _ = written("loss=3d")
    assert entry_points(files)[GROUPS["loss"]] == {"3d": "itrans_sketch.losses:Sketch3dLoss"}


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (["loss="], '"" cannot name a component'),
        (["loss=a.b"], '"a.b" cannot name a component'),
        (["loss=-a"], '"-a" cannot name a component'),
        (["loss=a b"], '"a b" cannot name a component'),
        (["loss=" + "a" * 40], "at most 39"),
        (["loss=l1"], 'There is a loss "l1" already, from itrans'),
        (["loss=a-b", "loss=a_b"], 'The names "a-b" and "a_b" would give the same class, ABLoss.'),
        (["network=unet"], "'network' is not one of"),
    ],
)
def test_names_that_cannot_be_had(itrans, tmp_path, kinds, reason):
    done = itrans("new-plugin", "itrans-sketch", *(word for kind in kinds for word in ("--kind", kind)))
    assert done.exit_code == 2
    assert reason in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_taken_name_of_the_package_has_a_way_out(itrans):
    done = itrans("new-plugin", "itrans-unet", "--kind", "generator")
    assert done.exit_code == 2
    assert "--kind generator=NAME" in done.stderr
