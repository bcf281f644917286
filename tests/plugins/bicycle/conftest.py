"""A small data set whose colours no source tells, and a recipe that trains BicycleGAN on it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tomli_w
from single_thread import single_thread as single_thread


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """A data set A|B of 16x16: a black shape on white, and the same shape in some colour."""
    root = tmp_path / "looks"
    noise = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 3)):
        (root / split).mkdir(parents=True)
        for number in range(count):
            shape = cv2.resize(noise.integers(0, 2, (4, 4), dtype=np.uint8), (16, 16), interpolation=cv2.INTER_NEAREST)
            source = np.where(shape[:, :, None], np.uint8(0), np.uint8(255)).repeat(3, axis=2)
            target = np.where(shape[:, :, None], noise.integers(0, 256, 3, dtype=np.uint8), np.uint8(255))
            cv2.imwrite(str(root / split / f"{number}.png"), np.hstack([source, target]))
    return root


@pytest.fixture
def bicycle(looks: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe with some tables replaced, or left out if they are None."""
    tables: dict[str, Any] = {
        "seed": 3,
        "dataset": {"name": "aligned", "root": looks.as_posix()},
        "method": {"name": "bicycle", "latent": 2, "encoder_filters": 4, "encoder_layers": 2},
        "generator": {"name": "latent_unet", "latent": 2, "depth": 3, "filters": 4},
        "discriminator": {"name": "patchgan", "patch": 16, "filters": 4, "norm": "instance"},
        "loss": [{"name": "gan", "objective": "lsgan"}, {"name": "l1", "weight": 10.0}],
        "train": {"batch_size": 2, "steps": 2, "precision": "fp32"},
    }

    def write(**changes: Any) -> Path:
        recipe = copy.deepcopy(tables) | changes
        path = tmp_path / "bicycle.toml"
        path.write_text(tomli_w.dumps({name: table for name, table in recipe.items() if table is not None}))
        return path

    return write
