"""Several runs side by side: what each of them is, whether it is done, and one table of what they have reached."""

from __future__ import annotations

import json
import statistics
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from itrans.engine.record import SAMPLE_NOTE
from itrans.errors import DataError, OutputError
from itrans.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itrans.recipe.load import Recipe

State: TypeAlias = Literal["finished", "early", "interrupted", "failed", "not yet"]
"""How a member has ended: as planned, because nothing got better any more, on request, with an error, or not at all."""

_FREE = ("title", "train.workers", "log.", "checkpoint.")
"""Keys of a recipe, and beginnings of keys, that no result depends on."""


@dataclass
class Member:
    """A recipe with a seed, and what has come of it.

    Attributes:
        name: of its recipe's file.
        recipe: the file.
        seed: in place of the recipe's; None is the recipe's own.
        folder: its run's.
        state: how it has ended.
        steps: how many it has taken.
        best_step: after how many its best checkpoint was written; None without one.
        seconds: how long it has taken, all sittings together; None if it has not been run by a sweep.
        metrics: those of its best validation, and of its evaluation.
        final: the metrics of its last validation.
        segmenter: the checkpoint that its translations were segmented with for its FCN score; None if they were not.
        real: the FCN score of the real photos that its translations are to look like; empty without a segmenter.
        sample: what stood in for its data; None if nothing did.
        fault: what went wrong.
    """

    name: str
    recipe: str
    seed: int | None
    folder: str
    state: State = "not yet"
    steps: int = 0
    best_step: int | None = None
    seconds: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    final: dict[str, float] = field(default_factory=dict)
    segmenter: str | None = None
    real: dict[str, float] = field(default_factory=dict)
    sample: str | None = None
    fault: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether its run has come to its end."""
        return self.state in {"finished", "early"}


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


def earlier_results(output: Path) -> dict[str, Member]:
    """Return the members that an earlier sitting has noted, by their folders.

    Raises:
        OutputError: the folder has a `results.json` that no sweep has written.
    """
    path = output / "results.json"
    if not path.is_file():
        return {}
    try:
        return {row["folder"]: Member(**row) for row in json.loads(path.read_text(encoding="utf-8"))["members"]}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is not what a sweep has written ({error}). Move it away.") from error


def recall(member: Member, recipe: Recipe, earlier: Member | None) -> None:
    """Give a member what is known before it is run: its results if it is finished, and how long it has taken.

    Args:
        member: what is to be run.
        recipe: its own.
        earlier: what an earlier sitting has noted of it.
    """
    folder = Path(member.folder)
    if earlier is not None and _events(folder):  # else the folder was removed since: the run is another one
        member.seconds = earlier.seconds
    try:
        finished = is_finished(folder, recipe)
    except OutputError:  # said when it is its turn
        return
    if finished:
        if earlier is not None:
            member.metrics, member.segmenter, member.real = earlier.metrics, earlier.segmenter, earlier.real
        take_results(member)


def is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder holds this very recipe's run, come to its end.

    Raises:
        OutputError: it holds a finished run of another recipe.
    """
    events = _events(folder)
    if not events or events[-1]["event"] != "end" or events[-1]["outcome"] == "interrupted":
        return False
    path = folder / "recipe.toml"
    try:
        then = _by_key(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path}, which tells what this finished run is, cannot be read ({error}). Remove {folder}, or choose "
            "another folder with -o DIR."
        ) from error
    now = _by_key(json.loads(json.dumps(recipe.resolved)))
    changed = [key for key in sorted({*then, *now}) if not key.startswith(_FREE) and then.get(key) != now.get(key)]
    if changed:
        verb = "differs" if len(changed) == 1 else "differ"
        raise OutputError(
            f"{folder} holds a finished run of another recipe: {', '.join(changed)} {verb}. "
            "Choose another folder with -o DIR, or remove that one."
        )
    return True


def take_results(member: Member) -> None:
    """Read from a member's folder how it has ended, and what its best and its last validation have measured."""
    folder = Path(member.folder)
    events = _events(folder)
    if not events:
        return
    note = folder / SAMPLE_NOTE
    if member.sample is not None and note.is_file():
        member.sample = note.read_text(encoding="utf-8").strip()  # with what its data set wants to be said
    ended = events[-1]["event"] == "end"
    member.state = events[-1]["outcome"] if ended else "interrupted"
    member.steps = events[-1]["step"]
    validations = [event for event in events if event["event"] == "validation"]
    if not validations:
        return
    better = [event for event in validations if event["better"]]
    member.best_step = better[-1]["step"] if better else None
    member.final = validations[-1]["metrics"]
    member.metrics |= better[-1]["metrics"] if better else member.final


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
    """
    names = list(dict.fromkeys(name for member in members for name in member.metrics))
    rows: list[list[str]] = []
    for recipe in dict.fromkeys(member.name for member in members):
        group = [member for member in members if member.name == recipe]
        shown = f"{recipe} (sample)" if any(member.sample for member in group) else recipe
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


def _values(results: Sequence[Mapping[str, float]], names: Sequence[str]) -> list[str]:
    """Return the cells of a row: the mean of each metric over the results that have it."""
    return [_shown([result[name] for result in results if name in result]) for name in names]


def _shown(values: Sequence[float]) -> str:
    if not values:
        return ""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{deviation}"


def _by_key(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved recipe's values by their dotted keys."""
    found: dict[str, Any] = {}
    for name, value in recipe.items():
        found |= {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
    return found


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
