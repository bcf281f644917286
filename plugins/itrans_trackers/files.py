"""A run as lines of JSON, to be read with a text editor or pandas."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itrans.api import ImageArray


class JSONLines:
    """Appends a line for each group of numbers to a file: `{"step": 50, "loss/l1": 0.21, "lr": 0.0002}`.

    The run's own `log.jsonl`, which is always written, has more detail; this file is flat:
    `pandas.read_json("runs/mine/scalars.jsonl", lines=True)`.

    Args:
        file: its name in the run's folder, such as `scalars.jsonl`.
        step: the step at which the run begins: lines of later steps, which will be written again, are dropped.

    Raises:
        ValueError: it is no name of a `.jsonl` file, or that of the run's log.
    """

    def __init__(self, *, file: str = "scalars.jsonl", step: int = 0) -> None:
        if not re.fullmatch(r"[\w.-]+\.jsonl", file) or file == "log.jsonl":
            raise ValueError(f'"file" is {file}, but should be a name that ends in .jsonl, other than log.jsonl')
        self._file, self._step = file, step

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Begin the file, or drop what a killed run has written after its checkpoint."""
        self._path = folder / self._file
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._step and self._path.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self._step]
        self._path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Append a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Do nothing: the run's folder has them."""

    def finish(self, outcome: str) -> None:
        """Do nothing: the log has it."""
