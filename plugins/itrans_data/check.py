"""`itrans data check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itrans.cli.samples import refuse_missing_root, sample_note, sample_option
from itrans.errors import DataError, MissingSplitError, counted
from itrans.files import expanded

if TYPE_CHECKING:
    from rich.console import Console

    from itrans.protocols import Dataset, Split
    from itrans.recipe.load import Recipe
    from itrans_data.survey import Survey

_MOST_NAMED = 50
_SPLITS: tuple[Split, ...] = ("train", "val", "test")


@click.command()
@click.argument("recipe", type=click.Path())
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@sample_option
@click.option("--code", multiple=True, metavar="FILE", help="Import a Python file that registers components.")
def check(recipe: str, overrides: tuple[str, ...], sample: bool | None, code: tuple[str, ...]) -> None:
    """Read every pair of a RECIPE's data set, in all its splits; show what they are like, and report what is wrong."""
    from rich.console import Console

    from itrans.cli.code import import_code
    from itrans.cli.console import print_table
    from itrans.recipe.load import load_recipe
    from itrans.training.build import build_dataset
    from itrans_data.survey import HEADINGS, Survey

    import_code(code)
    loaded = load_recipe(recipe, overrides=overrides, sample=sample)
    refuse_missing_root(loaded)
    if note := sample_note(loaded):
        click.echo(note, err=True)
    faults: list[str] = []
    survey, console = Survey(), Console(stderr=True)
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
        found = _faults_of(split, dataset, survey, console)
        faults += found
        click.echo(f"{split}: {counted(len(dataset), 'pair')} read, {len(found)} of them wrong")
    if rows := survey.rows():
        click.echo()
        print_table(HEADINGS, rows)
    if distances := survey.source_l1():
        listed = ", ".join(f"{value:.4f} ({split})" for split, value in distances.items())
        click.echo(f"source_l1, the mean difference of source and target: {listed}")
    for text in [*survey.notes(), *_left_out(loaded)]:
        click.echo(f"Note: {text}".encode("utf-8", "backslashreplace").decode())  # names of files may be no text
    if faults:
        more = [f"and {len(faults) - _MOST_NAMED} more"] if len(faults) > _MOST_NAMED else []
        raise DataError("\n".join(["This is wrong with the data:", *faults[:_MOST_NAMED], *more]))


def _faults_of(split: Split, dataset: Dataset, survey: Survey, console: Console) -> list[str]:
    """Read all pairs of a split, and return what is wrong with them."""
    from rich.progress import track

    from itrans.data.pairs import checked_pair

    faults: list[str] = []
    places: dict[str, int] = {}
    survey.begin(split, dataset)
    hidden = not console.is_terminal
    for position in track(range(len(dataset)), split, console=console, transient=True, disable=hidden):
        try:
            pair = checked_pair(dataset, position)
        except DataError as error:
            faults.append(f"{split}: {error}")
            continue
        if (other := places.setdefault(pair.key, position)) != position:
            faults.append(
                f"{split}: pairs {other} and {position} have one key, {pair.key}: a key names one pair of its split."
            )
        survey.add(split, pair)
    return faults


def _left_out(recipe: Recipe) -> list[str]:
    """Return a sentence on the files in the data set's folder that are of no known format, if there are any."""
    from itrans.data.folders import left_out

    root = recipe.tables.dataset.arguments.get("root")
    if not isinstance(root, str) or not (folder := expanded(root)).is_dir():
        return []
    note = left_out(folder)
    return [note] if note else []
