"""A page, which every run keeps in its folder."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itrans.api import ImageArray


class TemplatePage:
    """Shows the newest numbers of a run in a small page, `numbers.html`."""

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Take the recipe and the run's folder."""
        self.path = folder / "numbers.html"
        self.title = recipe.get("title") or "a run"
        self.values: dict[str, float] = {}

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the numbers of a step."""
        self.values.update(values)
        self._write(f"step {step}")

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Take a picture, `(H, W, 3)` of uint8."""

    def finish(self, outcome: str) -> None:
        """Take how the run has ended."""
        self._write(outcome)

    def _write(self, state: str) -> None:
        lines = [f"{self.title}: {state}", *(f"{name} {value:.4g}" for name, value in self.values.items())]
        self.path.write_text(f"<meta charset='utf-8'><pre>{html.escape(chr(10).join(lines))}</pre>", encoding="utf-8")
