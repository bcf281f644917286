"""Which state of a run is the best by its held-out pairs, and whether any has got better lately."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itrans.errors import DataError, MissingSplitError, counted
from itrans.metrics.measuring import SOURCE_L1
from itrans.training.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.checkpoint.file import Progress
    from itrans.protocols import Method
    from itrans.recipe.load import Recipe
    from itrans.training.runtime import Runtime
    from itrans.training.saving import Saver


_FEW = 8
"""Of fewer held-out pairs than these, the best checkpoint is a matter of luck."""


@dataclass(frozen=True)
class Validation:
    """What a look at the held-out pairs has found.

    Attributes:
        metrics: the mean of each; empty where nothing can be measured.
        value: of the metric that decides; None where nothing can be measured.
        better: whether it was never as good before.
    """

    metrics: Mapping[str, float]
    value: float | None = None
    better: bool = False

    def counted(self, progress: Progress) -> Progress:
        """Return a run's progress with this validation in it."""
        if self.value is None:
            return progress
        if self.better:
            return replace(progress, best=self.value, best_step=progress.step, stale=0)
        return replace(progress, stale=progress.stale + 1)


class Selection:
    """Validates a run, keeps the best value in its progress, and counts the validations since.

    Args:
        recipe: says how often, by which metric and with how much patience.
        method: translates.
        runtime: where.
        saver: knows the last good checkpoint, should a measure no longer be finite.
        note: told once if nothing will be measured, or little.
        skipped: see `Validator`.

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
        self._skipped = skipped
        self._settings, self._saver = recipe.tables.validation, saver
        self.source_l1: float | None = None
        self.validator = self._made_validator(recipe, method, runtime, note) if self._settings.every else None

    @property
    def metric(self) -> str:
        """What decides which state is the best; an empty text where nothing is measured."""
        return "" if self.validator is None else self.validator.metric

    def is_due(self, epochs: int, *, is_over: bool) -> bool:
        """Return whether to validate after so many complete epochs; `is_over`: there will be no more."""
        if self.validator is None:
            return False
        return epochs % self._settings.every == 0 or is_over

    def is_stale(self, progress: Progress) -> bool:
        """Return whether as many validations have passed without a better one as the recipe has patience for."""
        patience = self._settings.patience
        return patience is not None and progress.stale >= patience

    def validate(
        self, progress: Progress, is_urgent: Callable[[], bool], done: Callable[[int, int], None]
    ) -> Validation | None:
        """Measure the held-out pairs, and compare with what was the best so far.

        Args:
            progress: the run's, which is left as it is.
            is_urgent: asked now and then whether to give up.
            done: told how many pairs are done, and how many there are.

        Returns:
            What was found, or None if it was given up.

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
        return Validation(metrics, value, progress.best is None or sign * value < sign * progress.best)

    def _made_validator(
        self, recipe: Recipe, method: Method, runtime: Runtime, note: Callable[[str], None]
    ) -> Validator | None:
        patience = self._settings.patience
        try:
            validator = Validator(recipe, method, runtime, self._skipped)
        except MissingSplitError as error:
            if patience is not None:
                raise DataError(f"validation.patience needs held-out pairs. {error}") from error
            note(f"Nothing will be measured, and there will be no best.pt. {error}")
            return None
        if not validator.measures:
            if patience is not None:
                raise DataError("validation.patience needs a measure, and outputs of unpaired data have no target.")
            note("The held-out pictures are no pairs: nothing is measured, there is no best.pt.")
        elif validator.length < _FEW:
            pairs = counted(validator.length, "held-out pair")
            note(f"With {pairs}, which checkpoint is the best is a matter of luck: hold out more, or use last.pt.")
        return validator
