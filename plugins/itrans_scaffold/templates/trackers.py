"""A tracker, to follow runs with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itrans.api import ImageArray


class TemplateTracker:
    """Writes everything that it gets into a file in the run's folder, a line each.

    Args:
        file: its name.
    """

    def __init__(self, *, file: str = "notes.txt") -> None:
        self.file = file

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Take the recipe and the run's folder."""
        self.path = folder / self.file
        self._write(f"{recipe.get('title') or 'a run'} begins")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the numbers of a step."""
        self._write(f"step {step}: {', '.join(f'{name} {value:.4g}' for name, value in values.items())}")

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Take a picture, `(H, W, 3)` of uint8."""
        self._write(f"step {step}: {name}, {image.shape[1]}x{image.shape[0]} pixels")

    def finish(self, outcome: str) -> None:
        """Take how the run has ended."""
        self._write(outcome)

    def _write(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
