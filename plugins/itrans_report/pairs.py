"""The held-out pairs that a run's page shows: of the best validation and of the last one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.commands import replacing
from itrans_report.encoding import data_uri, web_picture
from itrans_report.facts import best_step
from itrans_report.record import KEPT

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from itrans.api import MeasuredPair, MeasuredPairs
    from itrans_report.record import Record

_MOST_PIXELS = 512 * 512
_MOST_REMEMBERED = 60
_LISTS = ("best", "worst", "spread")


class PairFiles:
    """Keeps the pairs of the best and of the last validation, in memory and, when told to, in the run's folder.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / KEPT
        self._waiting: dict[int, MeasuredPairs] = {}
        self._best: int | None = None
        self._encoded: dict[tuple[str, str], str] = {}

    def add(self, step: int, found: MeasuredPairs) -> None:
        """Keep what a validation has found, and forget those that are neither the best nor the last."""
        if found.better:
            self._best = step
        self._waiting[step] = found
        self._waiting = {place: pairs for place, pairs in self._waiting.items() if place in {step, self._best}}

    def write(self, record: Record) -> None:
        """Write what has been added, and remove files of other validations than the record's best and last one.

        Raises:
            OutputError: a file cannot be written.
        """
        wanted = steps_shown(record)
        for step, found in self._waiting.items():
            if step in wanted:
                with replacing(_file(self._folder, step)) as file:
                    file.write(json.dumps(self._as_data(step, found)).encode("ascii"))
        self._waiting = {}
        for path in self._folder.glob("pairs-*.json"):
            if path not in {_file(self._folder, step) for step in wanted}:
                path.unlink(missing_ok=True)

    def _as_data(self, step: int, found: MeasuredPairs) -> dict[str, Any]:
        lists = {name: [self._pair(pair) for pair in getattr(found, name)] for name in _LISTS}
        while len(self._encoded) > _MOST_REMEMBERED:
            del self._encoded[next(iter(self._encoded))]
        return {"step": step, "metric": found.metric, **lists}

    def _pair(self, pair: MeasuredPair) -> dict[str, Any]:
        return {
            "key": pair.key,
            "value": pair.value,
            "source": self._lasting(pair.key, "source", pair.source),
            "output": data_uri(web_picture(pair.output, _MOST_PIXELS)),
            "target": self._lasting(pair.key, "target", pair.target),
        }

    def _lasting(self, key: str, side: str, image: NDArray[np.uint8]) -> str:
        """Return a picture that is the same in every validation: it is encoded once."""
        if (key, side) not in self._encoded:
            self._encoded[key, side] = data_uri(web_picture(image, _MOST_PIXELS))
        return self._encoded[key, side]


def steps_shown(record: Record) -> list[int]:
    """Return the steps of the best and of the last validation of a run: two, one or none."""
    last = [event["step"] for event in record.events_of("validation")][-1:]
    return [step for step in dict.fromkeys([best_step(record), *last]) if step is not None]


def pairs_of(record: Record) -> list[dict[str, Any]]:
    """Return the pairs that are kept of a run, of its best validation first; none of a run that has kept none.

    Each entry has `step`, `metric`, and `best`, `worst` and `spread`, lists of pairs with `key`, `value`, and `source`,
    `output` and `target`, which are data URIs.
    """
    found = (_read(_file(record.path / KEPT, step)) for step in steps_shown(record))
    return [entry for entry in found if entry is not None]


def forget_pairs(folder: Path) -> None:
    """Remove what an earlier run has kept in a folder."""
    for path in (folder / KEPT).glob("pairs-*.json"):
        path.unlink(missing_ok=True)


def _file(folder: Path, step: int) -> Path:
    return folder / f"pairs-{step:07d}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    is_good = isinstance(found, dict) and all(isinstance(found.get(name), list) for name in _LISTS)
    return found if is_good else None
