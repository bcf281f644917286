"""What several tests need: small data sets, small recipes, the command line, and third-party packages."""

from __future__ import annotations

import gc
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would only wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from itrans import plugins
from itrans.testing import check_plugins

RECIPE = """\
title = "tiny"
seed = 3

[dataset]
name = "aligned"
root = "{root}"

[generator]
name = "unet"
depth = 3
filters = 4

[discriminator]
name = "patchgan"
patch = 16
filters = 4

[[loss]]
name = "cgan"

[[loss]]
name = "l1"
weight = 100.0

[train]
batch_size = 2
epochs = 2
precision = "fp32"

[log]
every = 1
pictures = 2
"""


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: the libraries and the tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def aligned(tmp_path: Path) -> Path:
    """A data set of A|B pictures, 16x16 each: 8 for training, 3 to validate; B is A with its colours inverted."""
    root = tmp_path / "aligned"
    generator = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 3)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            coarse = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            source = cv2.resize(coarse, (16, 16), interpolation=cv2.INTER_LINEAR)
            cv2.imwrite(str(root / split / f"{index:02d}.png"), np.hstack([source, 255 - source]))
    return root


@pytest.fixture
def recipe(tmp_path: Path, aligned: Path) -> Path:
    """A recipe that trains on `aligned` within a second or two."""
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE.format(root=aligned.as_posix()), encoding="utf-8")
    return path


@pytest.fixture
def itrans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Call the command line in this process, from a folder of the test's own."""
    from itrans.cli import cli

    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="itrans")

    return call


@pytest.fixture
def without_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what each check imports in a new process: it takes longer than the rest of the check.

    `testing/test_check_imports.py` imports all that itrans brings in one.
    """
    monkeypatch.setattr("itrans.testing.imports.import_faults", lambda component: [])


@pytest.fixture
def checked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `list-plugins --check` import in this process, which has torch: a new one takes seconds for that.

    Only what others bring is looked at; cli/test_list_plugins.py checks all that itrans brings.
    """

    def statuses(origins: Sequence[plugins.Origin], seconds: float) -> dict[plugins.Origin, str]:
        others = [origin for origin in origins if origin.distribution != plugins.OURS]
        return dict.fromkeys(origins, check_plugins.OK) | {origin: check_plugins.status(origin) for origin in others}

    monkeypatch.setattr(check_plugins, "statuses", statuses)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a third-party package, as pip would leave it, for one test."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules = set(sys.modules)

    def make(distribution: str, version: str, entry_points: str, **sources: str) -> Path:
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))
        for module, source in sources.items():
            (site / f"{module}.py").write_text(textwrap.dedent(source))
        plugins.forget()
        return site

    yield make
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], "__file__", None) and str(site) in str(sys.modules[name].__file__):
            del sys.modules[name]
    plugins.forget()
