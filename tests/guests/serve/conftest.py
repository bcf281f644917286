"""Small checkpoints, trained once, and a server of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from browser import browser  # noqa: F401
from click.testing import CliRunner
from guests.serve.serving import running

from itrans.cli import cli
from itrans_serve.desk import Desk
from itrans_serve.served import Served, load_all

TINY = """
[generator]
name = "unet"
depth = 5
filters = 4

[[loss]]
name = "l1"

[train]
steps = 1
precision = "fp32"

[validation]
every = 0

[log]
pictures = 0
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="session", autouse=True)
def single_thread():
    """Compute in one thread: networks as small as these only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(folder: Path, name: str, dataset: str) -> Path:
    """Return the folder of a run on a data set, given as the table's lines."""
    recipe = folder / f"{name}.toml"
    recipe.write_text(f'title = "tiny {name}"\n\n[dataset]\n{dataset}\n{TINY}', encoding="utf-8")
    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, ["run", str(recipe), "-o", str(folder / "runs" / name)])
    assert done.exit_code == 0, done.output
    return folder / "runs" / name


def add_pairs(root: Path, dtype: type = np.uint8) -> None:
    """Write A|B pictures of 16x16: 2 for training, 3 that are held out."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 2), ("val", 3)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            picture = generator.integers(0, np.iinfo(dtype).max, (16, 32, 3), dtype=dtype)
            assert cv2.imwrite(str(root / split / f"{index}.png"), picture)


@pytest.fixture(scope="session")
def colours(place) -> Path:
    """A run that translates RGB to RGB, and is random, as dropout stays on."""
    add_pairs(place / "pairs")
    return trained(place, "colours", f'name = "aligned"\nroot = "{(place / "pairs").as_posix()}"')


@pytest.fixture(scope="session")
def labels(place) -> Path:
    """A run that translates label maps of eight classes to RGB."""
    return trained(place, "labels", 'name = "facades_sample"\nsize = 32\ncount = 8')


@pytest.fixture(scope="session")
def served(colours, labels) -> dict[str, Served]:
    return load_all([str(colours), str(labels)], lambda _: None, precision="fp32", device="cpu")


@pytest.fixture(scope="session")
def address(served) -> Iterator[str]:
    """Where a server of both listens."""
    with Desk(served) as desk, running(desk) as found:
        yield found
