"""What a sweep consists of: recipes with seeds, their runs' folders, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from itrans.api import DataError, OutputError
from itrans.commands import RunFolder
from itrans_sweep.variants import folder_name, variants_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

State: TypeAlias = Literal["finished", "early", "interrupted", "failed", "not yet"]
"""How a member has ended: as planned, because nothing got better any more, on request, with an error, or not at all."""


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
        segmenter_sha256: of that file, which may since be another one of the same name.
        real: the FCN score of the real photos that its translations are to look like; empty without a segmenter.
        sample: what stood in for its data; None if nothing did.
        fault: what went wrong, while it was run or while it was scored.
        varied: the overrides that tell it from the recipe's other members, as `key=value`.
        metric: what decides which of them is the best; `auto` is told by what has been measured.
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
    segmenter_sha256: str | None = None
    real: dict[str, float] = field(default_factory=dict)
    sample: str | None = None
    fault: str = ""
    varied: list[str] = field(default_factory=list)
    metric: str = "auto"

    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def title(self) -> str:
        """What a table calls it, apart from its seed: its recipe, and how it varies that."""
        return ": ".join([self.name, *([" ".join(self.varied)] if self.varied else [])])

    @property
    def has_ended(self) -> bool:
        """Whether its run has come to its end."""
        return self.state in {"finished", "early"}


@dataclass
class _Noted:
    """What `results.json` holds."""

    members: list[Member]


def members_of(recipes: Sequence[str], seeds: Sequence[int], output: Path, vary: Sequence[str] = ()) -> list[Member]:
    """Return what a sweep consists of: every recipe with every combination of what varies, with every seed.

    Args:
        recipes: files.
        seeds: none for each recipe's own.
        output: the sweep's folder.
        vary: see `variants_of`.

    Raises:
        DataError: two recipes, or two combinations, would share a folder; `vary` is wrong, or `seeds` says the same.
    """
    if seeds and (seeded := next((option for option in vary if option.partition("=")[0].strip() == "seed"), None)):
        raise DataError(f"--vary {seeded} and --seeds both choose the seed. Leave one of them out.")
    named: dict[str, str] = {}
    for recipe in recipes:
        other = named.setdefault(Path(recipe).stem, recipe)
        if other != recipe:
            raise DataError(f"{other} and {recipe} have the same name, and would share a folder: rename one.")
    folders: dict[str, list[str]] = {}
    found = []
    for name, recipe in named.items():
        for varied in variants_of(vary):
            folder = folder_name(name, varied)
            if (twin := folders.setdefault(folder, varied)) is not varied:
                raise DataError(f"{' '.join(twin)} and {' '.join(varied)} would share the folder {folder}.")
            for seed in dict.fromkeys(seeds) or [None]:
                path = output / (folder if seed is None else f"{folder}-seed{seed}")
                found.append(Member(name, recipe, seed, str(path), varied=varied))
    return found


def earlier_results(output: Path) -> dict[str, Member]:
    """Return the members that an earlier sitting has noted, by their folders.

    Raises:
        OutputError: the folder has a `results.json` that no sweep has written, or that cannot be read.
    """
    path = output / "results.json"
    try:
        noted = TypeAdapter(_Noted).validate_json(path.read_bytes(), strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        raise OutputError(f"{path} was not written by a sweep ({reason}). Move it away.") from error
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}. Move it away.") from error
    return {member.folder: member for member in noted.members}


def others_of(earlier: Mapping[str, Member], members: Sequence[Member]) -> list[Member]:
    """Return the members of earlier sittings that are not run now, and whose runs are there still.

    Args:
        earlier: what earlier sittings have noted, by folder.
        members: what is run now.
    """
    now = {member.folder for member in members}
    return [member for folder, member in earlier.items() if folder not in now and events_of(Path(folder))]


def recall(member: Member, earlier: Member | None) -> None:
    """Give a member what is known before it is run: its results if it is finished, and how long it has taken.

    Args:
        member: what is to be run.
        earlier: what an earlier sitting has noted of it.
    """
    folder = Path(member.folder)
    if earlier is not None and events_of(folder):  # else the folder was removed since: the run is another one
        member.seconds = earlier.seconds
    if is_finished(folder):
        if earlier is not None:
            member.metrics, member.real = earlier.metrics, earlier.real
            member.segmenter, member.segmenter_sha256 = earlier.segmenter, earlier.segmenter_sha256
        take_results(member)


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a run that has come to its end."""
    events = events_of(folder)
    return bool(events) and events[-1]["event"] == "end" and events[-1]["outcome"] != "interrupted"


def take_results(member: Member) -> None:
    """Read from a member's folder how it has ended, and what its best and its last validation have measured."""
    folder = Path(member.folder)
    events = events_of(folder)
    if not events:
        return
    note = RunFolder(folder).sample_note
    if member.sample is not None and note.is_file():
        # with what its data set wants to be said
        member.sample = note.read_text(encoding="utf-8", errors="replace").strip()
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


def events_of(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log, see `RunFolder.events`; none where there is no run."""
    return RunFolder(folder).events()
