"""A run's folder: its recipe, its log, its samples and its checkpoints."""

from __future__ import annotations

import contextlib
import json
import platform
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from itrans import __version__
from itrans.checkpoint.places import step_checkpoints
from itrans.errors import CheckpointError, OutputError
from itrans.files import remove_abandoned, replacing, writing
from itrans.training.lock import locked
from itrans.training.log_lines import read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.pictures.spec import ImageArray


class RunFolder:
    """Where a run writes.

    Args:
        path: the folder; made when it is first written to.

    Attributes:
        last: the checkpoint that `--resume` goes on from.
        best: the checkpoint with the best validation so far.
        log_path: the log.
        sample_note: what is said of sample data, where they stand in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.pt"
        self.best = self.checkpoints / "best.pt"
        self.log_path = path / "log.jsonl"
        self.sample_note = path / "SAMPLE.txt"

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

    def resumable(self) -> list[Path]:
        """Return the checkpoints that a run can go on from: the last one, and those of steps, the newest first.

        Raises:
            CheckpointError: there are none.
        """
        found = [path for path in (self.last, *reversed(step_checkpoints(self.checkpoints))) if path.is_file()]
        if not found:
            used = any(self.checkpoints.glob("*.pt"))
            advice = "Start anew in another folder: -o DIR." if used else "Run it without --resume."
            raise CheckpointError(f"There is nothing to resume: {self.last} does not exist. {advice}")
        return found

    def start(self, recipe: Mapping[str, Any], sample: str | None, *, resumed: bool = False) -> None:
        """Write the resolved recipe, and a note if sample data stands in; remove what killed processes have left.

        Args:
            recipe: as it is now: a run that goes on may have got a new length.
            sample: see `Trainer`.
            resumed: keep the log of what has been before.

        Raises:
            OutputError: the folder cannot be written to.
        """
        for folder in (self.path, self.checkpoints, self.path / "samples"):
            remove_abandoned(folder)
        comment = "# The recipe of this run, with every default written out.\n"
        if sample is not None:
            comment += f"# {sample}\n"
            self._write(self.sample_note.name, sample + "\n")
        self._write("recipe.toml", comment + tomli_w.dumps(recipe))
        if not resumed:
            with writing(self.log_path):
                self.log_path.unlink(missing_ok=True)

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of the log; see `read_log`."""
        return read_log(self.log_path)

    def locked(self, note: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """Keep all other processes out of the folder for as long as a block lasts; see `itrans.training.lock`."""
        return locked(self.path, note)

    def log(self, event: str, **values: Any) -> None:
        """Append a line to `log.jsonl`, with the time.

        Raises:
            OutputError: the line cannot be written.
        """
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, **values, "time": now}) + "\n"
        with writing(self.log_path), self.log_path.open("a", encoding="utf-8") as file:
            file.write(line)

    def rewind_log(self, step: int, validated: int) -> None:
        """Drop what a killed run has logged after its checkpoint and will now log again.

        Args:
            step: lines of later ones go.
            validated: validations of later steps go.

        Raises:
            DataError: the file is not what a run has logged; it is left as it is.
        """
        found = self.events()
        bounds = {"validation": validated}
        kept = [json.dumps(entry) + "\n" for entry in found if entry["step"] <= bounds.get(entry["event"], step)]
        if found or self.log_path.exists():
            self._write("log.jsonl", "".join(kept))

    def step_checkpoint(self, step: int) -> Path:
        """Return the path of a step's checkpoint."""
        return self.checkpoints / f"step-{step:07d}.pt"

    def prune_step_checkpoints(self, keep: int) -> None:
        """Delete all but the newest step checkpoints."""
        for path in step_checkpoints(self.checkpoints)[:-keep]:
            with writing(path):
                path.unlink()

    def write_sample(self, name: str, picture: ImageArray) -> Path:
        """Write a grid of samples and return its path."""
        from itrans.pictures.writing import write_image

        path = self.path / "samples" / f"{name}.png"
        write_image(path, picture)
        return path

    def _write(self, name: str, text: str) -> None:
        with replacing(self.path / name) as file:
            file.write(text.encode("utf-8"))


def circumstances() -> dict[str, Any]:
    """Return the command and the versions that a run goes on with, for its log."""
    import torch

    versions = {"itrans": __version__, "torch": str(torch.__version__), "python": platform.python_version()}
    return {"command": sys.argv, "versions": versions}
