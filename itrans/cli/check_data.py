"""`itrans data check`."""

from __future__ import annotations

import click

from itrans.cli.samples import refuse_missing_root, sample_note, sample_option
from itrans.errors import DataError, MissingSplitError, counted

_MOST_NAMED = 50


@click.command()
@click.argument("recipe", type=click.Path())
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@sample_option
@click.option("--code", multiple=True, metavar="FILE", help="Import a Python file that registers parts.")
def check(recipe: str, overrides: tuple[str, ...], sample: bool | None, code: tuple[str, ...]) -> None:
    """Read every pair of a RECIPE's data set, in all its splits, and report what is wrong."""
    from rich.console import Console
    from rich.progress import track

    from itrans.cli.code import import_code
    from itrans.data.loader import checked_pair
    from itrans.engine.build import build_dataset
    from itrans.recipe.load import load_recipe

    import_code(code)
    loaded = load_recipe(recipe, overrides=overrides, sample=sample)
    refuse_missing_root(loaded)
    if note := sample_note(loaded):
        click.echo(note, err=True)
    faults: list[str] = []
    console = Console(stderr=True)
    for split in ("train", "val", "test"):
        try:
            dataset = build_dataset(loaded, split)
        except DataError as error:
            if split == "train" or not isinstance(error, MissingSplitError):
                faults.append(f"{split}: {error}")
            else:
                click.echo(f"{split}: {error}")
            continue
        found = len(faults)
        hidden = not console.is_terminal
        for position in track(range(len(dataset)), split, console=console, transient=True, disable=hidden):
            try:
                checked_pair(dataset, position)
            except DataError as error:
                faults.append(f"{split}: {error}")
        click.echo(f"{split}: {counted(len(dataset), 'pair')} read, {len(faults) - found} of them wrong")
    if faults:
        more = [f"and {len(faults) - _MOST_NAMED} more"] if len(faults) > _MOST_NAMED else []
        raise DataError("\n".join(["This is wrong with the data:", *faults[:_MOST_NAMED], *more]))
