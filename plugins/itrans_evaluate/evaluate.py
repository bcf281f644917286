"""A checkpoint and a split of its data set -> scores; memory does not grow with the number of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from itrans.checkpoint.file import load_checkpoint
from itrans.checkpoint.places import checkpoint_path
from itrans.errors import DataError, PluginError, counted
from itrans.metrics.labels import LABEL_METRICS, LabelScores, class_scores
from itrans.metrics.pictures import SOURCE_L1
from itrans.pictures.grid import Row
from itrans.pictures.kinds import kind_of
from itrans.pictures.tensors import stack
from itrans.training.build import build_items
from itrans.training.devices import choose_device
from itrans.training.processes import Processes
from itrans.translating.translator import Translator
from itrans_evaluate.features import BackboneFeatures
from itrans_evaluate.per_picture import LOWER_IS_BETTER, SMALLEST, check_colours, picture_metrics
from itrans_evaluate.per_set import SET_METRICS, InceptionDistance, KernelDistance, SetMetric
from itrans_evaluate.reading import on_lightness, read_batches
from itrans_evaluate.result import Evaluation, Extremes, RunningScore, Score
from itrans_evaluate.segmenter import Segmenter
from itrans_evaluate.setup import (
    check_direction,
    check_names,
    chosen_metrics,
    evaluated_dataset,
    evaluated_recipe,
    measured_split,
    measured_target,
    was_chosen_on,
)
from itrans_evaluate.weights import inception

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch

    from itrans.metrics.labels import ClassScore
    from itrans.networks.test_mode import Mode
    from itrans.protocols import ImageArray, ImageSpec, Split
    from itrans.training.devices import Precision
    from itrans_evaluate.weights import Inception

_MOST_CONFUSED = 64
_BATCH = 8


def evaluate_checkpoint(
    checkpoint: str | os.PathLike[str],
    *,
    split: Split = "test",
    metrics: Sequence[str] = (),
    segmenter: str | os.PathLike[str] | None = None,
    features: str | None = None,
    weights: Path | None = None,
    overrides: Sequence[str] = (),
    pairs: int | None = None,
    keep: int = 0,
    direction: str | None = None,
    mode: Mode = "paper",
    seed: int = 0,
    device: str = "auto",
    precision: Precision = "auto",
    begin: Callable[[str, str | None], None] = lambda _checkpoint, _direction: None,
    announce: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    picture: Callable[[str, Mapping[str, float | None]], None] = lambda _key, _values: None,
) -> Evaluation:
    """Measure a checkpoint's translations, as `itrans translate` writes them, against their targets.

    Pictures are scaled and cropped as validation does it. What is compared has the bit depth of the targets.

    Args:
        checkpoint: a `.pt` file that a run has written; or the run's folder, of which the best checkpoint is measured
            or, where nothing was validated, the last.
        split: the part of the data set.
        metrics: their names; by default `l1`, `psnr` and `ssim`, or for label maps the scores of segmentation.
        segmenter: a checkpoint from photos to label maps, for one from label maps to photos: the FCN score.
        features: `timm:BACKBONE` or `random:BACKBONE`, for the kernel distance.
        weights: a file with the backbone's weights; None has timm download them.
        overrides: other values of `dataset.*` and `augment.*`, as `key=value`.
        pairs: measure only so many, from the first on.
        keep: how many pairs, from the first on, are given back with their translations.
        direction: which way, of a method that translates both ways; the second has the data set's targets as sources.
            None is the first.
        mode: `paper` or `running`, see `itrans.api.load`.
        seed: of dropout and noise.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: of the translations, see `itrans.api.load`.
        begin: told which file is measured, and which direction as in `Evaluation`, before anything is downloaded or
            translated; what it raises ends the evaluation.
        announce: told before something is downloaded.
        progress: told how many pictures are done, and of how many.
        picture: told each pair's key and values; None is a value that its picture is too small for.

    Raises:
        ItransError: something that was given is wrong; nothing has been translated then, unless a picture is at fault.
    """
    check_names(metrics)
    if weights is not None and features is None:
        raise DataError(f"--weights {weights} are for --features timm:BACKBONE, which is not given.")
    checkpoint = checkpoint_path(checkpoint)
    record = load_checkpoint(checkpoint)
    translator = Translator(checkpoint, device=device, mode=mode, seed=seed, precision=precision, record=record)
    check_direction(translator, direction)
    recipe = evaluated_recipe(record, checkpoint, overrides)
    dataset = evaluated_dataset(recipe, split, record, checkpoint)
    measured = (direction or translator.directions[0]) if len(translator.directions) > 1 else None
    begin(str(checkpoint), measured)
    paired = bool(getattr(dataset, "paired", True))
    swapped = translator.goes_back(direction)
    source, made = (dataset.target, dataset.source) if swapped else (dataset.source, dataset.target)
    target = measured_target(source, made)
    names = chosen_metrics(metrics, target, paired=paired, other=features is not None)
    total = min(len(dataset), pairs or len(dataset))
    where = choose_device(device)
    measurement = _Measurement(names, source, target, where, paired=paired, picture=picture, announce=announce)
    measurement.keep = keep
    measurement.sets = _set_metrics(names, features, weights, target, total, where, announce)
    if segmenter is not None:
        measurement.segmenter = Segmenter(segmenter, source, target, where, paired=paired)

    augment = recipe.tables.augment
    same_size = augment.size or augment.resize or augment.crop
    progress(0, total)
    items, size = build_items(recipe, dataset, training=False), _BATCH if same_size else 1
    for batch in read_batches(items, total, size, swapped=swapped):
        sources = [pair.source for pair in batch]
        outputs = translator.translate_stored(sources, direction=direction)
        targets = [on_lightness(pair) if target != made else pair.target for pair in batch]
        if paired and outputs[0].shape != targets[0].shape:
            shapes = f"{outputs[0].shape}, and its target is {targets[0].shape} (height, width, channels)"
            raise PluginError(f"{checkpoint} cannot be measured: it makes {batch[0].key} {shapes}.")
        measurement.add([pair.key for pair in batch], sources, outputs, targets)
        progress(measurement.count, total)

    best, worst = measurement.extremes.best(), measurement.extremes.worst()
    return Evaluation(
        checkpoint=str(checkpoint),
        title=translator.title,
        sample=translator.sample,
        attribution=str(getattr(dataset, "attribution", "")),
        split=split,
        measured_split=measured_split(dataset, split),
        chosen=was_chosen_on(record, recipe, dataset, split),
        pictures=total,
        direction=measured,
        mode=mode,
        seed=seed,
        step=record.progress.step,
        scores=measurement.scores(),
        classes=measurement.classes(),
        confusion=measurement.confusion(),
        segmented=measurement.segmenter.scores() if measurement.segmenter else {},
        notes=tuple(measurement.notes()),
        ranked_by=measurement.first if best else None,
        best=best,
        worst=worst,
        first=tuple(measurement.kept),
    )


class _Measurement:
    """All that is gathered while pictures pass."""

    def __init__(
        self,
        names: Sequence[str],
        source: ImageSpec,
        target: ImageSpec,
        device: torch.device,
        *,
        paired: bool,
        picture: Callable[[str, Mapping[str, float | None]], None],
        announce: Callable[[str], None],
    ) -> None:
        self._source, self._target, self._device, self._picture = source, target, device, picture
        asked = [name for name in names if name not in SET_METRICS]
        self.first = asked[0] if asked else None
        if "l1" in asked and source.kind == target.kind and source.planes == target.planes:
            asked.append(SOURCE_L1)
        self._running = {name: RunningScore() for name in asked}
        self._metrics = picture_metrics(asked, target, device, announce) if paired else []
        self._labels = LabelScores(target.planes, device) if target.kind == "labels" and paired else None
        self.extremes = Extremes(lower_is_better=self.first in LOWER_IS_BETTER)
        self.sets: list[SetMetric] = []
        self.segmenter: Segmenter | None = None
        self.keep, self.kept = 0, list[Row]()
        self.count = 0

    def add(
        self,
        keys: Sequence[str],
        sources: Sequence[ImageArray],
        outputs: Sequence[ImageArray],
        targets: Sequence[ImageArray],
    ) -> None:
        """Measure some pictures of one size."""
        source = kind_of(self._source).planes(stack(sources).to(self._device), self._source)
        kind = kind_of(self._target)
        output, target = (kind.planes(stack(side).to(self._device), self._target) for side in (outputs, targets))
        for metric in self.sets:
            metric.add(output, target)
        if self.segmenter is not None:
            self.segmenter.add(sources, outputs, targets)
        if self._labels is not None:
            self._labels.add(source, output, target)
        for index, key in enumerate(keys):
            one = slice(index, index + 1)
            found: dict[str, float] = {}
            for measure in self._metrics:
                found |= measure(source[one], output[one], target[one])
            self._count(key, found, self.count + index, (sources[index], outputs[index], targets[index]))
        self.count += len(keys)

    def _count(
        self, key: str, found: Mapping[str, float], position: int, sides: tuple[ImageArray, ImageArray, ImageArray]
    ) -> None:
        values = {name: found.get(name) for name in self._running}
        for name, value in values.items():
            if value is not None:
                self._running[name].add(value)
        self._picture(key, values)
        deciding = values.get(self.first or "")
        if deciding is None and len(self.kept) >= self.keep:
            return
        specs = self._source, self._target, self._target
        shown = [kind_of(spec).shown([side], spec, sides[:1])[0] for side, spec in zip(sides, specs, strict=True)]
        row = Row(shown[0], shown[1], shown[2])
        if deciding is not None:
            self.extremes.add(deciding, position, row)
        if len(self.kept) < self.keep:
            self.kept.append(row)

    def scores(self) -> dict[str, Score]:
        """Return the scores; what no picture could be measured by is among them, without a value."""
        found = {name: running.score() for name, running in self._running.items()}
        if self._labels is not None:
            means = self._labels.means(Processes())
            found |= {name: Score(means.get(name), found[name].pictures) for name in LABEL_METRICS if name in found}
        return found | {metric.name: Score(metric.value(), self.count) for metric in self.sets}

    def classes(self) -> tuple[ClassScore, ...]:
        """Return the scores of each class; none where targets are no label maps."""
        return () if self._labels is None else tuple(class_scores(self._labels.matrix, self._target.names))

    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Return the confusion matrix, rows the truth; empty without label maps, or of very many classes."""
        if self._labels is None or self._target.planes > _MOST_CONFUSED:
            return ()
        return tuple(map(tuple, self._labels.matrix.tolist()))

    def notes(self) -> list[str]:
        """Return what a reader of the scores should know."""
        notes = [metric.note for metric in self.sets if metric.note is not None]
        for name, running in self._running.items():
            if left := self.count - running.count:
                why = "no pixel of them has a class"
                if name in SMALLEST:
                    why = f"it takes {SMALLEST[name]} pixels or more on the shorter side"
                verb = "is" if left == 1 else "are"
                notes.append(f"{name}: {left} of {counted(self.count, 'picture')} {verb} left out; {why}.")
        return notes


def _set_metrics(
    names: Sequence[str],
    features: str | None,
    weights: Path | None,
    target: ImageSpec,
    pictures: int,
    device: torch.device,
    announce: Callable[[str], None],
) -> list[SetMetric]:
    found: list[SetMetric] = []
    chosen = [*(name for name in SET_METRICS if name in names), *([features] if features is not None else [])]
    for name in chosen:
        check_colours(name, target)
        if pictures < 2:
            raise DataError(f'"{name}" compares sets of pictures, and there is only one pair.')
        if name is features:
            found.append(KernelDistance(BackboneFeatures(name, weights, announce).to(device)))
        else:
            metric = inception(cast("Inception", name), pictures, announce)
            found.append(InceptionDistance(name, metric.to(device), pictures))
    return found
