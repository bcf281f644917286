"""Whether the runs in a sweep's folder are those of its recipes: found out while nothing has been written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itrans.api import OutputError
from itrans.commands import changes
from itrans_sweep.members import events_of, is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from itrans.commands import Recipe
    from itrans_sweep.members import Member

_FREE = (("title",), ("train", "workers"), ("log",), ("checkpoint",))
"""Keys, and tables, of a finished run's recipe that its result does not depend on."""


def refuse_other_runs(members: Sequence[Member], recipes: Sequence[Recipe], others: Iterable[Member]) -> None:
    """Compare what is to be run with the runs that are there.

    Args:
        members: what is to be run.
        recipes: theirs.
        others: runs of the same folder that stay in the table.

    Raises:
        OutputError: a folder holds the run of another recipe, or another seed's run, which would be averaged with
            these, is of another recipe.
    """
    found: dict[str, list[str]] = {}

    def note(folder: str, faults: Sequence[str]) -> None:
        if faults:
            found.setdefault("; ".join(faults), []).append(folder)

    named: dict[str, Recipe] = {}
    for member, recipe in zip(members, recipes, strict=True):
        named.setdefault(member.title, recipe)
        note(member.folder, _unlike(Path(member.folder), recipe))
    for member in others:
        if member.title in named:
            note(member.folder, _unlike(Path(member.folder), named[member.title], besides=("seed",)))
    if found:
        listing = "\n".join(
            f"{folders[0]}{f' and {len(folders) - 1} more' if len(folders) > 1 else ''}: {fault}"
            for fault, folders in found.items()
        )
        raise OutputError(
            f"The recipes of these runs have changed:\n{listing}\n"
            "Nothing was run. Repeat every earlier option (--set, --seeds, --sample), choose another folder with -o, "
            "or remove those."
        )


def _unlike(folder: Path, recipe: Recipe, besides: tuple[str, ...] = ()) -> list[str]:
    """Return what differs between a recipe and that of a folder's run, if there is one."""
    if not events_of(folder):
        return []
    path = folder / "recipe.toml"
    try:
        then: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{path}, which tells what this run is, cannot be read ({error})"]
    free = _FREE if is_finished(folder) else None
    found = changes(then, recipe, source=str(path), free=free)
    return [change for change in found if change.partition(":")[0] not in besides]
