"""Grids of held-out pairs, drawn as a run goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itrans.pictures.spec import ImageArray
    from itrans.recipe.schema import Log
    from itrans.training.record import RunFolder
    from itrans.training.validation import Validator

_SECONDS, _PART = 30.0, 0.05
"""Between grids, where the recipe says "auto": half a minute or, in long runs, a twentieth of the time so far."""


class Samples:
    """Draws a grid with the first call, then every so often, and whenever it is told to.

    Nothing is drawn without a validator, or without a folder: all processes but the first have none. The caption is
    written below each grid.

    Attributes:
        latest: the last grid that was written, or None.
    """

    def __init__(
        self,
        settings: Log,
        validator: Validator | None,
        folder: RunFolder | None,
        caption: str,
        tell: Callable[[int, ImageArray], None],
    ) -> None:
        self._tell = tell
        self._validator = validator if settings.pictures else None
        self._minutes, self._folder, self._caption = settings.pictures_minutes, folder, caption
        self._began = time.monotonic()
        self._drawn_at: float | None = None
        self.latest: Path | None = None

    def draw_if_due(self, step: int) -> None:
        """Draw `step-NNNNNNN.png` if it is time for a grid.

        Raises:
            DataError: a pair cannot be read.
            OutputError: the grid cannot be written.
        """
        now = time.monotonic()
        pause = max(_SECONDS, _PART * (now - self._began)) if self._minutes == "auto" else 60 * self._minutes
        if pause and (self._drawn_at is None or now - self._drawn_at >= pause):
            self.draw(f"step-{step:07d}", step)

    def draw(self, name: str, step: int) -> None:
        """Draw a grid of that name; raises what `draw_if_due` raises."""
        if self._validator is None or self._folder is None:
            return
        rows = self._validator.rows()
        if rows:
            from itrans.pictures.grid import grid

            picture = grid(rows, self._caption)
            self.latest = self._folder.write_sample(name, picture)
            self._tell(step, picture)
        self._drawn_at = time.monotonic()
