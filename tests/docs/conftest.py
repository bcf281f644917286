"""What the tests of the documentation share: a place to work in, and the package of the plugins page."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest
import tomli_w
import torch
from click.testing import CliRunner
from docs.base import BASE, add_pictures
from docs.pages import BLOCKS

from itrans.cli import cli


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    """Compute in one thread: networks as small as these only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with a data set, pictures, and the run `runs/mine`."""
    folder = tmp_path_factory.mktemp("docs")
    add_pictures(folder)
    (folder / "mine.toml").write_text(tomli_w.dumps(BASE), encoding="utf-8")
    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, ["run", "mine.toml"], prog_name="itrans")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def acme(install) -> dict[str, object]:
    """Install the package of docs/plugins.md; return the `[project]` of its pyproject.toml."""
    files = {b.name: b.text for b in BLOCKS if b.name.startswith("itrans-acme/")}
    assert set(files) == {"itrans-acme/pyproject.toml", "itrans-acme/itrans_acme.py"}
    project = tomllib.loads(files["itrans-acme/pyproject.toml"])["project"]
    entry_points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )
    install(project["name"], project["version"], entry_points, itrans_acme=files["itrans-acme/itrans_acme.py"])
    return project
