"""Several runs side by side: what each of them is, whether it is done, and one table of what they have reached."""

from __future__ import annotations

import json
import statistics
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from itrans.errors import DataError, OutputError
from itrans.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itrans.recipe.load import Recipe

State: TypeAlias = Literal["finished", "early", "failed", "not yet"]
"""How a member has ended: as planned, because nothing got better any more, with an error, or not at all."""


@dataclass
class Member:
    """A recipe with a seed, and what has come of it.

    Attributes:
        name: of its recipe's file.
        recipe: the file.
        seed: in place of the recipe's; None is the recipe's own.
        folder: its run's.
        state: how it has ended.
        steps: after how many steps its best checkpoint was written.
        seconds: how long it has taken, all sittings together.
        metrics: those of its best validation, and of its evaluation.
        sample: what stood in for its data; None if nothing did.
        fault: what went wrong.
    """

    name: str
    recipe: str
    seed: int | None
    folder: str
    state: State = "not yet"
    steps: int = 0
    seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    sample: str | None = None
    fault: str = ""


def members_of(recipes: Sequence[str], seeds: Sequence[int], output: Path) -> list[Member]:
    """Return what a sweep consists of: every recipe with every seed.

    Args:
        recipes: files.
        seeds: none for each recipe's own.
        output: the sweep's folder.

    Raises:
        DataError: two recipes have the same name, and would share a folder.
    """
    named: dict[str, str] = {}
    for recipe in recipes:
        other = named.setdefault(Path(recipe).stem, recipe)
        if other != recipe:
            raise DataError(f"{other} and {recipe} have the same name, and would share a folder: rename one.")
    return [
        Member(name, recipe, seed, str(output / (name if seed is None else f"{name}-seed{seed}")))
        for name, recipe in named.items()
        for seed in (dict.fromkeys(seeds) or [None])
    ]


def remember(members: Iterable[Member], output: Path) -> None:
    """Give members what an earlier sitting has noted of them: how long they have taken, and their evaluations."""
    path = output / "results.json"
    if not path.is_file():
        return
    try:
        rows = {row["folder"]: Member(**row) for row in json.loads(path.read_text(encoding="utf-8"))["members"]}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is not what a sweep has written ({error}). Move it away.") from error
    for member in members:
        if earlier := rows.get(member.folder):
            member.seconds, member.metrics = earlier.seconds, earlier.metrics


def is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder holds this very recipe's run, come to its end.

    Raises:
        OutputError: it holds a finished run of another recipe.
    """
    events = _events(folder)
    if not events or events[-1].get("event") != "end" or events[-1].get("outcome") == "interrupted":
        return False
    then = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(recipe.resolved))
    changed = [
        name for name in sorted({*then, *now} - {"title", "log", "checkpoint"}) if then.get(name) != now.get(name)
    ]
    if changed:
        raise OutputError(
            f"{folder} holds a finished run of another recipe: {', '.join(changed)} differ. Choose another folder "
            "with -o DIR, or remove that one."
        )
    return True


def take_results(member: Member) -> None:
    """Read from a member's log how it has ended and what its best validation has measured."""
    events = _events(Path(member.folder))
    if not events:
        return
    if events[-1]["event"] == "end" and events[-1]["outcome"] != "interrupted":
        member.state = events[-1]["outcome"]
    validations = [event for event in events if event["event"] == "validation"]
    best = [event for event in validations if event["better"]][-1:] or validations[-1:]
    member.steps = best[0]["step"] if best else events[-1]["step"]
    for event in best:
        member.metrics |= event["metrics"]


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
    """Return the headings and the rows of a sweep's table; where there are several seeds, with a row of their mean."""
    names = list(dict.fromkeys(name for member in members for name in member.metrics))
    rows: list[list[str]] = []
    for recipe in dict.fromkeys(member.name for member in members):
        group = [member for member in members if member.name == recipe]
        for member in group:
            shown = f"{recipe} (sample)" if member.sample else recipe
            seed = "-" if member.seed is None else str(member.seed)
            values = [_shown([member.metrics[name]]) if name in member.metrics else "" for name in names]
            rows.append([shown, seed, member.state, str(member.steps), f"{member.seconds:.0f}", *values])
        ended = [member.metrics for member in group if member.state in {"finished", "early"}]
        if len(ended) > 1:
            means = [_shown([found[name] for found in ended if name in found]) for name in names]
            rows.append([recipe, f"mean of {len(ended)}", "", "", "", *means])
    return ["recipe", "seed", "state", "steps", "seconds", *names], rows


def _shown(values: Sequence[float]) -> str:
    if not values:
        return ""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{deviation}"


def _events(folder: Path) -> list[Mapping[str, Any]]:
    """Return the lines of a run's log; one that a kill has cut off is left out."""
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found
