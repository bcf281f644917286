"""Reading a run's `log.jsonl`, which a kill may have cut off and anybody may have edited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 60


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log, the oldest first; none where there is no such file.

    Each has an `event` and a `step`, of a validation also `better` and `metrics`, of an end its `outcome`. A last line
    that is only begun is left out: a killed run, or a machine that lost its power, leaves that behind.

    Args:
        path: a run's `log.jsonl`.

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
        entry = _parsed(line)
        if not line.strip() or (entry is None and is_last and line.startswith(b"{")):
            continue
        if not _is_event(entry):
            shown = line[:_SHOWN].decode("ascii", "backslashreplace") + ("..." if len(line) > _SHOWN else "")
            raise DataError(
                f"{path}:{number} is no line of a run's log: {shown!r}. Mend or remove the line, or move the file "
                "away; the checkpoints do without it."
            )
        found.append(entry)
    return found


def _parsed(line: bytes) -> Any:
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
