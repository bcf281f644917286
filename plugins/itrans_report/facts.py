"""What a page says of a run in words and numbers."""

from __future__ import annotations

import itertools
import shlex
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from itrans.api import KINDS
from itrans.commands import RunFolder
from itrans_report.record import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itrans_report.record import Record

_SOURCE_L1 = "source_l1"


def facts_of(record: Record) -> dict[str, Any]:
    """Return what is known of a run: how far it is, how long it has taken, how good it is, and what goes on from it."""
    starts, steps = record.events_of("start"), record.events_of("step")
    start: Mapping[str, Any] = starts[-1] if starts else {}
    total, per_epoch = _length(record.recipe, start)
    rate = number(steps[-1], "images_per_second") if steps else None
    versions = start.get("versions")
    return {
        "name": record.path.resolve().name,
        "path": record.path.as_posix(),
        "title": str(record.recipe.get("title") or ""),
        "state": record.state,
        "sample": record.sample,
        "step": record.last_step,
        "steps": total,
        "epochs": _table(record.recipe, "train").get("epochs"),
        "per_epoch": per_epoch,
        "seconds": sum(seconds for seconds, _ in _sittings(record.events)),
        "left": _seconds_left(record, total) if record.state == "running" else None,
        "rate": rate,
        "pairs": start.get("pairs"),
        "skipped": record.events[-1].get("skipped") if record.events else None,
        "device": start.get("device"),
        "precision": start.get("precision"),
        "processes": start.get("processes"),
        "began": starts[0].get("time") if starts else None,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions if isinstance(versions, dict) else {},
        "command": _command_line(start.get("command")),
        **_goodness(record),
        "recipe": record.recipe_text,
        "commands": _commands(record, start.get("command")),
    }


def best_step(record: Record) -> int | None:
    """Return the step of the best validation; None without any."""
    better = [event["step"] for event in record.events_of("validation") if event["better"]]
    return better[-1] if better else None


def _goodness(record: Record) -> dict[str, Any]:
    """Return what decides which state is the best, which way is better, and what the best one has measured."""
    validations = record.events_of("validation")
    better = [event for event in validations if event["better"]]
    if not better:
        return {"metric": None, "lower": None, "best": None}
    best, metric = better[-1], _deciding(record.recipe, better[-1]["metrics"])
    value = best["metrics"].get(metric)
    comparison = ""
    source = best["metrics"].get(_SOURCE_L1)
    if metric == "l1" and value is not None and source:
        below = 1 - value / source
        comparison = f"{abs(below):.1%} {'better' if below >= 0 else 'worse'} than copying the source"
    found = {"step": best["step"], "epoch": best.get("epoch"), "value": value, "metrics": best["metrics"]}
    lower = _lower_is_better(validations, metric)
    return {"metric": metric, "lower": lower, "best": found | {"comparison": comparison}}


def _deciding(recipe: Mapping[str, Any], metrics: Mapping[str, float]) -> str:
    asked = _table(recipe, "validation").get("metric", "auto")
    if asked != "auto":
        return str(asked)
    deciding = (kind.deciding_metric for kind in KINDS.values())
    return next((name for name in deciding if name in metrics), next(iter(metrics), ""))


def _lower_is_better(validations: Sequence[Mapping[str, Any]], metric: str) -> bool | None:
    """Return which way a metric is better by what the run has called better; None where that tells nothing."""
    best: float | None = None
    for event in validations:
        value = event["metrics"].get(metric)
        if value is None or value == best:
            continue
        if best is not None:
            return bool((value < best) == event["better"])
        best = value
    return None


def _length(recipe: Mapping[str, Any], start: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return how many steps a run has, and how many an epoch has; None where the log does not say."""
    train = _table(recipe, "train")
    pairs, together = number(start, "pairs"), (number(train, "batch_size") or 1) * (number(start, "processes") or 1)
    per_epoch = int(pairs // together) if pairs is not None and together else None
    steps, epochs = number(train, "steps"), number(train, "epochs")
    total = steps or (epochs * per_epoch if epochs and per_epoch else None)
    return None if total is None else int(total), per_epoch or None


def _sittings(events: Sequence[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """Return how many seconds each sitting has lasted, and how many steps it has taken."""
    found: list[list[Mapping[str, Any]]] = []
    for event in events:
        if event["event"] == "start" or not found:
            found.append([])
        found[-1].append(event)
    return [
        (max(number(event, "seconds") or 0.0 for event in sitting), sitting[-1]["step"] - sitting[0]["step"])
        for sitting in found
    ]


def _seconds_left(record: Record, total: int | None) -> float | None:
    sittings = _sittings(record.events)
    if total is None or not sittings or not sittings[-1][1]:
        return None
    seconds, steps = sittings[-1]
    return max(0.0, seconds / steps * (total - record.last_step))


def _commands(record: Record, command: object) -> list[tuple[str, str]]:
    """Return what one may want to do next, each with the command that does it."""
    folder, code = record.path.as_posix(), _code_options(command)
    found = []
    resume = ["itrans", "run", folder, "--resume", *code]
    if record.state in {"interrupted", "failed", "stopped"}:
        found.append(("Continue it", shlex.join(resume)))
    train = _table(record.recipe, "train")
    if record.state in {"finished", "early"} and _table(record.recipe, "schedule").get("name") == "constant":
        key = "epochs" if number(train, "epochs") else "steps"
        if length := number(train, key):
            found.append(("Train twice as long", shlex.join([*resume, "--set", f"train.{key}={2 * length:g}"])))
    result = RunFolder(record.path).result
    if result.is_file():
        translate = ["itrans", "translate", result.as_posix(), "PICTURES", "-o", "translated", *code]
        found.append(("Translate pictures of your own", shlex.join(translate)))
        if best_step(record) is not None:
            found.append(("Measure it", shlex.join(["itrans", "evaluate", result.as_posix(), *code])))
    found.append(("Compare it with another run", shlex.join(["itrans", "report", folder]) + " OTHER"))
    return found


def _code_options(command: object) -> list[str]:
    """Return those of a command line's options that import files of the user's own."""
    words = [str(word) for word in command] if isinstance(command, list) else []
    found = []
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        if word == "--code" and following:
            found += [word, following]
        elif word.startswith("--code="):
            found.append(word)
    return found


def _command_line(command: object) -> str:
    if not isinstance(command, list) or not command:
        return ""
    program, *rest = map(str, command)
    is_ours = PurePath(program).stem in {"itrans", "__main__"}
    return shlex.join(["itrans" if is_ours else program, *rest])


def _table(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = recipe.get(name)
    return table if isinstance(table, dict) else {}
