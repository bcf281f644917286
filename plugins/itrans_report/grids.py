"""The grids of samples that a run has drawn, thinned and encoded for its page."""

from __future__ import annotations

import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.api import ItransError, OutputError, read_image
from itrans.commands import replacing
from itrans_report.encoding import data_uri, web_picture
from itrans_report.record import KEPT

if TYPE_CHECKING:
    from pathlib import Path

    from itrans_report.record import Record

_MOST = 40
"""Grids in a page."""

_MOST_PIXELS = 800_000
_WORKERS = 4


@dataclass(frozen=True, order=True)
class Grid:
    """A grid of samples.

    Attributes:
        step: after how many steps it was drawn.
        label: what is said of it.
        file: the picture.
    """

    step: int
    label: str
    file: Path


def grids_of(record: Record, seconds: float | None = None) -> list[dict[str, Any]]:
    """Return the grids to show, the oldest first, each with `label`, `step` and `source`, a data URI.

    What has been encoded once is kept in the run's folder.

    Args:
        record: what the run has left.
        seconds: how long encoding may take; older grids, for which it does not do, are left out. None is no limit.
    """
    chosen = thinned(_drawn(record))
    if seconds is None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            contents = [*pool.map(_content, chosen)]
    else:
        contents = _contents_in_time(chosen, seconds)
    return [
        {"label": grid.label, "step": grid.step, "source": data_uri(content)}
        for grid, content in zip(chosen, contents, strict=True)
        if content is not None
    ]


def _contents_in_time(grids: list[Grid], seconds: float) -> list[bytes | None]:
    """Return the grids as files for browsers, the last one in any case; None where the time did not do."""
    end = time.monotonic() + seconds
    found: list[bytes | None] = []
    for grid in reversed(grids):
        is_quick = not found or _is_kept(grid) or time.monotonic() < end
        found.append(_content(grid) if is_quick else None)
    return found[::-1]


def thinned(grids: list[Grid]) -> list[Grid]:
    """Return every second, fourth, eighth ... grid, so that they are few, and the last one.

    As a run goes on, those that are left out stay so: none has to be encoded that was not there before.
    """
    stride = 1
    while len(grids) > stride * (_MOST - 1):
        stride *= 2
    return [grid for place, grid in enumerate(grids) if place % stride == 0 or place == len(grids) - 1]


def last_grid(record: Record) -> str | None:
    """Return the newest grid as a data URI; None where there is none."""
    content = next((content for grid in _drawn(record)[-1:] if (content := _content(grid)) is not None), None)
    return None if content is None else data_uri(content)


def _drawn(record: Record) -> list[Grid]:
    """Return the grids of the run, by their steps; those that an earlier, longer life of it has left are none."""
    steps: dict[int, int] = {}
    for event in record.events:
        if isinstance(epoch := event.get("epoch"), int):
            steps[epoch] = max(event["step"], steps.get(epoch, 0))
    found: dict[int, Grid] = {}
    for file in sorted((record.path / "samples").glob("*.png"), reverse=True):  # one of an epoch before that of a step
        if match := re.fullmatch(r"step-(\d+)", file.stem):
            step = int(match[1])
            grid = Grid(step, f"step {step:,}" if step else "before the first step", file)
            is_known = step <= record.last_step
        elif match := re.fullmatch(r"epoch-(\d+)", file.stem):
            is_known = (epoch := int(match[1])) in steps
            grid = Grid(steps.get(epoch, 0), f"epoch {epoch}", file)
        else:
            continue
        if is_known:
            found[grid.step] = grid
    return sorted(found.values())


def _kept_file(grid: Grid) -> Path:
    return grid.file.parent.parent / KEPT / "grids" / grid.file.stem


def _is_kept(grid: Grid) -> bool:
    try:
        return _kept_file(grid).stat().st_mtime_ns >= grid.file.stat().st_mtime_ns
    except OSError:
        return False


def _content(grid: Grid) -> bytes | None:
    """Return a grid as a file for browsers; None if it cannot be read, as where it is being written anew."""
    kept = _kept_file(grid)
    try:
        if _is_kept(grid):
            return kept.read_bytes()
        picture = read_image(grid.file)
    except (OSError, ItransError):
        return None
    if picture.dtype != np.uint8 or picture.shape[2] != 3:
        return None  # somebody else's
    content = web_picture(np.asarray(picture, np.uint8), _MOST_PIXELS)
    with contextlib.suppress(OutputError), replacing(kept) as file:  # without room, it is encoded the next time again
        file.write(content)
    return content
