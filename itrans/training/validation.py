"""Measuring translations of held-out pairs, and keeping some of them to look at."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Literal

from itrans.data.loader import load_batches
from itrans.data.sampler import Draw, EvaluationSampler
from itrans.metrics.measuring import measurements, meters_for
from itrans.networks.test_mode import test_mode
from itrans.pictures.grid import Row
from itrans.pictures.kinds import kind_of
from itrans.protocols import directions_of, is_paired
from itrans.training.build import build_dataset, build_items

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from torch import Tensor

    from itrans.pictures.spec import ImageArray, ImageSpec
    from itrans.protocols import Method
    from itrans.recipe.load import Recipe
    from itrans.records import Batch
    from itrans.training.runtime import Runtime


class Validator:
    """Translates the held-out pairs of a recipe as `itrans translate` would, in mode `paper`.

    Where they are no pairs (the data set's `paired` is False), outputs are drawn and not measured.

    Args:
        recipe: says which split, and how many of its pairs.
        method: translates.
        runtime: where.
        skipped: leave out pairs that cannot be read, and tell this what is wrong with each; None raises an error.

    Attributes:
        measures: whether the targets are what the outputs should be.
        metric: what decides which checkpoint is the best.
        length: how many pairs are measured.

    Raises:
        MissingSplitError: there is no such split.
    """

    def __init__(
        self, recipe: Recipe, method: Method, runtime: Runtime, skipped: Callable[[str], None] | None = None
    ) -> None:
        self._skipped = skipped
        tables = recipe.tables
        self._dataset = build_dataset(recipe, tables.validation.split)
        self.measures = is_paired(self._dataset)
        target = self._dataset.target
        asked, kind = tables.validation.metric, kind_of(target)
        self.metric = kind.deciding_metric if asked == "auto" else asked
        names = [*kind.metrics, self.metric, *(tables.validation.metrics or ())] if self.measures else []
        self._meters = meters_for(names, self._dataset.source, target, runtime.device, logging.getLogger("itrans").info)
        self._items = build_items(recipe, self._dataset, training=False, skip_bad=skipped is not None)
        self.length = min(len(self._dataset), tables.validation.pairs or len(self._dataset))
        augment = tables.augment
        same_size = augment.size or augment.resize or augment.crop
        self._batch_size = tables.train.batch_size if same_size else 1
        self._seed, self._pictures, self._workers = tables.seed, tables.log.pictures, tables.train.workers
        self._method, self._runtime = method, runtime

    def __call__(
        self, is_urgent: Callable[[], bool] = lambda: False, progress: Callable[[int, int], None] = lambda *_: None
    ) -> dict[str, float] | None:
        """Return the mean of each metric over all processes; empty where nothing is measured.

        Args:
            is_urgent: asked after each batch whether to give up; where several processes measure together, it is not.
            progress: told how many of this process's pairs are done, and how many there are.

        Returns:
            The means, or None if it was given up.
        """
        if not self.measures:
            return {}
        processes = self._runtime.processes
        for meter in self._meters:
            meter.reset()
        sampler = EvaluationSampler(self.length, self._batch_size, rank=processes.rank, world_size=processes.count)
        done, total = 0, len(range(processes.rank, self.length, processes.count))
        with self._translating(), contextlib.closing(self._batches(sampler, self._workers)) as batches:
            for found in measurements(batches, self._translated, self._meters, self._dataset.target):
                done += len(found.batch.keys)
                progress(done, total)
                if processes.count == 1 and is_urgent():
                    return None
        results = {meter.name: meter.result(processes.total_of_some) for meter in self._meters}
        return {name: value for name, value in results.items() if value is not None}

    @property
    def lower_is_better(self) -> bool:
        """Whether less of the metric that decides is better."""
        return next(meter.lower_is_better for meter in self._meters if meter.name == self.metric)

    def rows(self) -> list[Row]:
        """Return pairs to look at, spread evenly over those that are held out."""
        make_rows, each = (self._rows, 1) if self.measures else (self._unpaired_rows, self._ways)
        count = min(-(-self._pictures // each), self.length)
        draws = [[Draw(0, place * self.length // count)] for place in range(count)]
        with self._translating():
            found = [row for batch in self._batches(draws, 0) for row in make_rows(batch)]
        return found[: self._pictures]

    @property
    def _ways(self) -> int:
        return min(2, len(directions_of(self._method)))

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        networks = [self._method.networks[name] for name in self._method.generators]
        with self._runtime.averaged(), test_mode(networks, "paper", self._seed), self._runtime.autocast():
            yield

    def _batches(self, sampler: Iterable[list[Draw]], workers: int | Literal["auto"]) -> Generator[Batch]:
        runtime = self._runtime
        count = runtime.processes.count
        return load_batches(
            self._items,
            sampler,
            runtime.device,
            runtime.memory_format,
            workers=workers,
            processes=count,
            skipped=self._skipped or (lambda _: None),
        )

    def _translated(self, source: Tensor, direction: int = 0) -> Tensor:
        directions = directions_of(self._method)
        return self._method.translate(source, directions[direction])

    def _unpaired_rows(self, batch: Batch) -> list[Row]:
        """Return a row for each picture of either side: itself, its translation, and that translated back."""
        specs = self._dataset.source, self._dataset.target
        count = self._ways
        found: list[list[Row]] = []
        for direction, picture in zip(range(count), (batch.source, batch.target), strict=False):
            output = self._translated(picture, direction)
            back = self._translated(output, 1 - direction) if count == 2 else picture
            here, there = specs if direction == 0 else specs[::-1]
            sides = _shown((picture, here), (output, there), (back, here))
            headings = ("source", "output", "back" if count == 2 else "source")
            found.append([Row(*row, headings) for row in sides])
        return [row for rows in zip(*found, strict=True) for row in rows]

    def _rows(self, batch: Batch) -> list[Row]:
        source, target = self._dataset.source, self._dataset.target
        output = self._translated(batch.source)
        return [Row(*row) for row in _shown((batch.source, source), (output, target), (batch.target, target))]


def _shown(
    *sides: tuple[Tensor, ImageSpec],
) -> Iterator[tuple[ImageArray, ImageArray, ImageArray]]:
    """Yield pictures side by side as people look at them, for each of a batch; the first side is what is translated."""
    kept = [kind_of(spec).arrays(images, spec) for images, spec in sides]
    shown = [kind_of(spec).shown(side, spec, kept[0]) for side, (_, spec) in zip(kept, sides, strict=True)]
    first, second, third = shown
    return zip(first, second, third, strict=True)
