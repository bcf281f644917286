"""A package that is really somebody else's: written by the command, built as a wheel, installed, used, and removed.

itrans itself is installed from its wheel too, in front of the checkout, so that what the wheel lacks is missed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
KINDS = ("generator", "dataset", "method")
"""Some of them; guests/scaffold/test_new_plugin.py has all."""

TINY = ("dataset.count=10", "dataset.size=16", "augment.size=16", "generator.filters=4", "generator.blocks=1")
BRIEF = ("train.steps=2", "train.batch_size=2", "train.precision=fp32", "validation.pairs=1")


def wheel_of(project: Path, folder: Path) -> Path:
    """Build a project's wheel by its backend, as pip would, without an environment of its own."""
    program = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


def install(wheel: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    done = subprocess.run([*command, "--target", str(folder), str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The wheel of itrans."""
    return wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def place(built, tmp_path_factory) -> Path:
    """A folder with the package in `itrans-sketch`; it is installed in `plugin`, and itrans in `core`."""
    folder = tmp_path_factory.mktemp("third-party")
    install(built, folder / "core")
    done = call(folder, "new-plugin", "itrans-sketch", *(word for kind in KINDS for word in ("--kind", kind)))
    assert done.returncode == 0, done.stderr
    (folder / "wheels").mkdir()
    install(wheel_of(folder / "itrans-sketch", folder / "wheels"), folder / "plugin")
    return folder


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(folder / "core"), str(folder / "plugin")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ITRANS_")}
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own, from the folder."""
    command = [sys.executable, "-m", "itrans", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, timeout=120
    )


def listed(folder: Path) -> list[dict[str, str]]:
    done = call(folder, "list-plugins", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_wheel_holds_every_file_of_its_packages(built):
    held = {name for name in zipfile.ZipFile(built).namelist() if ".dist-info/" not in name}
    folders = [ROOT / "itrans", *(ROOT / "plugins").iterdir()]
    there = {
        path.relative_to(folder.parent).as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there |= {f"itrans_init/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "recipes").rglob("*.toml")}
    assert held == there
    assert {"itrans_scaffold/templates/LICENSE", "itrans_scaffold/templates/losses.py", "itrans/py.typed"} <= held


def test_the_package_is_listed_trains_translates_and_is_missed_when_gone(place):
    done = subprocess.run(
        [sys.executable, "-c", "import itrans; print(itrans.__file__)"],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(place / "core")

    own = [row for row in listed(place) if row["distribution"] == "itrans-sketch"]
    assert [(row["kind"], row["name"], row["version"]) for row in own] == [(kind, "sketch", "0.1.0") for kind in KINDS]
    done = call(place, "list-plugins", "method", "--check", "--json")  # all kinds: guests/scaffold/test_new_plugin.py
    assert [row["status"] for row in json.loads(done.stdout) if row["name"] == "sketch"] == ["ok"]

    overrides = [word for key in (*TINY, *BRIEF) for word in ("--set", key)]
    done = call(place, "run", "itrans-sketch/recipe.toml", *overrides, "-o", "run")
    assert done.returncode == 0, done.stderr
    (place / "pictures").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (13, 18, 3), dtype=np.uint8)
    assert cv2.imwrite(str(place / "pictures" / "cat.png"), picture)
    translate = ("translate", "run/checkpoints/best.pt", "pictures", "-o", "out")
    done = call(place, *translate)
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(place / "out" / "cat.png")).shape == picture.shape

    (place / "plugin").rename(place / "gone")
    try:
        assert "itrans-sketch" not in {row["distribution"] for row in listed(place)}
        done = call(place, *translate)
    finally:
        (place / "gone").rename(place / "plugin")
    assert done.returncode == 2
    assert "itrans-sketch 0.1.0. Install those" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_own_tests_pass(place, tmp_path):
    project = shutil.copytree(place / "itrans-sketch", tmp_path / "itrans-sketch")
    shutil.rmtree(project / "itrans_sketch")  # what is tested is what is installed
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=project,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(KINDS) + 1} passed" in done.stdout


def a_package_with(folder: Path, name: str, command: str) -> Path:
    """Write the project of a package that brings one command, `name`, and return it."""
    project = folder / f"itrans-{name}"
    (project / f"itrans_{name}").mkdir(parents=True)
    (project / f"itrans_{name}" / "command.py").write_text(command)
    (project / f"itrans_{name}" / "__init__.py").write_text("")
    (project / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        f'[project]\nname = "itrans-{name}"\nversion = "1.2"\n'
        f'[project.entry-points."itrans.commands"]\n{name} = "itrans_{name}.command:{name}"\n'
    )
    return project


def test_a_command_of_another_package_is_found_and_runs_and_a_broken_one_hurts_no_other(place, tmp_path):
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    example = page.partition("# itrans_hello/command.py\n")[2].partition("```")[0]
    for name, command in (("hello", example), ("broken", "import a_library_that_is_not_here\n")):
        install(wheel_of(a_package_with(tmp_path, name, command), tmp_path), place / "plugin")
    done = call(place, "--help")
    assert done.returncode == 0, done.stderr
    assert "Show what a CHECKPOINT was trained on. (itrans-hello 1.2)" in " ".join(done.stdout.split())
    assert "(itrans-broken 1.2)" in done.stdout
    overrides = [word for key in (*TINY, *BRIEF) for word in ("--set", key)]
    done = call(place, "run", "itrans-sketch/recipe.toml", *overrides, "-o", "said")
    assert done.returncode == 0, done.stderr
    done = call(place, "hello", "said")
    assert done.returncode == 0, done.stderr
    assert ["generator", "sketch", "itrans-sketch"] in [line.split() for line in done.stdout.splitlines()]
    done = call(place, "hello", "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nowhere does not exist" in done.stderr
    done = call(place, "broken")
    assert done.returncode == 2
    assert 'The command "broken" (itrans-broken 1.2) cannot be imported' in done.stderr
    assert "a_library_that_is_not_here" in done.stderr
    assert call(place, "list-plugins").returncode == 0
    assert call(place, "evaluate", "--help").returncode == 0
