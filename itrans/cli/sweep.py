"""`itrans sweep`."""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.cli.console import INTERRUPTED, print_table
from itrans.errors import ItransError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.recipe.load import Recipe
    from itrans.sweep import Member


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The sweep's folder.")
@click.option("--seeds", metavar="N,...", help="Run each recipe with each of these seeds.  [default: its own]")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of all: --set train.epochs=2"
)
@click.option(
    "--segmenter",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="From photos to label maps: add the FCN score of each on the test split.",
)
@click.option(
    "--pictures",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Draw N held-out pairs as each recipe translates them, side by side: comparison.png.",
)
@click.option("--no-sample", is_flag=True, help="Refuse to train on a recipe's sample where its data are not there.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--code", multiple=True, metavar="FILE", help="Import a Python file that registers parts.")
def sweep(
    recipes: tuple[str, ...],
    output: Path,
    seeds: str | None,
    overrides: tuple[str, ...],
    segmenter: str | None,
    pictures: int,
    no_sample: bool,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Run several RECIPEs, one after the other, and compare them in one table.

    Every run has a folder in DIR; results.md and results.json there are written anew after each. All recipes are
    checked before the first is run. The same command goes on with what was interrupted, and leaves alone what is
    finished. A run that fails is shown in the table, the others go on, and the exit code is 2. Metrics are those of
    each run's best validation.
    """
    from itrans.cli.code import import_code
    from itrans.cli.run import sample_note
    from itrans.engine.checkpoint import load_checkpoint
    from itrans.engine.processes import processes_here
    from itrans.recipe.load import load_recipe
    from itrans.sweep import earlier_results, members_of, recall, table_of, write_table

    import_code(code)
    members = members_of(recipes, _numbers(seeds), output)
    loaded: list[Recipe] = []
    for member in members:
        seeded = overrides if member.seed is None else (*overrides, f"seed={member.seed}")
        loaded.append(load_recipe(member.recipe, overrides=seeded, allow_sample=not no_sample))
    if processes_here().count > 1:
        raise ItransError("A sweep runs in one process. For several, run each recipe: torchrun -m itrans run RECIPE.")
    if segmenter is not None:
        load_checkpoint(segmenter)  # better now than after hours of training
    earlier = earlier_results(output)
    for member, recipe in zip(members, loaded, strict=True):
        member.sample = sample_note(recipe)
        recall(member, recipe, earlier.get(member.folder))
    for number, (member, recipe) in enumerate(zip(members, loaded, strict=True), start=1):
        click.echo(f"[{number}/{len(members)}] {member.folder}")
        before = asdict(member)
        try:
            _run(member, recipe, device)
            if segmenter is not None and member.state != "interrupted" and member.segmenter != segmenter:
                _segment(member, segmenter, device)
        except ItransError as error:
            _fail(member, str(error))
        except Exception as error:  # of a component, or for want of memory: the others may do without
            traceback.print_exc()
            _fail(member, f"{type(error).__name__}: {error}")
        write_table(members, output)
        if asdict(member) != before or number == len(members):
            print_table(*table_of(members))
        if member.state == "interrupted":
            click.echo(f"Interrupted. The same command goes on; what there is is in {output / 'results.md'}.", err=True)
            raise click.exceptions.Exit(INTERRUPTED)
    click.echo(f"Written to {output / 'results.md'} and {output / 'results.json'}")
    if pictures:
        _draw(members, loaded, output / "comparison.png", pictures, device)
    if failed := [member for member in members if member.state == "failed"]:
        listing = "\n".join(f"{member.folder}: {member.fault}" for member in failed)
        raise ItransError(f"{len(failed)} of {len(members)} runs failed.\n{listing}")


def _run(member: Member, recipe: Recipe, device: str) -> None:
    """Run a member, or go on with it, unless it is finished."""
    from itrans.cli.run import refuse_missing_root, train
    from itrans.engine.record import RunFolder
    from itrans.sweep import is_finished, take_results

    folder = Path(member.folder)
    if is_finished(folder, recipe):
        click.echo("This run is finished already.")
        return
    refuse_missing_root(recipe)
    if member.sample is not None:
        click.echo(member.sample, err=True)
    resume = RunFolder(folder).last.is_file()
    before = (member.seconds or 0.0) if resume else 0.0
    began = time.monotonic()
    try:
        train(recipe, folder, member.sample, resume=resume, stop_after=(None, None), device=device)
    finally:
        member.seconds = before + time.monotonic() - began
    take_results(member)


def _segment(member: Member, segmenter: str, device: str) -> None:
    """Add the FCN score of a member's best checkpoint to its metrics."""
    from itrans.engine.record import RunFolder
    from itrans.evaluation import evaluate_checkpoint

    found = evaluate_checkpoint(RunFolder(Path(member.folder)).result, segmenter=segmenter, device=device)
    outputs, real = ({f"fcn_{name}": value for name, value in scores.items()} for scores in found.segmented.values())
    member.metrics |= outputs
    member.real, member.segmenter = real, segmenter


def _draw(members: Sequence[Member], recipes: Sequence[Recipe], path: Path, pictures: int, device: str) -> None:
    """Write what each recipe makes of the first pictures, with the first of its seeds that has ended."""
    from itrans.data.images import write_image
    from itrans.engine.record import RunFolder
    from itrans.evaluation.comparison import compared

    checkpoints: dict[str, Path] = {}
    for member in members:
        if member.has_ended:
            checkpoints.setdefault(member.name, RunFolder(Path(member.folder)).result)
    if checkpoints:
        split = recipes[0].tables.validation.split
        write_image(path, compared(checkpoints, split=split, pictures=pictures, device=device))
        click.echo(f"Drawn: {path}")


def _fail(member: Member, fault: str) -> None:
    member.state, member.fault = "failed", fault
    click.echo(f"Error: {fault}", err=True)


def _numbers(text: str | None) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")] if text is not None else []
    except ValueError:
        found = [-1]
    if any(seed < 0 for seed in found):
        raise click.BadParameter(f'"{text}" is no list of seeds, such as 0,1,2.', param_hint="--seeds")
    return found
