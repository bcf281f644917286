"""Which state of a run is the best by its held-out pairs, and whether any has got better lately."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itrans.engine.metrics import BETTER_IS_LOWER
from itrans.engine.validate import Validator
from itrans.errors import DataError, MissingSplitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itrans.engine.checkpoint import Progress
    from itrans.engine.pictures import Row
    from itrans.engine.runtime import Runtime
    from itrans.engine.saving import Saver
    from itrans.protocols import Method
    from itrans.recipe.load import Recipe


@dataclass(frozen=True)
class Validation:
    """What a look at the held-out pairs has found.

    Attributes:
        metrics: the mean of each; empty where nothing can be measured.
        rows: pairs to look at.
        better: whether what decides was never as good before.
    """

    metrics: Mapping[str, float]
    rows: Sequence[Row]
    better: bool


class Selection:
    """Validates a run, keeps the best value in its progress, and counts the validations since.

    Args:
        recipe: says how often, by which metric and with how much patience.
        method: translates.
        runtime: where.
        saver: knows the last good checkpoint, should a measure no longer be finite.
        note: told once if nothing will be measured.

    Raises:
        DataError: the recipe has patience, and there is nothing to measure.
    """

    def __init__(
        self, recipe: Recipe, method: Method, runtime: Runtime, saver: Saver, note: Callable[[str], None]
    ) -> None:
        self._settings, self._saver = recipe.tables.validation, saver
        self._validator = self._made_validator(recipe, method, runtime, note) if self._settings.every else None

    def is_due(self, progress: Progress, *, is_over: bool) -> bool:
        """Return whether to validate after the epochs that are complete; `is_over`: there will be no more."""
        if self._validator is None:
            return False
        return progress.epoch % self._settings.every == 0 or is_over

    def is_stale(self, progress: Progress) -> bool:
        """Return whether as many validations have passed without a better one as the recipe has patience for."""
        patience = self._settings.patience
        return patience is not None and progress.stale >= patience

    def validate(self, progress: Progress) -> Validation:
        """Measure the held-out pairs and note in the run's progress whether they were never translated as well.

        Raises:
            TrainingError: what decides is no longer finite; the last good checkpoint is named.
            DataError: the metric is not one for such pictures.
        """
        assert self._validator is not None, "a validation is due only where there is something to look at"
        metrics, rows = self._validator()
        if not self._validator.measures:
            return Validation({}, rows, better=False)
        metric = self._validator.metric
        value = metrics.get(metric)
        if value is None:
            raise DataError(
                f'validation.metric = "{metric}" cannot be measured here. What can be: {", ".join(metrics)}.'
            )
        if not math.isfinite(value):
            raise self._saver.not_finite([f"the {metric} of the validation"], progress.step)
        sign = 1 if BETTER_IS_LOWER[metric] else -1
        better = progress.best is None or sign * value < sign * progress.best
        if better:
            progress.best, progress.best_step, progress.stale = value, progress.step, 0
        else:
            progress.stale += 1
        return Validation(metrics, rows, better)

    def _made_validator(
        self, recipe: Recipe, method: Method, runtime: Runtime, note: Callable[[str], None]
    ) -> Validator | None:
        patience = self._settings.patience
        try:
            validator = Validator(recipe, method, runtime)
        except MissingSplitError as error:
            if patience is not None:
                raise DataError(f"validation.patience needs held-out pairs. {error}") from error
            note(f"Nothing will be measured, and there will be no best.pt. {error}")
            return None
        if not validator.measures:
            if patience is not None:
                raise DataError("validation.patience needs a measure, and outputs of unpaired data have no target.")
            note("The held-out pictures are no pairs: nothing is measured, there is no best.pt.")
        return validator
