"""`itrans init`."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.commands import console

if TYPE_CHECKING:
    from itrans_init.plan import Plan


@click.command()
@click.argument("pictures", required=False, metavar="[PICTURES|RECIPE]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The recipe to write.  [default: NAME.toml]"
)
def init(pictures: str | None, output: Path | None) -> None:
    """Write a recipe for a folder of your own pictures, or one that comes with itrans.

    A folder of PICTURES may have pairs side by side in one file, pairs in two folders, two folders without pairs, label
    maps and photos, or pictures alone. Comments in the recipe say why it has its values, and which are guesses. Given
    the name of a RECIPE, it writes that one; without an argument, it lists those that come with itrans.

    \b
    itrans init datasets/shoes -o shoes.toml
    itrans init pix2pix_facades
    """  # noqa: D301  # click wants the control character
    from itrans.api import DataError, OutputError, did_you_mean
    from itrans_init import shipped

    if pictures is None:
        console.print_table(("recipe", "title"), shipped.titles())
        click.echo("Write one of them: itrans init RECIPE. For pictures of your own: itrans init FOLDER.")
        return
    if output is not None and (output.is_dir() or output.suffix != ".toml"):
        raise OutputError(f"-o {output}: a recipe is a file whose name ends in .toml.")
    if not Path(pictures).is_dir():
        names = shipped.recipes()
        name = pictures.removeprefix("recipes/").removesuffix(".toml")
        if name not in names:
            raise DataError(
                f"{pictures} is neither a folder nor a recipe that comes with itrans.{did_you_mean(name, names)} "
                "itrans init lists the recipes."
            )
        written = shipped.write(name, output or Path(f"{Path(name).name}.toml"))
        click.echo(f"Wrote {written[0]}" + (f", which extends {written[1]}" if len(written) > 1 else ""))
        click.echo(f"Next: itrans run {shlex.quote(str(written[0]))}")
        return
    _write_for(pictures, output or Path(f"{Path(pictures).resolve().name}.toml"))


def _write_for(pictures: str, output: Path) -> None:
    import torch

    from itrans.api import OutputError
    from itrans.commands import replacing
    from itrans_init.plan import plan_for

    if output.exists():
        raise OutputError(f"{output} already exists. Move it away, or choose another name: -o FILE.")
    has_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    with console.Bar("looking at pictures") as bar:
        plan = plan_for(Path(pictures).as_posix(), has_gpu=has_gpu, advance=bar.advance)
    text = _text_that_trains(plan, shlex.join(["itrans", "init", pictures, "-o", str(output)]), output)
    with replacing(output) as file:
        file.write(text.encode("utf-8"))
    name = shlex.quote(str(output))
    click.echo(plan.found)
    if plan.held_out:
        click.echo(f"Split by names: {plan.held_out}.")
    for note in plan.notes:
        click.echo(f"Note: {note}")
    if plan.unknown:
        click.echo(f"Note: {plan.unknown:,} pictures were not looked at; itrans data check {name} reads all.")
    for note in plan.unsure:
        click.echo(f"Not sure: {note}")
    click.echo(f"Wrote {output}. Next:")
    click.echo(f"  itrans data check {name}")
    click.echo(f"  itrans run {name}")


def _text_that_trains(plan: Plan, command: str, output: Path) -> str:
    """Return the text of a recipe whose data can be read, with some to measure on.

    Raises:
        ItransError: there is none; the message says why.
    """
    from itrans.api import DataError, MissingSplitError
    from itrans.commands import build_dataset, load_recipe
    from itrans_init.recipe import recipe_text

    text = recipe_text(plan, command)
    _refuse_bytes(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / output.name
        path.write_text(text, encoding="utf-8")
        recipe = load_recipe(path)
    try:
        for split in ("train", recipe.tables.validation.split):
            build_dataset(recipe, split)[0]
    except MissingSplitError as error:
        raise DataError(
            f"There are too few to hold some out, {plan.count} in all: at least a few dozen are needed."
        ) from error
    return text


def _refuse_bytes(text: str) -> None:
    """Raise `DataError` if a name has bytes that are no UTF-8, and that no recipe can hold."""
    from itrans.api import DataError

    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = text[max(0, error.start - 20) : error.end + 20].encode("utf-8", "backslashreplace").decode()
        raise DataError(f"A folder's name has bytes that are not UTF-8: {shown!r}. Rename it.") from error
