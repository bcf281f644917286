"""Translations of the same held-out pictures by several checkpoints, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from itrans.api import DataError
from itrans.commands import table
from itrans_evaluate.evaluate import evaluate_checkpoint
from itrans_evaluate.result import credit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import Split
    from itrans_evaluate.result import Evaluation


def comparison_picture(
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
    evaluations = {
        name: evaluate_checkpoint(checkpoint, split=split, pairs=pictures, keep=pictures, device=device)
        for name, checkpoint in checkpoints.items()
    }
    columns = {name: evaluation.first for name, evaluation in evaluations.items()}
    named, rows = next(iter(columns.items()))
    for name, others in columns.items():
        if not all(np.array_equal(one.source, other.source) for one, other in zip(rows, others, strict=False)):
            raise DataError(f"{name} and {named} translate different pictures, which cannot be put side by side.")
    sides = [
        ("source", [row.source for row in rows]),
        *((name, [row.output for row in found]) for name, found in columns.items()),
        ("target", [row.target for row in rows]),
    ]
    return table(sides, None, _credit(evaluations))


def _credit(evaluations: Mapping[str, Evaluation]) -> str:
    """Return what is to be said with pictures of these checkpoints; what is the same for several is said once."""
    named: dict[str, list[str]] = {}
    for name, evaluation in evaluations.items():
        if evaluation.sample is not None:
            named.setdefault(evaluation.sample, []).append(name)
    sampled = [(_which(names, len(evaluations)), sample) for sample, names in named.items()]
    return credit(sampled, [evaluation.attribution for evaluation in evaluations.values()])


def _which(names: Sequence[str], count: int) -> str:
    if len(names) < count:
        return f"Each of {', '.join(names)}" if len(names) > 1 else names[0]
    return "This checkpoint" if count == 1 else "Each of these checkpoints"
