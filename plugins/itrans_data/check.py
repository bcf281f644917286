"""`itrans data check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.api import DataError, MissingSplitError, counted
from itrans.commands import console, options

if TYPE_CHECKING:
    from itrans.api import Dataset, Split
    from itrans.commands import Recipe
    from itrans_data.survey import Survey

_MOST_NAMED = 50
_SPLITS: tuple[Split, ...] = ("train", "val", "test")


@click.command()
@click.argument("recipe", type=click.Path())
@options.overrides("Override a key of the recipe.")
@options.sample
@options.code
def check(recipe: str, overrides: tuple[str, ...], sample: bool | None, code: tuple[str, ...]) -> None:
    """Read every pair of a RECIPE's data set, and say what is wrong.

    All splits are read; their pictures are described.
    """
    from itrans.commands import build_dataset, load_recipe
    from itrans_data.survey import HEADINGS, Survey

    options.import_code(code)
    loaded = load_recipe(recipe, overrides=overrides, sample=sample)
    loaded.refuse_missing_data()
    if note := loaded.sample_note():
        click.echo(note, err=True)
    faults: list[str] = []
    survey = Survey()
    for split in _SPLITS:
        try:
            dataset = build_dataset(loaded, split)
        except DataError as error:
            if split == "train" or not isinstance(error, MissingSplitError):
                faults.append(f"{split}: {error}")
            elif not faults:  # else there is nothing to learn from, for the same reason
                click.echo(f"{split}: {error}")
            continue
        if (other := getattr(dataset, "measured_split", split)) != split:
            click.echo(f"{split}: {other} stands in for it, {counted(len(dataset), 'pair')}")
            continue
        found = _faults_of(split, dataset, survey)
        faults += found
        click.echo(f"{split}: {counted(len(dataset), 'pair')} read, {len(found)} of them wrong")
    if rows := survey.rows():
        click.echo()
        console.print_table(HEADINGS, rows)
    if distances := survey.source_l1():
        listed = ", ".join(f"{value:.4f} ({split})" for split, value in distances.items())
        click.echo(f"source_l1, the mean difference between source and target: {listed}")
    for text in [*survey.notes(), *_left_out(loaded)]:
        click.echo(f"Note: {text}".encode("utf-8", "backslashreplace").decode())  # names of files may be no text
    if faults:
        more = [f"and {len(faults) - _MOST_NAMED} more"] if len(faults) > _MOST_NAMED else []
        raise DataError("\n".join(["What is wrong with the data:", *faults[:_MOST_NAMED], *more]))


def _faults_of(split: Split, dataset: Dataset, survey: Survey) -> list[str]:
    """Read all pairs of a split, and return what is wrong with them."""
    from itrans.commands import checked_pair

    faults: list[str] = []
    places: dict[str, int] = {}
    survey.begin(split, dataset)
    with console.Bar(split, len(dataset), unit="pairs") as bar:
        for position in range(len(dataset)):
            bar.advance()
            try:
                pair = checked_pair(dataset, position)
            except DataError as error:
                faults.append(f"{split}: {error}")
                continue
            if (other := places.setdefault(pair.key, position)) != position:
                faults.append(
                    f"{split}: pairs {other} and {position} have one key, {pair.key}: "
                    "a key names one pair of its split."
                )
            survey.add(split, pair)
    return faults


def _left_out(recipe: Recipe) -> list[str]:
    """Return a sentence on the files in the data set's folder that are of no known format, if there are any."""
    from itrans.api import DATASETS, unread_note
    from itrans_datasets.shards import Shards

    if DATASETS.get(recipe.tables.dataset.name) is Shards:
        return []  # its tars are no pictures
    root = recipe.tables.dataset.arguments.get("root")
    if not isinstance(root, str) or not (folder := Path(root).expanduser()).is_dir():
        return []
    note = unread_note(folder)
    return [note] if note else []
