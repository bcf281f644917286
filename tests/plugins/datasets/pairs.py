"""Sources and targets of the data set `paired`, small and random."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from itrans.api import DATASETS, Dataset, write_image

FLAT = {"source": "photos", "target": "maps"}
"""The arguments for two folders that all splits share."""


def build(root: Path, **arguments) -> Dataset:
    arguments.setdefault("split", "train")
    return DATASETS.build({"name": "paired", "root": str(root), **arguments})


def picture(seed: int, channels: int = 3, dtype: str = "uint8", height: int = 6, width: int = 8) -> np.ndarray:
    values = np.random.default_rng(seed).random((height, width, channels))
    return (values * np.iinfo(dtype).max).astype(dtype)


def fill(folder: Path, *names: str, seed: int = 0, **kind) -> None:
    for offset, name in enumerate(names):
        write_image(folder / name, picture(seed + offset, **kind))


def keys(dataset: Dataset) -> list[str]:
    return [dataset[index].key for index in range(len(dataset))]
