"""`itrans data view`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.api import DataError, counted
from itrans.commands import console, options

if TYPE_CHECKING:
    from itrans.api import Dataset
    from itrans.commands import Recipe
    from itrans_data.view_page import ShownPair


@click.command()
@click.argument("recipe", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("pairs.html"),
    show_default=True,
    metavar="FILE",
    help="The page to write, a .html file.",
)
@click.option("--pairs", type=click.IntRange(1, 200), default=6, show_default=True, help="How many pairs to show.")
@click.option(
    "--draws", type=click.IntRange(1, 20), default=4, show_default=True, help="In how many epochs to show each."
)
@options.overrides("Override a key of the recipe: --set augment.crop=128")
@options.sample
@options.code
def view(
    recipe: str,
    output: Path,
    pairs: int,
    draws: int,
    overrides: tuple[str, ...],
    sample: bool | None,
    code: tuple[str, ...],
) -> None:
    """Write a page of training pairs as the networks get them.

    Each pair is shown as it is stored, and as it is cropped, mirrored and otherwise changed in the first epochs, with
    the recipe's seed: just what a run will see. Below are the values, from -1 to 1, that the networks get. The page is
    one file that needs no server.
    """
    from itrans.commands import build_dataset, load_recipe, replacing
    from itrans_data.view_page import page_of
    from itrans_report.markup import check_name

    check_name(output)
    options.import_code(code)
    loaded = load_recipe(recipe, overrides=overrides, sample=sample)
    loaded.refuse_missing_data()
    if note := loaded.sample_note():
        click.echo(note, err=True)
    dataset = build_dataset(loaded, "train")
    shown, faults = _gather(loaded, dataset, min(pairs, len(dataset)), draws)
    if not shown:
        raise DataError("\n".join(["None of these pairs can be shown:", *faults]))
    page = page_of(Path(recipe), loaded, dataset, shown, [*([note] if note else []), *faults])
    with replacing(output) as file:
        file.write(page)
    click.echo(f"{counted(len(shown), 'pair')} of {len(dataset)}, in {counted(draws, 'epoch')} each: {output}")
    if faults:
        raise DataError("\n".join(["Some pairs cannot be shown:", *faults]))


def _gather(recipe: Recipe, dataset: Dataset, count: int, draws: int) -> tuple[list[ShownPair], list[str]]:
    """Return pairs spread over a data set, each as it is stored and as it is drawn, and what is wrong with others."""
    from itrans.api import training_pair
    from itrans.commands import checked_pair
    from itrans_data.view_page import ShownPair

    shown, faults = [], []
    with console.Bar("pairs", count, unit="pairs") as bar:
        for number in range(count):
            bar.advance()
            place = number * len(dataset) // count
            try:
                stored = checked_pair(dataset, place)
                drawn = [training_pair(recipe, dataset, place, epoch) for epoch in range(draws)]
            except DataError as error:
                faults.append(str(error))
                continue
            shown.append(ShownPair(stored, drawn))
    return shown, faults
