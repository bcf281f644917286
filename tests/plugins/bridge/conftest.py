"""Label maps and photographs of 16x16, and a recipe that trains a small bridge between them."""

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


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """Six pictures of 16x32, noise on both sides, which the data set `aligned` divides."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 3), ("test", 3)):
        for number in range(count):
            write_image(
                tmp_path / "halves" / split / f"{number}.png", noise.integers(0, 255, (16, 32, 3), dtype=np.uint8)
            )
    return tmp_path / "halves"


@pytest.fixture
def bridge(halves: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe with some tables replaced, or left out if they are None."""
    tables: dict[str, Any] = {
        "seed": 3,
        "dataset": {"name": "aligned", "root": halves.as_posix()},
        "method": {"name": "bridge", "steps": 3, "objective": "difference"},
        "generator": {"name": "bridge_unet", "width": 8, "multipliers": [1, 2], "attention": [1]},
        "train": {"batch_size": 2, "epochs": 1, "precision": "fp32"},
        "log": {"pictures": 2, "page": False},
    }

    def write(**changes: Any) -> Path:
        recipe = copy.deepcopy(tables) | changes
        path = tmp_path / "bridge.toml"
        path.write_text(tomli_w.dumps({name: table for name, table in recipe.items() if table is not None}))
        return path

    return write
