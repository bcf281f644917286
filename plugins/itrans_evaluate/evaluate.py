"""A checkpoint and a split of its data set -> scores; memory does not grow with the number of pictures."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal

import torch

from itrans.api import Batch, DataError, DeviceError
from itrans.commands import (
    Translator,
    checkpoint_path,
    devices,
    held_out_batches,
    load_checkpoint,
    measuring,
    processes,
)
from itrans_evaluate.choice import (
    check_names,
    chosen_metrics,
    evaluated_dataset,
    evaluated_recipe,
    measured_split,
    refuse_other_scale,
    was_chosen_on,
)
from itrans_evaluate.findings import Findings, shown_target
from itrans_evaluate.per_set import SET_METRICS, set_metrics
from itrans_evaluate.result import Evaluation
from itrans_evaluate.segmenter import Segmenter

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from itrans.api import Split

_PRECISIONS: dict[torch.dtype, devices.Precision] = {
    torch.float32: "fp32",
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
}


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
    mode: Literal["paper", "running"] = "paper",
    seed: int | None = None,
    device: str = "auto",
    precision: devices.Precision = "auto",
    options: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    picture: Callable[[str, Mapping[str, float | None]], None] = lambda _key, _values: None,
) -> Evaluation:
    """Measure a checkpoint's translations against their targets, unrounded, as validation does.

    Pictures are scaled, cropped and batched as in validation. With the same precision and device, the numbers are those
    that the run has logged, to the last bit.

    Args:
        checkpoint: a `.pt` file of a run, or the run's folder, which stands for its best checkpoint or, without
            validation, its last.
        split: the part of the data set.
        metrics: their names; by default `l1`, `psnr` and `ssim`, or for label maps the scores of segmentation.
        segmenter: a checkpoint from photos to label maps, for one from label maps to photos: the FCN score.
        features: `timm:BACKBONE` or `random:BACKBONE`, for the kernel distance.
        weights: a file with the backbone's weights; None has timm download them.
        overrides: other values of `dataset.*` and `augment.*`, as `key=value`.
        pairs: measure only this many pairs, from the first on.
        keep: how many pairs, from the first on, are returned with their translations.
        direction: for a method that translates both ways; the second direction takes the data set's targets as sources.
            None is the first.
        mode: `paper` or `running`, see `itrans.api.load`.
        seed: of dropout and noise; None is the recipe's.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: of the translations: `fp32`, `bf16`, `fp16`, or `auto` for that of the training, if the device has
            it.
        options: of the method, by name, where it has some.
        announce: told before something is downloaded.
        progress: told how many pictures are done, and of how many.
        picture: told each pair's key and values; a value is None if the picture is too small for it.

    Raises:
        ItransError: an argument is wrong; unless a picture is at fault, nothing has been translated then.
    """
    plan = Plan(
        checkpoint,
        split=split,
        metrics=metrics,
        segmenter=segmenter,
        features=features,
        weights=weights,
        overrides=overrides,
        pairs=pairs,
        keep=keep,
        direction=direction,
        mode=mode,
        seed=seed,
        device=device,
        precision=precision,
        options=options,
    )
    return plan.run(announce, progress, picture)


class Plan:
    """A checkpoint and its data, ready to be measured; nothing is downloaded yet, and nothing translated.

    Args: see `evaluate_checkpoint`.

    Attributes:
        checkpoint: the file.
        direction: which way is measured, of a method that translates both ways; None for all others.
        processes: those that translate, as `torchrun` has started them. The first one measures, in the order of the
            pairs, so that the numbers are those of a single process.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        *,
        split: Split,
        metrics: Sequence[str],
        segmenter: str | os.PathLike[str] | None,
        features: str | None,
        weights: Path | None,
        overrides: Sequence[str],
        pairs: int | None,
        keep: int,
        direction: str | None,
        mode: Literal["paper", "running"],
        seed: int | None,
        device: str,
        precision: devices.Precision,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        check_names(metrics)
        if weights is not None and features is None:
            raise DataError(f"--weights {weights} are for --features timm:BACKBONE, which is not given.")
        path = checkpoint_path(checkpoint)
        self._record = record = load_checkpoint(path)
        self._recipe = recipe = evaluated_recipe(record, path, overrides)
        train = recipe.tables.train
        self.processes = processes.processes_here()
        self._device = devices.choose_device(device, self.processes.local_rank)
        self._mode, self._split, self._keep = mode, split, keep
        self._seed = recipe.tables.seed if seed is None else seed
        if precision == "auto":
            try:
                dtype = devices.choose_dtype(train.precision, self._device, record.source, record.target)
                precision = _PRECISIONS[dtype]
            except DeviceError:
                dtype = torch.float32  # a precision that this device has not
        else:
            dtype = devices.choose_dtype(precision, self._device)
        self._memory_format = devices.memory_format_at_test_time(self._device, dtype)
        self._translator = Translator(
            path, device=str(self._device), mode=mode, seed=self._seed, precision=precision, record=record
        )
        self._translator.specs(direction)
        self._dataset = dataset = evaluated_dataset(recipe, split, record, path)
        refuse_other_scale(dataset, self._translator.method, path)
        directions = self._translator.directions
        self.checkpoint = str(path)
        self.direction = (direction or directions[0]) if len(directions) > 1 else None
        self._way = direction
        self._sides = self._translator.sides(direction)
        self._source, self._target = (getattr(dataset, side) for side in self._sides)
        self._options = dict(options or {})
        self._translator.accepted.checked_options(self._options)
        self._paired = bool(getattr(dataset, "paired", True))
        self._names = chosen_metrics(metrics, self._target, paired=self._paired, other=features is not None)
        self._total = min(len(dataset), pairs or len(dataset))
        self._segmenter, self._features, self._weights = segmenter, features, weights

    def run(
        self,
        announce: Callable[[str], None] = lambda _: None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        picture: Callable[[str, Mapping[str, float | None]], None] = lambda _key, _values: None,
    ) -> Evaluation:
        """Measure; see `evaluate_checkpoint`. Of several processes, this is for the first."""
        with processes.process_group(self.processes, self._device):
            return self._measured(announce, progress, picture)

    def help(self) -> None:
        """Translate this process's share for the first one."""
        with processes.process_group(self.processes, self._device):
            try:
                for batch in self._batches():
                    self.processes.send(self._translate(batch))
            except BaseException:
                self.processes.send(None)
                raise
            self.processes.wait()

    def _measured(
        self,
        announce: Callable[[str], None],
        progress: Callable[[int, int], None],
        picture: Callable[[str, Mapping[str, float | None]], None],
    ) -> Evaluation:
        source, target, translator = self._source, self._target, self._translator
        shown = shown_target(source, target)
        found = Findings(
            [name for name in self._names if name not in SET_METRICS] if self._paired else [],
            set_metrics(self._names, self._features, self._weights, shown, self._total, self._device, announce),
            source,
            target,
            self._device,
            announce,
            picture,
            self._keep,
        )
        segmenter = None
        if self._segmenter is not None:
            segmenter = Segmenter(self._segmenter, source, target, self._device, paired=self._paired)
        progress(0, self._total)
        for measurement in measuring.measurements_of(
            self._batches(), self._by_turns(), found.meters, target, self.checkpoint
        ):
            arrays = found.add(measurement)
            if segmenter is not None:
                segmenter.add(measurement.batch.source, *arrays)
            progress(found.count, self._total)
        self.processes.wait()
        best, worst = found.extremes.best(), found.extremes.worst()
        return Evaluation(
            checkpoint=self.checkpoint,
            title=translator.title,
            sample=translator.sample,
            attribution=str(getattr(self._dataset, "attribution", "")),
            split=self._split,
            measured_split=measured_split(self._dataset, self._split),
            chosen=was_chosen_on(self._record, self._recipe, self._dataset, self._split),
            pictures=self._total,
            direction=self.direction,
            mode=self._mode,
            seed=self._seed,
            options=self._options,
            step=self._record.progress.step,
            scores=found.scores(),
            classes=found.classes(),
            confusion=found.confusion(),
            segmented={} if segmenter is None else segmenter.scores(),
            notes=tuple(found.notes()),
            ranked_by=found.first if best else None,
            best=best,
            worst=worst,
            first=tuple(found.kept),
        )

    def _by_turns(self) -> Callable[[Batch], Tensor]:
        """Return what translates one batch after the other, or has it from the process whose turn it is."""
        turns = itertools.cycle(range(self.processes.count))

        def translation(batch: Batch) -> Tensor:
            rank = next(turns)
            if rank == 0:
                return self._translate(batch)
            received = self.processes.receive(rank).to(self._device)
            return received.contiguous(memory_format=self._memory_format)

        return translation

    def _translate(self, batch: Batch) -> Tensor:
        given = self._translator.accepted.of_batch(batch.extras, self._options).arguments
        output = self._translator.translate_planes(batch.source, self._way, **given)
        # As it lies in training, for the last bit of a mean depends on the order in which it is summed.
        return output.contiguous(memory_format=self._memory_format)

    def _batches(self) -> Generator[Batch]:
        share = processes.Processes() if self.processes.is_first else self.processes  # the first one needs all targets
        found = held_out_batches(
            self._recipe, self._dataset, self._total, self._device, self._memory_format, processes=share, whole=True
        )
        for batch in found:
            taken, made = (getattr(batch, side) for side in self._sides)
            yield Batch(taken, made, batch.keys, batch.extras)
