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
from itrans.cores import cores
from itrans.errors import CheckpointError, DataError, OutputError
from itrans.files import remove_abandoned, replacing, writing
from itrans.training.lock import lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.pictures.spec import ImageArray

_SHOWN = 60
"""Characters of a line that is no line of a log."""


class RunFolder:
    """Where a run writes.

    Attributes:
        path: the folder; made when it is first written to.
        last: the checkpoint that `--resume` goes on from.
        best: the checkpoint with the best validation so far.
        log_path: the log.
        sample_note: what is said of sample data, where they stand in.
        page: what shows the run in a browser, where there is one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.pt"
        self.best = self.checkpoints / "best.pt"
        self.log_path = path / "log.jsonl"
        self.sample_note = path / "SAMPLE.txt"
        self.page = path / "index.html"

    @property
    def result(self) -> Path:
        """The checkpoint to use: the best or, where nothing was validated, the last."""
        return self.best if self.best.is_file() else self.last

    def refuse_if_used(self) -> None:
        """Raise `OutputError` if a run has left checkpoints here, which a new run would overwrite."""
        if any(self.checkpoints.glob("*.pt")):
            raise OutputError(
                f"{self.path} already holds a run. Continue it: --resume. Or write to another folder: -o DIR."
            )
        if any(self.path.glob("*.safetensors")):
            raise OutputError(f"{self.path} holds an exported checkpoint. Write to another folder: -o DIR.")

    def resumable(self) -> list[Path]:
        """Return the checkpoints that a run can go on from: the last one, and those of steps, the newest first.

        Raises:
            CheckpointError: there are none.
        """
        found = [path for path in (self.last, *reversed(step_checkpoints(self.checkpoints))) if path.is_file()]
        if not found:
            used = any(self.checkpoints.glob("*.pt"))
            advice = "Start a new run in another folder: -o DIR." if used else "Run it without --resume."
            raise CheckpointError(f"There is nothing to resume: {self.last} does not exist. {advice}")
        return found

    def start(self, recipe: Mapping[str, Any], sample: str | None, *, resumed: bool = False) -> None:
        """Write the resolved recipe, and the note about sample data; remove what killed processes have left.

        If the run is resumed, its log is kept.

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

    def last_start(self) -> dict[str, Any]:
        """Return what was logged when the run was last started; nothing where it never was."""
        return next((event for event in reversed(self.events()) if event["event"] == "start"), {})

    def locked(self, note: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """Keep all other processes out of the folder for as long as a block lasts; see `itrans.training.lock`."""
        return lock(self.path, note)

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
        """Drop the lines that a killed run has logged after its last checkpoint: it will log them again.

        Those of steps after `step` go, and validations after the step `validated`.

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
    """Return the command line, the versions, and with how many threads on how many cores, for the log."""
    import torch

    versions = {"itrans": __version__, "torch": str(torch.__version__), "python": platform.python_version()}
    return {"command": sys.argv, "versions": versions, "threads": torch.get_num_threads(), "cores": cores()}


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log, the oldest first; none where there is no such file.

    Each has an `event` and a `step`, of a validation also `better` and `metrics`, of an end its `outcome`. An
    unfinished last line is left out: a killed run, or a power cut, leaves one behind.

    Raises:
        DataError: it cannot be read, or has a line that no run has written; the message names file and line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        what = "is a folder" if path.is_dir() else f"cannot be read: {error.strerror or error}"
        raise DataError(f"{path} {what}. A run logs there; move it away, or choose another folder: -o DIR.") from error
    found = []
    for number, line in enumerate(lines, start=1):
        is_last = number == len(lines)
        if is_last:
            line = line.strip(b"\0")  # where a file was going to end, a power cut may leave zeros
        entry = _value_of(line)
        if not line.strip() or (entry is None and is_last and line.startswith(b"{")):
            continue
        if not _is_event(entry):
            shown = line[:_SHOWN].decode("ascii", "backslashreplace") + ("..." if len(line) > _SHOWN else "")
            raise DataError(
                f"{path}:{number} is not a line of a run's log: {shown!r}. Mend or remove the line, or move the file "
                "away; the checkpoints do without it."
            )
        found.append(entry)
    return found


def _value_of(line: bytes) -> Any:
    """Return a line's value; None where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_event(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    event, step = entry.get("event"), entry.get("step")
    if not isinstance(event, str) or type(step) is not int or step < 0:
        return False
    if event == "validation":
        metrics = entry.get("metrics")
        return (
            isinstance(entry.get("better"), bool)
            and isinstance(metrics, dict)
            and all(type(value) in {int, float} for value in metrics.values())
        )
    return event != "end" or isinstance(entry.get("outcome"), str)
