"""Examples for the page: held-out pictures of a checkpoint's own data set, where that is at hand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch

from itrans.api import kind_of
from itrans.commands import build_dataset, held_out_batches

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import Dataset, ImageArray
    from itrans.commands import CheckpointFile
    from itrans_serve.served import Served

_MOST = 6


class Examples:
    """Reads the examples of checkpoints when they are asked for the first time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], list[ImageArray]] = {}

    def of(self, served: Served, direction: str) -> list[ImageArray]:
        """Return a few sources as they are stored, spread over the held-out pairs, as large as they are measured.

        There are none if the data are not here, or cannot be read.
        """
        with self._lock:
            if (served.name, direction) not in self._found:
                back = served.translator.goes_back(direction)
                self._found[served.name, direction] = held_out(served.record, served.path, _MOST, back=back)
            return self._found[served.name, direction]


def held_out(record: CheckpointFile, path: Path, most: int, *, back: bool = False) -> list[ImageArray]:
    """Return a few held-out sources of a checkpoint's data set, or targets for the way back; none if it fails."""
    try:
        recipe = record.checked_recipe(path, ("dataset",))
        if recipe.missing_data():
            return []
        dataset: Dataset = build_dataset(recipe, "val")
        count = min(most, len(dataset))
        places = [index * len(dataset) // count for index in range(count)]
        batches = held_out_batches(
            recipe, dataset, count, torch.device("cpu"), torch.contiguous_format, places=places, skipped=lambda _: None
        )
        spec = record.target if back else record.source
        return [
            image for batch in batches for image in kind_of(spec).arrays(batch.target if back else batch.source, spec)
        ]
    except Exception:  # an example is a kindness; what a data set raises is anybody's
        return []
