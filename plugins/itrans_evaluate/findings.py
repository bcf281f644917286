"""What is gathered of an evaluation while pictures pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from itrans.api import METRICS, counted, kind_of
from itrans.commands import Row, measuring
from itrans_evaluate.result import Extremes, RunningScore, Score, class_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from itrans.api import ImageArray, ImageSpec
    from itrans_evaluate.per_set import SetMetric
    from itrans_evaluate.result import ClassScore

_MOST_CONFUSED = 64


class Findings:
    """All that is gathered while pictures pass."""

    def __init__(
        self,
        names: Sequence[str],
        sets: list[SetMetric],
        source: ImageSpec,
        target: ImageSpec,
        device: torch.device,
        announce: Callable[[str], None],
        picture: Callable[[str, Mapping[str, float | None]], None],
        keep: int,
    ) -> None:
        self._source, self._target, self._shown = source, target, shown_target(source, target)
        self._sets, self._picture, self._keep = sets, picture, keep
        self.meters, self._of_pictures = _meters(names, source, target, self._shown, device, announce)
        self._every = [*self.meters, *self._of_pictures]
        self._running = {meter.name: RunningScore() for meter in self._every}
        self._has_classes = bool(names) and target.kind == "labels"
        self._confusion = measuring.Meter("", METRICS.get("itrans:accuracy")())
        self.first = self._every[0].name if self._every else None
        self.extremes = Extremes(lower_is_better=bool(self._every and self._every[0].lower_is_better))
        self.kept: list[Row] = []
        self.count = 0

    def add(self, measurement: measuring.Measurement) -> tuple[list[ImageArray], list[ImageArray]]:
        """Gather what was measured of a batch, and return its outputs and targets as they would be stored."""
        batch, values = measurement.batch, dict(measurement.values)
        sources = _arrays(batch.source, self._source)
        kind = kind_of(self._target)
        stored = kind.arrays(measurement.outputs, self._target), _arrays(batch.target, self._target)
        outputs, targets = (kind.outputs(side, self._target, sources, self._source) for side in stored)
        if self._sets or self._of_pictures:
            device = batch.source.device
            rounded, true = (as_planes(side, self._shown, device) for side in (outputs, targets))
            for metric in self._sets:
                metric.add(rounded, true)
            values |= measuring.count(self._of_pictures, batch.source, rounded, true, self._shown)
        if self._has_classes:
            measuring.count([self._confusion], batch.source, measurement.outputs, batch.target, self._target)
        columns = {
            meter.name: [None] * len(batch.keys) if found is None else meter.values(found)
            for meter in self._every
            for found in [values[meter.name]]
        }
        for index, key in enumerate(batch.keys):
            sides = sources[index], outputs[index], targets[index]
            self._add_one(key, {name: column[index] for name, column in columns.items()}, sides)
        return outputs, targets

    def _add_one(
        self, key: str, values: Mapping[str, float | None], sides: tuple[ImageArray, ImageArray, ImageArray]
    ) -> None:
        for name, value in values.items():
            if value is not None:
                self._running[name].add(value)
        self._picture(key, values)
        deciding = values.get(self.first or "")
        if deciding is not None or len(self.kept) < self._keep:
            specs = self._source, self._shown, self._shown
            shown = [kind_of(spec).shown([side], spec, sides[:1])[0] for side, spec in zip(sides, specs, strict=True)]
            row = Row(shown[0], shown[1], shown[2])
            if deciding is not None:
                self.extremes.add(deciding, self.count, row)
            if len(self.kept) < self._keep:
                self.kept.append(row)
        self.count += 1

    def scores(self) -> dict[str, Score]:
        """Return the scores; what no picture could be measured by is among them, without a value."""
        found = {}
        for meter in self._every:
            score = self._running[meter.name].score()
            found[meter.name] = Score(meter.result(), score.pictures, score.deviation if meter.is_mean else None)
        return found | {metric.name: Score(metric.value(), self.count) for metric in self._sets}

    def classes(self) -> tuple[ClassScore, ...]:
        """Return the scores of each class; none where targets are no label maps."""
        matrix = self._confusion.total
        return () if matrix is None else tuple(class_scores(matrix, self._target.names))

    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Return the confusion matrix, rows the truth; empty without label maps, or of very many classes."""
        matrix = self._confusion.total
        return () if matrix is None or len(matrix) > _MOST_CONFUSED else tuple(map(tuple, matrix.tolist()))

    def notes(self) -> Iterator[str]:
        """Yield what a reader of the scores should know."""
        yield from (metric.note for metric in self._sets if metric.note is not None)
        for meter in self._every:
            if left := self.count - self._running[meter.name].count:
                why = "no pixel of them has a class"
                if meter.smallest > 1:
                    why = f"it takes {meter.smallest} pixels or more on the shorter side"
                verb = "is" if left == 1 else "are"
                yield f"{meter.name}: {left} of {counted(self.count, 'picture')} {verb} left out; {why}."


def shown_target(source: ImageSpec, target: ImageSpec) -> ImageSpec:
    """Return what is written: the RGB picture where the a and b of Lab are put on the source's lightness."""
    return kind_of(target).output_spec(target, source)


def _arrays(true: Tensor, spec: ImageSpec) -> list[ImageArray]:
    """Return pictures of a data set as they are stored, with the value that stands for no class where there is none."""
    found = kind_of(spec).arrays(true, spec)
    if spec.ignored is not None:
        for image, highest in zip(found, true.amax(dim=1).cpu().numpy(), strict=True):
            image[highest <= 0] = spec.ignored
    return found


def as_planes(images: Sequence[ImageArray], spec: ImageSpec, device: torch.device) -> Tensor:
    """Return stored pictures of one size as networks see them, `(N, spec.planes, H, W)`."""
    stored = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return kind_of(spec).planes(stored.to(device), spec)


def _meters(
    names: Sequence[str],
    source: ImageSpec,
    target: ImageSpec,
    shown: ImageSpec,
    device: torch.device,
    announce: Callable[[str], None],
) -> tuple[list[measuring.Meter], list[measuring.Meter]]:
    """Return what measures planes and, where a and b are written as RGB, what measures the written pictures."""
    if shown == target:
        return measuring.meters_for(names, source, target, device, announce), []
    kinds = {name: measuring.kinds_of(name) for name in names}
    as_planes = [name for name in names if target.kind in kinds[name] or shown.kind not in kinds[name]]
    of_pictures = measuring.meters_for(
        [name for name in names if shown.kind in kinds[name]], source, shown, device, announce
    )
    for meter in of_pictures:
        meter.name += " (RGB)" if meter.name in as_planes else ""
    return measuring.meters_for(as_planes, source, target, device, announce), of_pictures
