"""Folders of pairs that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugins.datasets.pairs import fill
from plugins.datasets.streets import classes, photo

from itrans.api import write_image


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """Three pairs to train and one to validate; the photos are JPEG in all but the first, and one lies deeper."""
    root = tmp_path / "streets"
    for split, names in (("train", ("a", "b", "deep/c")), ("val", ("d",))):
        for seed, name in enumerate(names):
            write_image(root / split / "labels" / f"{name}.png", classes(seed))
            write_image(root / split / "photos" / f"{name}.{'png' if name == 'a' else 'jpg'}", photo(seed))
    return root


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """Folders for splits: three pairs to train, of which one lies deeper, and one to validate."""
    root = tmp_path / "pairs"
    fill(root / "train" / "source", "b.png", "deep/a.v1.png", "c.png")
    fill(root / "train" / "target", "b.tif", "deep/a.v1.png", "c.png", seed=50, channels=1, dtype="uint16")
    fill(root / "val" / "source", "b.png", seed=80)
    fill(root / "val" / "target", "b.png", seed=90)
    return root


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Forty pairs in the same two folders, for all splits."""
    root = tmp_path / "flat"
    fill(root / "photos", *(f"{index:02d}.png" for index in range(40)))
    fill(root / "maps", *(f"{index:02d}.bmp" for index in range(40)), seed=100)
    return root
