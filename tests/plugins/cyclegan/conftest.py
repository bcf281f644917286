"""Two folders of small pictures that are no pairs, and a recipe that trains CycleGAN on them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from single_thread import single_thread as single_thread

from itrans.api import write_image

COUNTS = {"trainA": 6, "trainB": 5, "testA": 2, "testB": 3}


@pytest.fixture
def unpaired(tmp_path: Path) -> Path:
    """A data set of 16x16 pictures: A is dark, B is bright, and no two pictures are alike."""
    root = tmp_path / "unpaired"
    noise = np.random.default_rng(0)
    for folder, count in COUNTS.items():
        low, high = (0, 120) if folder.endswith("A") else (130, 250)
        for number in range(count):
            write_image(root / folder / f"{number}.png", noise.integers(low, high, (16, 16, 3), dtype=np.uint8))
    return root


@pytest.fixture
def cyclegan(unpaired: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe with some tables replaced, or left out if they are None."""
    tables: dict[str, Any] = {
        "seed": 3,
        "dataset": {"name": "unaligned", "root": unpaired.as_posix()},
        "method": {"name": "cyclegan", "pool": 3},
        "generator": {"name": "resnet", "blocks": 1, "filters": 2},
        "discriminator": {"name": "patchgan", "patch": 16, "filters": 2, "norm": "instance"},
        "loss": [
            {"name": "gan", "objective": "lsgan"},
            {"name": "cycle", "weight": 10.0},
            {"name": "identity", "weight": 5.0},
        ],
        "train": {"batch_size": 2, "steps": 2, "precision": "fp32"},
    }

    def write(**changes: Any) -> Path:
        recipe = copy.deepcopy(tables) | changes
        path = tmp_path / "cyclegan.toml"
        path.write_text(tomli_w.dumps({name: table for name, table in recipe.items() if table is not None}))
        return path

    return write
