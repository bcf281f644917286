"""The trackers of a run: told what its log is told, and never in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.errors import ItransError, error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Tracker
    from itrans.recipe.load import Recipe


class Trackers:
    """Hands on to the trackers of a recipe; one that fails is reported once, and left out from then on.

    Args:
        recipe: names them.
        note: told of a failure.
        step: that the run goes on from; 0 for a new one.
    """

    def __init__(self, recipe: Recipe, note: Callable[[str], None], step: int = 0) -> None:
        self._recipe, self._note = recipe, note
        self._trackers: dict[str, Tracker] = {}
        for position, table in enumerate(recipe.tables.tracker):
            name = table.name if table.name not in self._trackers else f"{table.name}-{position + 1}"
            self._guard(name, lambda p=position, n=name: self._build(n, p, step))  # type: ignore[misc]

    def start(self, folder: Path) -> None:
        """Say that the run begins, or goes on, in a folder."""
        self._tell(lambda tracker: tracker.start(self._recipe.resolved, folder))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Hand on numbers."""
        self._tell(lambda tracker: tracker.scalars(step, dict(values)))

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Hand on a picture, `(H, W, 3)` of uint8."""
        self._tell(lambda tracker: tracker.pictures(step, name, image.copy()))

    def finish(self, outcome: str) -> None:
        """Say how the run has ended."""
        self._tell(lambda tracker: tracker.finish(outcome))

    def _build(self, name: str, position: int, step: int) -> None:
        self._trackers[name] = self._recipe.build("tracker", position=position, step=step)

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guard(name, lambda tracker=tracker: call(tracker))  # type: ignore[misc]

    def _guard(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except (Exception, SystemExit) as error:  # of a library, or a server that is not there
            reason = str(error) if isinstance(error, ItransError) else error_text(error)
            self._note(f'The tracker "{name}" has failed, and is told nothing more; the run goes on. {reason}')
            self._trackers.pop(name, None)
