"""The same held-out pictures as several checkpoints translate them, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from itrans.engine.pictures import table
from itrans.errors import DataError
from itrans.evaluation.evaluate import evaluate_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.engine.pictures import Row
    from itrans.protocols import Split


def compared(
    checkpoints: Mapping[str, Path], *, split: Split, pictures: int, device: str = "auto"
) -> NDArray[np.uint8]:
    """Return a picture `(H, W, 3)`: a column of sources, one of each checkpoint's translations, and one of targets.

    Args:
        checkpoints: at least one, by what is to stand above its column.
        split: the part of their data set that the pictures are taken from.
        pictures: how many, from the first on; no more than there are.
        device: see `itrans.api.load`.

    Raises:
        ItransError: a checkpoint cannot be evaluated, or their data sets have other pictures than the first one's.
    """
    columns: dict[str, tuple[Row, ...]] = {}
    notes: list[str] = []
    for name, checkpoint in checkpoints.items():
        evaluation = evaluate_checkpoint(checkpoint, split=split, pairs=pictures, keep=pictures, device=device)
        columns[name] = evaluation.first
        notes.append(evaluation.credit)
    named, rows = next(iter(columns.items()))
    for name, others in columns.items():
        if not all(np.array_equal(one.source, other.source) for one, other in zip(rows, others, strict=False)):
            raise DataError(f"{name} and {named} translate different pictures, which cannot be put side by side.")
    sides = [
        ("source", [row.source for row in rows]),
        *((name, [row.output for row in found]) for name, found in columns.items()),
        ("target", [row.target for row in rows]),
    ]
    return table(sides, rows[0].target.shape[:2], " ".join(dict.fromkeys(filter(None, notes))))
