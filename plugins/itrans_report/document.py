"""Pages as one file each, with all that they need in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.api import __version__
from itrans_report.curves import curves_of
from itrans_report.differences import differences
from itrans_report.facts import facts_of
from itrans_report.grids import grids_of, last_grid
from itrans_report.markup import filled, page, template
from itrans_report.pairs import pairs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_report.record import Record

_SCRIPTS = ("basics.js", "charts.js", "pictures.js", "run.js", "comparison.js")


def run_page(record: Record, seconds: float | None = None) -> bytes:
    """Return the page of a run, as HTML in UTF-8; see `grids_of` for `seconds`."""
    facts = facts_of(record)
    data = facts | {
        "curves": curves_of(record.events),
        "grids": grids_of(record, seconds),
        "pairs_shown": pairs_of(record),
    }
    return _page(facts["title"] or facts["name"], {"run": data})


def comparison_page(records: Sequence[Record]) -> bytes:
    """Return a page that lays several runs side by side, as HTML in UTF-8."""
    runs = [facts_of(record) | {"curves": curves_of(record.events)} for record in records]
    names = [run["name"] for run in runs]
    for run in runs:
        run["label"] = run["name"] if names.count(run["name"]) == 1 else run["path"]
    shown = [kept[0]["spread"] if (kept := pairs_of(record)) else [] for record in records]
    rows = _rows(shown)
    has_rows = [any(row["outputs"][place] is not None for row in rows) for place in range(len(records))]
    for run, record, is_shown in zip(runs, records, has_rows, strict=True):
        run["grid"] = None if is_shown else last_grid(record)
    data = {"runs": runs, "rows": rows, "differences": differences([record.recipe for record in records])}
    return _page(f"{len(records)} runs", {"comparison": data})


def _rows(shown: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the held-out pairs that two runs or more have kept, by their keys, with the output of each run."""
    by_key = [{pair["key"]: pair for pair in pairs} for pairs in shown]
    rows = []
    for key in dict.fromkeys(key for pairs in by_key for key in pairs):
        found = [pairs.get(key) for pairs in by_key]
        pairs = [pair for pair in found if pair is not None]
        if len(pairs) > 1:
            outputs = [None if pair is None else {"source": pair["output"], "value": pair["value"]} for pair in found]
            rows.append({"key": key, "source": pairs[0]["source"], "target": pairs[0]["target"], "outputs": outputs})
    return rows


def _page(title: str, data: dict[str, Any]) -> bytes:
    # "<" is written as an escape: no text of a recipe, a key or a note can end the element that the data are in
    text = json.dumps(data | {"version": __version__}, allow_nan=False).replace("<", "\\u003c")
    body = filled("run.html", {"scripts": "\n".join(map(template, _SCRIPTS)), "data": text})
    return page(title, body.rstrip("\n"), policy="; script-src 'unsafe-inline'")
