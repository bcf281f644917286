"""A run's folder: its recipe, its log, its samples and its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from itrans.engine.log_lines import read_log
from itrans.errors import CheckpointError, OutputError
from itrans.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itrans.engine.pictures import Row

SAMPLE_NOTE = "SAMPLE.txt"


class RunFolder:
    """Where a run writes.

    Args:
        path: the folder; made when it is first written to.

    Attributes:
        last: the checkpoint that `--resume` goes on from.
        best: the checkpoint with the best validation so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.pt"
        self.best = self.checkpoints / "best.pt"
        self._log = path / "log.jsonl"

    @property
    def result(self) -> Path:
        """The checkpoint to use: the best or, where nothing was validated, the last."""
        return self.best if self.best.is_file() else self.last

    def refuse_if_used(self) -> None:
        """Raise `OutputError` if a run has left checkpoints here, which a new run would overwrite."""
        if any(self.checkpoints.glob("*.pt")):
            raise OutputError(
                f"{self.path} holds a run already. Go on with it: --resume. Or write to another folder: -o DIR."
            )
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path} is a file; a run needs a folder. Choose another: -o DIR.")

    def refuse_if_empty(self) -> None:
        """Raise `CheckpointError` if there is nothing to resume."""
        if not self.last.is_file():
            used = any(self.checkpoints.glob("*.pt"))
            advice = "Start anew in another folder: -o DIR." if used else "Run it without --resume."
            raise CheckpointError(f"There is nothing to resume: {self.last} does not exist. {advice}")

    def start(self, recipe: Mapping[str, Any], sample: str | None) -> None:
        """Write the resolved recipe, and a note if sample data stands in.

        Raises:
            OutputError: the folder cannot be written to.
        """
        comment = "# The recipe of this run, with every default written out.\n"
        if sample is not None:
            comment += f"# {sample}\n"
            self._write(SAMPLE_NOTE, sample + "\n")
        self._write("recipe.toml", comment + tomli_w.dumps(recipe))
        self._log.unlink(missing_ok=True)

    def log(self, event: str, **values: Any) -> None:
        """Append a line to `log.jsonl`."""
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")

    def rewind_log(self, step: int) -> None:
        """Drop the lines of steps after a checkpoint's, which a killed run has logged and will now log again.

        Raises:
            DataError: the file is not what a run has logged; it is left as it is.
        """
        kept = [json.dumps(entry) + "\n" for entry in read_log(self._log) if entry["step"] <= step]
        if kept or self._log.exists():
            self._write("log.jsonl", "".join(kept))

    def step_checkpoint(self, step: int) -> Path:
        """Return the path of a step's checkpoint."""
        return self.checkpoints / f"step-{step:07d}.pt"

    def prune_step_checkpoints(self, keep: int) -> None:
        """Delete all but the newest step checkpoints, and what an earlier kill left half-written."""
        for path in sorted(self.checkpoints.glob("step-*.pt"))[:-keep]:
            path.unlink()
        for path in self.checkpoints.glob(".*.tmp"):
            path.unlink()

    def write_samples(self, name: str, rows: Sequence[Row], caption: str) -> Path:
        """Write a grid of samples and return its path."""
        from itrans.data.images import write_image
        from itrans.engine.pictures import grid

        path = self.path / "samples" / f"{name}.png"
        write_image(path, grid(rows, caption))
        return path

    def _write(self, name: str, text: str) -> None:
        with replacing(self.path / name) as file:
            file.write(text.encode("utf-8"))
