"""Label maps and photographs whose colours no map tells, and a recipe that trains SPADE on them."""

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
def streets(tmp_path: Path) -> Path:
    """A data set of 16x16 as pix2pixHD's: maps of 3 classes, maps of instances, and photographs."""
    root, noise = tmp_path / "streets", np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        for number in range(count):
            classes = noise.integers(0, 3, (4, 4, 1), dtype=np.uint8).repeat(4, axis=0).repeat(4, axis=1)
            colours = noise.integers(0, 256, (3, 3), dtype=np.uint8)
            write_image(root / f"{split}_label" / f"{number}.png", classes)
            write_image(root / f"{split}_inst" / f"{number}.png", classes + 7)
            write_image(root / f"{split}_img" / f"{number}.png", colours[classes[:, :, 0]])
    return root


@pytest.fixture
def spade(streets: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe with some tables replaced, or left out if they are None."""
    tables: dict[str, Any] = {
        "seed": 3,
        "dataset": {"name": "instance_maps", "root": streets.as_posix(), "labels": 3},
        "method": {"name": "spade", "latent": 2, "encoder_filters": 4, "encoder_layers": 2},
        "generator": {"name": "spade", "filters": 2, "upsamplings": 2, "hidden": 4},
        "discriminator": {"name": "multiscale", "scales": 1, "layers": 1, "filters": 4, "spectral": True},
        "loss": [{"name": "cgan", "objective": "hinge"}, {"name": "feature_matching", "weight": 40.0}],
        "train": {"batch_size": 2, "steps": 2, "precision": "fp32"},
    }

    def write(**changes: Any) -> Path:
        recipe = copy.deepcopy(tables) | changes
        path = tmp_path / "spade.toml"
        path.write_text(tomli_w.dumps({name: table for name, table in recipe.items() if table is not None}))
        return path

    return write
