"""The grids of samples that a run has drawn, thinned and encoded for its page."""

from __future__ import annotations

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from itrans.api import OutputError
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


def grids_of(record: Record, most_new: int | None = None) -> list[dict[str, Any]]:
    """Return the grids to show, the oldest first, each with `label`, `step` and `source`, a data URI.

    What has been encoded once is kept in the run's folder.

    Args:
        record: what the run has left.
        most_new: how many may be encoded anew, the newest ones; others are left out. None is all.
    """
    chosen = thinned(_drawn(record))
    fresh = [grid for grid in chosen if not _is_kept(grid)]
    left_out = fresh[:-most_new] if most_new else []
    shown = [grid for grid in chosen if grid not in left_out]
    with ThreadPoolExecutor(_WORKERS) as pool:
        contents = [*pool.map(_content, shown)]
    return [
        {"label": grid.label, "step": grid.step, "source": data_uri(content)}
        for grid, content in zip(shown, contents, strict=True)
        if content is not None
    ]


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
        with Image.open(grid.file) as picture:
            content = web_picture(picture.convert("RGB"), _MOST_PIXELS)
    except (OSError, ValueError):
        return None
    with contextlib.suppress(OutputError), replacing(kept) as file:  # without room, it is encoded the next time again
        file.write(content)
    return content
