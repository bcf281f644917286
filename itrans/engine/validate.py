"""Measuring translations of held-out pairs, and keeping some of them to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.data.loader import load_batches
from itrans.data.sampler import EvaluationSampler
from itrans.data.tensors import stored
from itrans.engine.build import build_dataset, build_items
from itrans.engine.inference import test_mode
from itrans.engine.metrics import metric_for, scores_for
from itrans.engine.pictures import Row, shown_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itrans.engine.runtime import Runtime
    from itrans.protocols import Batch, ImageArray, ImageSpec, Method
    from itrans.recipe.load import Recipe


class Validator:
    """Translates the held-out pairs of a recipe as `itrans translate` would, in mode `paper`.

    Where they are no pairs (the data set's `paired` is False), outputs are drawn and not measured.

    Args:
        recipe: says which split, and how many of its pairs.
        method: translates.
        runtime: where.

    Attributes:
        measures: whether the targets are what the outputs should be.
        metric: what decides which checkpoint is the best.

    Raises:
        MissingSplitError: there is no such split.
    """

    def __init__(self, recipe: Recipe, method: Method, runtime: Runtime) -> None:
        tables = recipe.tables
        self._dataset = build_dataset(recipe, tables.validation.split)
        self.measures = bool(getattr(self._dataset, "paired", True))
        self.metric = metric_for(tables.validation.metric, self._dataset.target)
        self._items = build_items(recipe, self._dataset, training=False)
        self._length = min(len(self._dataset), tables.validation.pairs or len(self._dataset))
        augment = tables.augment
        same_size = augment.size or augment.resize or augment.crop
        self._batch_size = tables.train.batch_size if same_size else 1
        self._seed, self._pictures, self._workers = tables.seed, tables.log.pictures, tables.train.workers
        self._method, self._runtime = method, runtime

    def __call__(self) -> tuple[dict[str, float], list[Row]]:
        """Return the mean of each metric over all processes, and the first pairs of this one to look at.

        There are no metrics where nothing is measured.
        """
        runtime = self._runtime
        scores = scores_for(self._dataset.target, runtime.device)
        rows: list[Row] = []
        processes = runtime.processes
        sampler = EvaluationSampler(self._length, self._batch_size, rank=processes.rank, world_size=processes.count)
        batches = load_batches(
            self._items,
            sampler,
            runtime.device,
            runtime.memory_format,
            workers=self._workers,
            processes=processes.count,
        )
        networks = [self._method.networks[name] for name in self._method.generators]
        with runtime.averaged(), test_mode(networks, "paper", self._seed), runtime.autocast():
            for batch in batches:
                if not self.measures:
                    rows += self._unpaired_rows(batch)[: self._pictures - len(rows)]
                    if len(rows) >= self._pictures:
                        break
                    continue
                output = self._translated(batch.source)
                scores.add(batch.source, output, batch.target)
                if len(rows) < self._pictures:
                    rows += self._rows(batch, output)[: self._pictures - len(rows)]
        return scores.means(processes) if self.measures else {}, rows

    def _translated(self, source: Tensor, direction: int = 0) -> Tensor:
        directions = getattr(self._method, "directions", ("forward",))
        return self._method.translate(source, directions[direction])

    def _unpaired_rows(self, batch: Batch) -> list[Row]:
        """Return a row for each picture of either side: itself, its translation, and that translated back."""
        specs = self._dataset.source, self._dataset.target
        count = min(2, len(getattr(self._method, "directions", ("forward",))))
        found: list[list[Row]] = []
        for direction, picture in zip(range(count), (batch.source, batch.target), strict=False):
            output = self._translated(picture, direction)
            back = self._translated(output, 1 - direction) if count == 2 else picture
            here, there = specs if direction == 0 else specs[::-1]
            sides = _shown((picture, here), (output, there), (back, here))
            headings = ("source", "output", "back" if count == 2 else "source")
            found.append([Row(*row, headings) for row in sides])
        return [row for rows in zip(*found, strict=True) for row in rows]

    def _rows(self, batch: Batch, output: Tensor) -> list[Row]:
        source, target = self._dataset.source, self._dataset.target
        return [Row(*row) for row in _shown((batch.source, source), (output, target), (batch.target, target))]


def _shown(
    *sides: tuple[Tensor, ImageSpec],
) -> Iterator[tuple[ImageArray, ImageArray, ImageArray]]:
    """Yield pictures side by side as people look at them, for each of a batch; the first side is what is translated."""
    kept = [stored(images, spec) for images, spec in sides]
    first, second, third = (shown_as(side, spec, kept[0]) for side, (_, spec) in zip(kept, sides, strict=True))
    return zip(first, second, third, strict=True)
