"""A folder of small pictures for each of three domains, and a recipe that trains StarGAN on them."""

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

COLOURS = {"blue": 2, "green": 1, "red": 0}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A data set of 16x16 pictures: dark noise, with one bright channel for each domain."""
    root = tmp_path / "pictures"
    noise = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for number, (name, channel) in enumerate(COLOURS.items()):
            for index in range(count + number):
                picture = noise.integers(0, 100, (16, 16, 3), dtype=np.uint8)
                picture[..., channel] += 150
                write_image(root / split / name / f"{index}.png", picture)
    return root


@pytest.fixture
def stargan(pictures: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe with some tables replaced, or left out if they are None."""
    tables: dict[str, Any] = {
        "seed": 3,
        "dataset": {"name": "domains", "root": pictures.as_posix()},
        "method": {"name": "stargan", "critic_steps": 2},
        "generator": {"name": "resnet", "blocks": 1, "filters": 2},
        "discriminator": {"name": "patchgan", "patch": 16, "filters": 2, "norm": "none"},
        "loss": [{"name": "wasserstein"}, {"name": "cycle", "weight": 10.0}],
        "train": {"batch_size": 3, "steps": 4, "precision": "fp32", "ema": 0.9},
    }

    def write(**changes: Any) -> Path:
        recipe = copy.deepcopy(tables) | changes
        path = tmp_path / "stargan.toml"
        path.write_text(tomli_w.dumps({name: table for name, table in recipe.items() if table is not None}))
        return path

    return write
