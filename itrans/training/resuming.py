"""Which checkpoint a run goes on from, and whether it is the same run still."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from itrans.checkpoint.file import CheckpointFile, load_checkpoint
from itrans.checkpoint.places import step_of
from itrans.errors import CheckpointError
from itrans.recipe.changes import changes, may_change
from itrans.records import Pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itrans.protocols import Dataset
    from itrans.recipe.document import KeyPath
    from itrans.recipe.load import Recipe
    from itrans.training.record import RunFolder

_ROOT: KeyPath = ("dataset", "root")
"""What may change if the pairs are the same, at another place."""

_LOOKED_AT = 16
"""How many pairs are compared by name and size."""


def load_newest(folder: RunFolder, note: Callable[[str], None]) -> tuple[CheckpointFile, Path]:
    """Return the newest good checkpoint of a run and its path: the last one, unless one of a step is newer or better.

    Raises:
        CheckpointError: there is none.
    """
    faults: list[CheckpointError] = []
    best: tuple[CheckpointFile, Path] | None = None
    for path in folder.resumable():
        if best is not None and step_of(path) <= best[0].progress.step:
            break
        try:
            best = load_checkpoint(path, mapped=False), path  # the run will write over it
        except CheckpointError as error:
            faults.append(error)
            continue
        if path != folder.last:
            break
    if best is None:
        raise faults[0]
    if best[1] != folder.last:
        why = str(faults[0]) if faults else f"{folder.last} is older, or not there."
        note(f"{why} Continuing from {best[1]}.")
    return best


def refuse_changes(
    checkpoint: CheckpointFile, path: Path, recipe: Recipe, dataset: Dataset, note: Callable[[str], None]
) -> None:
    """Refuse a checkpoint of another recipe, or of other data; name every difference.

    Args:
        checkpoint: what was read from `path`.
        path: for messages.
        recipe: that of the run.
        dataset: its training pairs.
        note: is told where the same data are at another place.

    Raises:
        CheckpointError: recipe or data are not those of the checkpoint.
    """
    free, length = may_change(recipe), len(dataset)
    differences = changes(checkpoint.recipe, recipe, free=free, source=str(path))
    advice = f"Undo the change. Or begin another run with these weights: --from {path} -o DIR, without --resume."
    moved = differences and not changes(checkpoint.recipe, recipe, free=(*free, _ROOT), source=str(path))
    if moved and checkpoint.pairs and length == checkpoint.length:
        if pairs_digest(dataset) == checkpoint.pairs:
            note(f"The data are in another place, with pairs of the same names and sizes: {differences[0]}.")
            return
        advice = f"The pairs there have other names or sizes. {advice}"
    if not differences and length != checkpoint.length:
        differences = [f"the number of training pairs: {checkpoint.length} then, {length} now"]
    if differences:
        listing = "\n".join(f"  {difference}" for difference in differences)
        problem = f"{path} cannot be resumed, because this has changed since it was saved"
        raise CheckpointError(f"{problem}:\n{listing}\n{advice}")


def pairs_digest(dataset: Dataset) -> str:
    """Return a digest of the keys and sizes of a few pairs; an empty text if one of them cannot be read."""
    count = min(_LOOKED_AT, len(dataset))
    try:
        found = [Pair(*dataset[place * len(dataset) // count]) for place in range(count)]
    except (Exception, SystemExit):  # of a damaged picture, say, which is told, or left out, when it is trained on
        return ""
    shapes = [[pair.key, *pair.source.shape, *pair.target.shape] for pair in found]
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()
