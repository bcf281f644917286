"""`itrans sweep`."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.api import ItransError, RecipeError
from itrans.commands import console, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itrans.api import Problem
    from itrans.commands import Recipe
    from itrans_sweep.members import Member


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...", type=click.Path())
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The sweep's folder."
)
@click.option("--seeds", metavar="N,...", help="Run each recipe with each of these seeds.  [default: its own]")
@options.overrides("Override a key of all recipes: --set train.epochs=2")
@options.without
@click.option(
    "--vary",
    multiple=True,
    metavar="KEY=V,...",
    help="Run each recipe with each of these values, and several --vary in all combinations.",
)
@click.option(
    "--segmenter",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="A checkpoint from photos to label maps: add each run's FCN score on the test split.",
)
@click.option(
    "--pictures",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Draw N held-out pairs as each recipe translates them, side by side: comparison.png.",
)
@options.sample
@options.device
@options.code
def sweep(
    recipes: tuple[str, ...],
    output: Path,
    seeds: str | None,
    overrides: tuple[str, ...],
    without: tuple[str, ...],
    vary: tuple[str, ...],
    segmenter: str | None,
    pictures: int,
    sample: bool | None,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Run several RECIPEs, one after the other, and compare them in one table.

    Every run has a folder in DIR; results.md and results.json there are rewritten after each run. All recipes, the
    segmenter and existing runs are checked before the first run. The same command continues an interrupted sweep and
    leaves finished runs alone; runs of other recipes and seeds stay in the table. If a run fails, the table shows it,
    the sweep continues, and the exit code is 2. Metrics are those of each run's best validation; with --vary, the best
    run comes first.
    """
    from itrans.commands import RunFolder
    from itrans_sweep.checks import refuse_other_runs
    from itrans_sweep.members import earlier_results, members_of, others_of, recall
    from itrans_sweep.scoring import Scorer
    from itrans_sweep.table import table_of, write_table

    options.import_code(code)
    members = members_of(recipes, _numbers(seeds), output, vary)
    loaded = _recipes_of(members, overrides, without, sample)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise ItransError("A sweep runs in one process. For several, run each recipe: torchrun -m itrans run RECIPE.")
    click.get_current_context().with_resource(RunFolder(output).locked(click.echo))
    earlier = earlier_results(output)
    others = others_of(earlier, members)
    listed = [*members, *others]
    refuse_other_runs(members, loaded, others)
    for member, recipe in zip(members, loaded, strict=True):
        member.sample = recipe.sample_note()
        member.metric = recipe.tables.validation.metric
        recall(member, earlier.get(member.folder))
    scorer = None if segmenter is None else Scorer(segmenter, device)
    if scorer is not None:
        scorer.refuse_unfit(members, loaded)
    for number, (member, recipe) in enumerate(zip(members, loaded, strict=True), start=1):
        click.echo(f"[{number}/{len(members)}] {member.folder}")
        before = asdict(member)
        with _noting_faults(member):
            _run(member, recipe, device)
        if scorer is not None and member.has_ended and not scorer.has_scored(member):
            with _noting_faults(member):
                scorer.score(member)
        write_table(listed, output)
        if asdict(member) != before or number == len(members):
            console.print_table(*table_of(listed))
        if member.state == "interrupted":
            click.echo(
                f"Interrupted. The same command continues; the results so far are in {output / 'results.md'}.", err=True
            )
            raise click.exceptions.Exit(console.INTERRUPTED)
    if scorer is not None:
        stale = [member for member in others if member.segmenter is not None and not scorer.has_scored(member)]
        for member in stale:
            click.echo(f"{member.folder}: scored by another segmenter before, and now by this one.")
            with _noting_faults(member):
                scorer.score(member)
        if stale:
            write_table(listed, output)
            console.print_table(*table_of(listed))
    click.echo(f"Written to {output / 'results.md'} and {output / 'results.json'}")
    if pictures:
        _draw(members, loaded, output / "comparison.png", pictures, device)
    if failed := [member.folder for member in members if member.fault]:
        raise ItransError(
            f"{len(failed)} of {len(members)} runs failed, or could not be scored: {', '.join(failed)}. "
            f"The errors are above, and in {output / 'results.md'}."
        )


def _recipes_of(
    members: Sequence[Member], overrides: Sequence[str], without: Sequence[str], sample: bool | None
) -> list[Recipe]:
    """Return the members' recipes; if any are wrong, or their data are not there, all that is wrong is said at once."""
    from itrans.commands import load_recipe, recorded_in
    from itrans_sweep.members import is_finished

    recipes: list[Recipe] = []
    problems: list[Problem] = []
    for member in members:
        seeded = [*overrides, *member.varied, *([] if member.seed is None else [f"seed={member.seed}"])]
        try:
            found = recorded_in(Path(member.folder))
            recipe = load_recipe(
                member.recipe,
                overrides=seeded,
                sample=sample,
                without=without,
                recorded=lambda _, found=found: found,  # type: ignore[misc]
            )
        except RecipeError as error:
            problems += error.problems
            continue
        recipes.append(recipe)
        if not is_finished(Path(member.folder)) and (missing := recipe.missing_data()):
            problems.append(missing)
    if problems:
        raise RecipeError(list(dict.fromkeys(problems)))
    return recipes


def _run(member: Member, recipe: Recipe, device: str) -> None:
    """Run a member, or go on with it, unless it is finished."""
    from itrans.commands import RunFolder, train
    from itrans_sweep.members import is_finished, take_results

    folder = Path(member.folder)
    if is_finished(folder):
        click.echo("This run is finished already.")
        return
    if member.sample is not None:
        click.echo(member.sample, err=True)
    resume = RunFolder(folder).last.is_file()
    before = (member.seconds or 0.0) if resume else 0.0
    began = time.monotonic()
    try:
        train(recipe, folder, member.sample, resume=resume, stop_after=(None, None), device=device, advice="")
    finally:
        member.seconds = before + time.monotonic() - began
        take_results(member)


def _draw(members: Sequence[Member], recipes: Sequence[Recipe], path: Path, pictures: int, device: str) -> None:
    """Write what each recipe makes of the first pictures, with the first of its seeds that has ended."""
    from itrans.api import write_image
    from itrans.commands import RunFolder
    from itrans_evaluate.comparison import comparison_picture

    checkpoints: dict[str, Path] = {}
    for member in members:
        if member.has_ended:
            checkpoints.setdefault(member.title, RunFolder(Path(member.folder)).result)
    if checkpoints:
        split = recipes[0].tables.validation.split
        write_image(path, comparison_picture(checkpoints, split=split, pictures=pictures, device=device))
        click.echo(f"Drawn: {path}")


@contextlib.contextmanager
def _noting_faults(member: Member) -> Iterator[None]:
    """Keep what goes wrong in the block with the member; one whose run has not ended has failed."""
    try:
        yield
    except ItransError as error:
        member.fault = str(error)
    except Exception as error:  # of a component, or for want of memory: the others may do without
        traceback.print_exc()
        member.fault = f"{type(error).__name__}: {error}"
    if member.fault:
        if not member.has_ended:
            member.state = "failed"
        click.echo(f"Error: {member.fault}", err=True)


def _numbers(text: str | None) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")] if text is not None else []
    except ValueError:
        found = [-1]
    if any(seed < 0 for seed in found):
        raise click.BadParameter(f'"{text}" is not a list of seeds, such as 0,1,2.', param_hint="--seeds")
    return found
