"""What an evaluation works with, checked before any picture is translated: the data set and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import (
    METRICS,
    DataError,
    MissingSplitError,
    Problem,
    RecipeError,
    counted,
    did_you_mean,
    kind_of,
    quoted,
    scale_of,
)
from itrans.commands import build_dataset, changes, measuring, pairs_digest, recipe_of
from itrans_evaluate.per_set import SET_METRICS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from itrans.api import Dataset, ImageSpec, Method, Split
    from itrans.commands import CheckpointFile, Recipe

_CHANGEABLE = ("dataset", "augment")
_NEEDED = ("method", "generator", "dataset")
"""The kinds of components that an evaluation has a use for."""


def evaluated_recipe(record: CheckpointFile, path: str | os.PathLike[str], overrides: Sequence[str]) -> Recipe:
    """Return a checkpoint's recipe, with other values for its data.

    Args:
        record: the checkpoint.
        path: its file.
        overrides: `key=value` texts, as given with `--set`.

    Raises:
        RecipeError: an override is wrong, or would change the networks.
        CheckpointError: a component is not installed.
    """
    if not overrides:
        return record.checked_recipe(path, _NEEDED)
    for assignment in overrides:
        key = assignment.partition("=")[0].strip()
        if key.partition(".")[0] not in _CHANGEABLE:
            raise RecipeError(
                Problem(
                    f"--set {assignment}",
                    key,
                    "An evaluation can change dataset.* and augment.*; all else is the checkpoint's.",
                )
            )
    return recipe_of(record.recipe, path, overrides=overrides, recorded=record.recorded, kinds=_NEEDED)


def evaluated_dataset(recipe: Recipe, split: Split, record: CheckpointFile, path: str | os.PathLike[str]) -> Dataset:
    """Return the split of a recipe's data set that a checkpoint is measured on.

    Raises:
        MissingSplitError: there is no such split.
        DataError: the data set is not there, is empty, or has other pictures than the checkpoint was trained on.
    """
    if missing := recipe.missing_data():
        raise DataError(
            f"The data set of {path} was in the folder {recipe.missing_folder}, which is not there. If it is "
            f"elsewhere: --set {missing.key}=FOLDER"
        )
    try:
        dataset = build_dataset(recipe, split)
    except MissingSplitError as error:
        raise MissingSplitError(f"{error}\nChoose another split with --split.") from error
    for side in ("source", "target"):
        here, learnt = getattr(dataset, side), getattr(record, side)
        ranges = [spec.range if spec.has_range else None for spec in (here, learnt)]
        if (here.kind, here.planes) != (learnt.kind, learnt.planes) or ranges[0] != ranges[1]:
            raise DataError(
                f"The {side}s of this data set are {_phrase(here)}, and {path} was trained on {_phrase(learnt)}."
            )
    return dataset


def refuse_other_scale(dataset: Dataset, method: Method, path: str | os.PathLike[str]) -> None:
    """Raise `DataError` if a data set's targets are not as many times as large as sources as a method's outputs."""
    wanted, made = scale_of(dataset), scale_of(method)
    if wanted != made:
        raise DataError(
            f"Targets of this data set are {wanted} times as large as their sources, and outputs of {path} {made} "
            "times: the scale of the data set and that of the generator have to be the same."
        )


def measured_split(dataset: Dataset, split: Split) -> Split:
    """Return the split whose pairs a data set has, where another one stands in for that which was asked for."""
    found: Split = getattr(dataset, "measured_split", split)
    return found


def was_chosen_on(record: CheckpointFile, recipe: Recipe, dataset: Dataset, split: Split) -> bool:
    """Return whether a checkpoint was chosen, among those of its run, by its score on the pairs that are measured.

    Args:
        record: the checkpoint.
        recipe: of the evaluation.
        dataset: what is measured.
        split: which part was asked for.
    """
    progress, chosen = record.progress, recipe.tables.validation.split
    if progress.best is None or progress.best_step != progress.step:
        return False
    if not _has_same_pairs(record, recipe):
        return False
    measured = measured_split(dataset, split)
    if chosen in {split, measured}:
        return True
    try:
        return measured_split(build_dataset(recipe, chosen), chosen) == measured
    except DataError:
        return False


def _has_same_pairs(record: CheckpointFile, recipe: Recipe) -> bool:
    """Return whether a recipe's data are those of a checkpoint, perhaps at another place."""
    differs = [change for change in changes(record.recipe, recipe, free=(), source="") if change.startswith("dataset.")]
    if not differs or not record.pairs:  # which older files do not have
        return all(change.startswith("dataset.root:") for change in differs)
    try:
        return pairs_digest(build_dataset(recipe, "train")) == record.pairs
    except DataError:
        return False


def check_names(metrics: Sequence[str]) -> None:
    """Raise `DataError` if there is no such metric."""
    for name in metrics:
        if name == measuring.SOURCE_L1:
            raise DataError(f'"{measuring.SOURCE_L1}" is measured along with "l1": ask for that.')
        known = METRICS.names()
        if name not in {*known, *SET_METRICS, *(origin.name for origin in METRICS.origins())} and ":" not in name:
            raise DataError(
                f'There is no metric "{name}".{did_you_mean(name, [*known, *SET_METRICS])} Of pairs: '
                f"{', '.join(known)}. Of whole sets: {', '.join(SET_METRICS)}, and --features."
            )


def chosen_metrics(metrics: Sequence[str], target: ImageSpec, *, paired: bool, other: bool) -> tuple[str, ...]:
    """Return the metrics to measure: those asked for or, by default, those that validation measures.

    Args:
        metrics: names that were asked for; empty for the default.
        target: what translations are.
        paired: whether the targets are what the outputs should be.
        other: whether something else is measured besides.

    Raises:
        DataError: a metric is not for such pictures.
    """
    labels = target.kind == "labels"
    if not paired:
        names = tuple(dict.fromkeys(metrics))
        wrong = [name for name in names if name not in SET_METRICS]
        if wrong or not (names or other):
            what = (
                f"{', '.join(quoted(wrong))} cannot be measured" if wrong else "there is nothing to measure by default"
            )
            raise DataError(
                f"This data set is unpaired: no target is what an output should be, and {what}. Metrics of whole "
                f"sets can be measured: --metrics {','.join(SET_METRICS)}, or --features timm:BACKBONE."
            )
        return names
    for name in metrics:
        if name in SET_METRICS:
            if labels:
                raise DataError(f'The metric "{name}" compares pictures, and this checkpoint makes label maps.')
            continue
        kinds = measuring.kinds_of(name)
        if labels and "labels" not in kinds:
            raise DataError(
                f'The metric "{name}" is for pictures, and this checkpoint makes label maps: choose among '
                f"{', '.join(kind_of(target).metrics)}."
            )
        if not labels and set(kinds) == {"labels"}:
            raise DataError(
                f'The metric "{name}" is for label maps, and this checkpoint makes pictures. Those of segmented '
                "pictures are measured with --segmenter CHECKPOINT."
            )
    return tuple(dict.fromkeys(metrics)) or kind_of(target).metrics


def _phrase(spec: ImageSpec) -> str:
    if spec.kind == "labels":
        return f"label maps of {spec.planes} classes"
    kind = "" if spec.kind == "image" else f" ({spec.kind})"
    values = " from {:g} to {:g}".format(*spec.range) if spec.has_range else ""
    return f"pictures of {counted(spec.channels, 'channel')}{kind}{values}"
