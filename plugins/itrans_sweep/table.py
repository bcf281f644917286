"""One table of what a sweep's runs have reached, on the terminal and in files."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING

from itrans.api import KINDS, METRICS, PluginError
from itrans.commands import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from itrans_sweep.members import Member


def write_table(members: Sequence[Member], output: Path) -> None:
    """Write `results.json` and `results.md`.

    Raises:
        OutputError: they cannot be written.
    """
    with replacing(output / "results.json") as file:
        file.write(json.dumps({"members": [asdict(member) for member in members]}, indent=2).encode("utf-8"))
    headings, rows = table_of(members)
    lines = [headings, ["---"] * len(headings), *rows]
    text = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    notes = list(dict.fromkeys(member.sample for member in members if member.sample))
    faults = [f"- {member.folder}: {member.fault}" for member in members if member.fault]
    with replacing(output / "results.md") as file:
        file.write("\n\n".join([text, *notes, *(["\n".join(faults)] if faults else [])]).encode("utf-8") + b"\n")


def table_of(members: Sequence[Member]) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows of a sweep's table.

    Where there are several seeds, their mean has a row; where translations were segmented, so have the real photos.
    Where something varies, the best comes first and is marked.
    """
    names = list(dict.fromkeys(name for member in members for name in member.metrics))
    rows: list[list[str]] = []
    groups = {
        title: [one for one in members if one.title == title] for title in dict.fromkeys(m.title for m in members)
    }
    ranks = _ranks(groups) if any(member.varied for member in members) else {}
    only = len({member.name for member in members}) == 1
    for title, group in sorted(groups.items(), key=lambda item: ranks.get(item[0], len(ranks))):
        first = group[0]
        recipe = " ".join(first.varied) if only and first.varied else title
        shown = f"{recipe} (sample)" if any(member.sample for member in group) else recipe
        if ranks.get(title) == 0 and len(ranks) > 1:
            shown += " <- best"
        for member in group:
            seed = "-" if member.seed is None else str(member.seed)
            best = "" if member.best_step is None else str(member.best_step)
            seconds = "" if member.seconds is None else f"{member.seconds:.0f}"
            values = _values([member.metrics], names)
            rows.append([shown, seed, member.state, str(member.steps), best, seconds, *values])
        ended = [member.metrics for member in group if member.has_ended]
        if len(ended) > 1:
            rows.append([shown, f"mean of {len(ended)}", "", "", "", "", *_values(ended, names)])
    reals = {str(member.real): member.real for member in members if member.real}.values()
    rows += [["real photos", "", "", "", "", "", *_values([real], names)] for real in reals]
    return ["recipe", "seed", "state", "steps", "best at", "seconds", *names], rows


def _ranks(groups: Mapping[str, Sequence[Member]]) -> dict[str, int]:
    """Return the places of what has been measured, by the metric that decides; none if that is not one for all."""
    deciding = {_deciding(member) for group in groups.values() for member in group if member.metrics}
    if len(deciding) != 1:
        return {}
    metric = deciding.pop()
    try:
        lower_is_better = bool(getattr(METRICS.get(metric), "lower_is_better", False))
    except PluginError:  # of runs that another installation has made
        return {}
    means = {
        title: statistics.fmean(values)
        for title, group in groups.items()
        if (values := [member.metrics[metric] for member in group if member.has_ended and metric in member.metrics])
    }
    order = sorted(means, key=means.__getitem__, reverse=not lower_is_better)
    return {title: place for place, title in enumerate(order)}


def _deciding(member: Member) -> str:
    if member.metric != "auto":
        return member.metric
    return next((kind.deciding_metric for kind in KINDS.values() if kind.deciding_metric in member.metrics), "")


def _values(results: Sequence[Mapping[str, float]], names: Sequence[str]) -> list[str]:
    """Return the cells of a row: the mean of each metric over the results that have it."""
    return [_cell([result[name] for result in results if name in result]) for name in names]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{deviation}"
