"""What a run has left in its folder, read for its page."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itrans.api import DataError, OutputError, printable
from itrans.commands import RunFolder, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEPT = "page"
"""The folder in a run's folder for what its page is drawn from, besides the log and the samples."""

_OUTCOMES = {"finished", "early", "interrupted", "failed"}


@dataclass(frozen=True)
class Record:
    """What a run has left.

    Attributes:
        path: its folder.
        recipe: with every default.
        recipe_text: the same, as it stands in its file.
        events: the lines of its log, the oldest first.
        sample: what is said of sample data; empty where the data are the recipe's own.
        state: `running`, `finished`, `early`, `interrupted`, `failed`; or `stopped`, if it ended without a word.
    """

    path: Path
    recipe: Mapping[str, Any]
    recipe_text: str
    events: list[dict[str, Any]]
    sample: str
    state: str

    def events_of(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of the log of one kind, such as `validation`."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def last_step(self) -> int:
        """The step of the last line of the log; 0 without one."""
        return max((event["step"] for event in self.events), default=0)


def is_run(path: Path) -> bool:
    """Whether a folder holds a run."""
    return (path / "recipe.toml").is_file() and (path / "log.jsonl").is_file()


def read_record(path: Path, state: str | None = None) -> Record:
    """Return what a run has left in its folder.

    Args:
        path: the folder.
        state: that of the run, where the caller knows it; left out, it is told by what is in the folder.

    Raises:
        DataError: a file of it cannot be read, or is damaged; the message names it.
    """
    folder = RunFolder(path)
    text = _text(path / "recipe.toml")
    try:
        recipe = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path / 'recipe.toml'} is damaged: {error}.") from error
    if folder.log_path.exists() and not folder.log_path.is_file():
        raise DataError(f"{folder.log_path} is not a file.")  # a device may have no end
    events = folder.events()
    sample = _text(folder.sample_note).strip() if folder.sample_note.is_file() else ""
    return Record(path, recipe, text, events, sample, state or _state(folder, events))


def note_outcome(path: Path, outcome: str | None, step: int) -> None:
    """Note how a run has ended, where its log does not say so; None takes the note back."""
    file = path / KEPT / "outcome.json"
    if outcome is None:
        file.unlink(missing_ok=True)
    else:
        with replacing(file) as written:
            written.write(json.dumps({"outcome": outcome, "step": step}).encode("ascii"))


def number(entry: Mapping[str, Any], key: str) -> float | None:
    """Return a number of a line of the log; None where there is none."""
    value = entry.get(key)
    return value if type(value) in {int, float} else None


def _state(folder: RunFolder, events: list[dict[str, Any]]) -> str:
    last = events[-1] if events else {}
    if last.get("event") == "end":
        return last["outcome"] if last["outcome"] in _OUTCOMES else "stopped"
    if _is_running(folder):
        return "running"
    try:
        noted = json.loads((folder.path / KEPT / "outcome.json").read_bytes())
    except (OSError, ValueError):
        return "stopped"
    outcome = noted.get("outcome") if isinstance(noted, dict) else None
    return outcome if outcome in _OUTCOMES else "stopped"


def _is_running(folder: RunFolder) -> bool:
    """Whether somebody trains in a folder at this moment: then nobody else can have its lock."""
    if not (folder.path / ".lock").exists():
        return False
    try:
        with folder.locked(lambda _: None):
            return False
    except OutputError:
        return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or printable(str(error))
        raise DataError(f"{path} cannot be read: {reason}.") from error
