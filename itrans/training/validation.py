"""Translating held-out pairs, to measure them and to show them; and which state of a run is the best by them."""

from __future__ import annotations

import contextlib
import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itrans.errors import DataError, MissingSplitError, counted
from itrans.members import directions_of, is_paired, sides_of
from itrans.methods.conditions import Accepted
from itrans.metrics.measuring import SOURCE_L1, measurements_of, meters_for
from itrans.networks.quick_convolutions import TestPrecision
from itrans.networks.test_mode import test_mode
from itrans.pictures.extras import extras_of
from itrans.pictures.grid import Row, colours
from itrans.pictures.kinds import kind_of
from itrans.training.build import build_dataset, held_out_batches
from itrans.training.devices import memory_format_at_test_time
from itrans.training.kept_pairs import KeptPairs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

    from itrans.checkpoint.file import Progress
    from itrans.pictures.spec import ImageArray, ImageSpec
    from itrans.protocols import Method
    from itrans.recipe.load import Recipe
    from itrans.records import Batch, MeasuredPairs
    from itrans.training.kept_pairs import Sides
    from itrans.training.runtime import Runtime
    from itrans.training.saving import Saver

_FEW = 8
"""Of fewer held-out pairs than these, the best checkpoint is a matter of luck."""


class Validator:
    """Translates the held-out pairs of a recipe as `itrans translate` would, in mode `paper`.

    Where they are no pairs (the data set's `paired` is False), outputs are drawn and not measured.

    If `skipped` is given, pairs that cannot be read are left out, and it is told what is wrong with each.

    Attributes:
        measures: whether the targets are what the outputs should be.
        metric: what decides which checkpoint is the best.
        length: how many pairs are measured.
        kept: a few pairs of the last validation, with their translations; None where nothing is measured, where no
            pictures are wanted, and in all processes but the first.

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
        self.length = min(len(self._dataset), tables.validation.pairs or len(self._dataset))
        self.kept: KeptPairs | None = None
        self._recipe, self._seed, self._pictures = recipe, tables.seed, tables.log.pictures
        self._method, self._runtime = method, runtime
        self._accepted = Accepted(method, extras_of(self._dataset))

    def __call__(
        self, is_urgent: Callable[[], bool] = lambda: False, progress: Callable[[int, int], None] = lambda *_: None
    ) -> dict[str, float] | None:
        """Return the mean of each metric over all processes: empty where nothing is measured, None if it was given up.

        `is_urgent` is asked after each batch whether to give up, unless several processes measure together. `progress`
        is told how many of this process's pairs are done, out of how many.
        """
        if not self.measures:
            return {}
        processes = self._runtime.processes
        for meter in self._meters:
            meter.reset()
        mine = range(processes.rank, self.length, processes.count)
        done, total = 0, len(mine)
        self.kept = kept = self._kept_pairs(mine) if processes.is_first and self._pictures else None
        with self._test_time(), contextlib.closing(self._batches()) as batches:
            for found in measurements_of(batches, self._translation_of, self._meters, self._dataset.target):
                done += len(found.batch.keys)
                if kept is not None:
                    kept.add(found)
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
        with self._test_time():
            found = [row for batch in self._batches(self._places(each)) for row in make_rows(batch)]
        return found[: self._pictures]

    def _places(self, each: int = 1) -> list[int]:
        """Return the places of the pairs of a grid, spread evenly, where a pair makes so many rows."""
        count = min(-(-self._pictures // each), self.length)
        return [place * self.length // count for place in range(count)]

    def _kept_pairs(self, places: Iterable[int]) -> KeptPairs:
        source, target = self._dataset.source, self._dataset.target

        def draw(batch: Batch, output: Tensor) -> Sides:
            ((first, second, third),) = _side_by_side((batch.source, source), (output, target), (batch.target, target))
            return colours(first), colours(second), colours(third)

        meter = next(meter for meter in self._meters if meter.name == self.metric)
        return KeptPairs(meter, places, self._places(), draw)

    @property
    def _ways(self) -> int:
        """How many ways there are between the sides: there and back, if there are both."""
        both = [("source", "target"), ("target", "source")]
        return 2 if [*sides_of(self._method).values()][:2] == both else 1

    @contextlib.contextmanager
    def _test_time(self) -> Iterator[None]:
        networks = [self._method.networks[name] for name in self._method.generators]
        precision = TestPrecision(networks, self._runtime.device)
        with (
            self._runtime.use_averages(),
            test_mode(networks, "paper", self._seed),
            precision.of(self._runtime.dtype),
        ):
            yield

    def _batches(self, places: Sequence[int] | None = None) -> Generator[Batch]:
        runtime = self._runtime
        where = runtime.device, memory_format_at_test_time(runtime.device, runtime.dtype)
        skipped, processes = self._skipped, runtime.processes
        return held_out_batches(
            self._recipe, self._dataset, self.length, *where, processes=processes, skipped=skipped, places=places
        )

    def _translation_of(self, batch: Batch, direction: int = 0) -> Tensor:
        conditions = self._accepted.of_batch(batch.extras)
        return self._method.translate(batch.source, directions_of(self._method)[direction], **conditions.arguments)

    def _unpaired_rows(self, batch: Batch) -> list[Row]:
        """Return a row for each picture of either side: itself, its translation, and that translated back."""
        specs = self._dataset.source, self._dataset.target
        count = self._ways
        found: list[list[Row]] = []
        for direction, picture in zip(range(count), (batch.source, batch.target), strict=False):
            output = self._translation_of(replace(batch, source=picture), direction)
            back = self._translation_of(replace(batch, source=output), 1 - direction) if count == 2 else picture
            here, there = specs if direction == 0 else specs[::-1]
            sides = _side_by_side((picture, here), (output, there), (back, here))
            headings = ("source", "output", "back" if count == 2 else "source")
            found.append([Row(*row, headings) for row in sides])
        return [row for rows in zip(*found, strict=True) for row in rows]

    def _rows(self, batch: Batch) -> list[Row]:
        source, target = self._dataset.source, self._dataset.target
        output = self._translation_of(batch)
        return [Row(*row) for row in _side_by_side((batch.source, source), (output, target), (batch.target, target))]


def _side_by_side(*sides: tuple[Tensor, ImageSpec]) -> Iterator[tuple[ImageArray, ImageArray, ImageArray]]:
    """Yield pictures side by side as people look at them, for each of a batch; the first side is what is translated."""
    kept = [kind_of(spec).arrays(images, spec) for images, spec in sides]
    shown = [kind_of(spec).shown(side, spec, kept[0]) for side, (_, spec) in zip(kept, sides, strict=True)]
    first, second, third = shown
    return zip(first, second, third, strict=True)


@dataclass(frozen=True)
class Validation:
    """What a look at the held-out pairs has found.

    Attributes:
        metrics: the mean of each; empty where nothing can be measured.
        value: of the metric that decides; None where nothing can be measured.
        better: whether it was never as good before.
        pairs: some of the pairs, to look at; None where none are kept.
    """

    metrics: Mapping[str, float]
    value: float | None = None
    better: bool = False
    pairs: MeasuredPairs | None = None


class Selection:
    """Validates a run as often as its recipe says, and compares with what was the best so far.

    Attributes:
        validator: translates held-out pairs; None where there are none.
        source_l1: the L1 distance of the sources themselves, once it has been measured.

    Raises:
        DataError: the recipe has patience, and there is nothing to measure.
    """

    def __init__(
        self,
        recipe: Recipe,
        method: Method,
        runtime: Runtime,
        saver: Saver,
        note: Callable[[str], None],
        skipped: Callable[[str], None] | None = None,
    ) -> None:
        self._settings, self._saver = recipe.tables.validation, saver
        self.source_l1: float | None = None
        self.validator = self._validator(recipe, method, runtime, note, skipped) if self._settings.every else None

    @property
    def metric(self) -> str:
        """What decides which state is the best; an empty text where nothing is measured."""
        return "" if self.validator is None else self.validator.metric

    def is_due(self, epochs: int, *, is_over: bool) -> bool:
        """Return whether to validate after so many complete epochs; `is_over`: there will be no more."""
        return self.validator is not None and (epochs % self._settings.every == 0 or is_over)

    def is_stale(self, progress: Progress) -> bool:
        """Return whether as many validations have passed without a better one as the recipe has patience for."""
        patience = self._settings.patience
        return patience is not None and progress.stale >= patience

    def validate(
        self, progress: Progress, is_urgent: Callable[[], bool], done: Callable[[int, int], None]
    ) -> Validation | None:
        """Measure the held-out pairs, and compare with what was the best so far; None if it was given up.

        See `Validator` for what is asked and told on the way.

        Raises:
            TrainingError: what decides is no longer finite; the last good checkpoint is named.
            DataError: the metric is not one for such pictures.
        """
        assert self.validator is not None, "a validation is due only where there is something to look at"
        metrics = self.validator(is_urgent, done)
        if metrics is None:
            return None
        if not self.validator.measures:
            return Validation({})
        self.source_l1 = metrics.get(SOURCE_L1)
        metric = self.validator.metric
        value = metrics.get(metric)
        if value is None:
            raise DataError(
                f'validation.metric = "{metric}" cannot be measured here. What can be: {", ".join(metrics)}.'
            )
        if not math.isfinite(value):
            raise self._saver.not_finite([f"the {metric} of the validation"], progress.step)
        sign = 1 if self.validator.lower_is_better else -1
        better = progress.best is None or sign * value < sign * progress.best
        kept, self.validator.kept = self.validator.kept, None  # what it holds is on the device
        return Validation(metrics, value, better, None if kept is None else kept.result(better=better))

    def _validator(
        self,
        recipe: Recipe,
        method: Method,
        runtime: Runtime,
        note: Callable[[str], None],
        skipped: Callable[[str], None] | None,
    ) -> Validator | None:
        patience = self._settings.patience
        try:
            validator = Validator(recipe, method, runtime, skipped)
        except MissingSplitError as error:
            if patience is not None:
                raise DataError(f"validation.patience needs held-out pairs. {error}") from error
            note(f"Nothing will be measured, and there will be no best.pt. {error}")
            return None
        if not validator.measures:
            if patience is not None:
                raise DataError("validation.patience needs a measure, and outputs of unpaired data have no target.")
            note("The held-out pictures are not pairs: nothing is measured, there is no best.pt.")
        elif validator.length < _FEW:
            pairs = counted(validator.length, "held-out pair")
            note(f"With {pairs}, which checkpoint is the best is a matter of luck: hold out more, or use last.pt.")
        return validator
