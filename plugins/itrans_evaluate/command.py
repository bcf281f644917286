"""`itrans evaluate`."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itrans.commands import console, folder_made, options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans_evaluate import Evaluation


@click.command()
@click.argument("checkpoint", type=click.Path())
@click.option(
    "--split",
    type=click.Choice(["test", "val", "train"]),
    default="test",
    show_default=True,
    help="Which split to measure.",
)
@click.option(
    "--metrics",
    metavar="NAME,...",
    help="Any that itrans list-plugins metric shows; for whole sets, fid and kid.  [default: what validation measures]",
)
@click.option(
    "--segmenter",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="A checkpoint from photos to label maps: also score the photos made by segmenting them with it.",
)
@click.option(
    "--features",
    metavar="KIND:BACKBONE",
    help="Also measure the kernel distance of features: timm:resnet18, or random:resnet18 without weights.",
)
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights of the backbone, instead of a download."
)
@click.option("--pairs", type=click.IntRange(min=1), metavar="N", help="Measure only the first N pairs.")
@options.direction
@options.method_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Write each picture's values.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder for results.json, results.md, pictures.csv, best.png and worst.png. Earlier results of the same "
    "checkpoint, split and direction are replaced; those of another are an error.",
)
@options.overrides("Where the data are now: --set dataset.root=FOLDER")
@options.mode()
@click.option("--seed", type=click.IntRange(min=0), help="Seed of dropout and noise.  [default: the recipe's]")
@options.precision("Precision of outputs; auto: as in training, if the device can.")
@options.device
@options.code
def evaluate(
    checkpoint: str,
    split: str,
    metrics: str | None,
    segmenter: str | None,
    features: str | None,
    weights: Path | None,
    pairs: int | None,
    direction: str | None,
    method_options: dict[str, Any],
    as_json: bool,
    table: Path | None,
    output: Path | None,
    overrides: tuple[str, ...],
    mode: str,
    seed: int | None,
    precision: str,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Measure a CHECKPOINT on a split of its data set.

    CHECKPOINT is a .pt file, or a run's folder, of which best.pt is used or, if nothing was validated, last.pt. The
    data set is that of the checkpoint's own recipe, scaled, cropped and measured as in validation. Nothing is
    downloaded unless you ask for a metric that needs weights; a message then says so first.
    """
    from itrans.api import OutputError
    from itrans.commands import keep_freed_memory
    from itrans_evaluate.evaluate import Plan
    from itrans_evaluate.writing import picture_table, refuse_other_results, write_results

    if table is not None and table.suffix.lower() != ".csv" and table.is_file():
        raise OutputError(f"--csv {table} already exists, and is no .csv file. Choose another name.")
    options.import_code(code)
    keep_freed_memory()
    from itrans.commands import processes

    here = processes.processes_here()
    if not here.is_first:
        table = output = None
    tables = [*([table] if table is not None else []), *([output / "pictures.csv"] if output is not None else [])]
    with contextlib.ExitStack() as stack, console.Bar("evaluating", is_shown=here.is_first) as bar:
        if output is not None:
            stack.enter_context(folder_made(output))
        writers = [stack.enter_context(picture_table(path)) for path in tables]

        def picture(key: str, values: Mapping[str, float | None]) -> None:
            for write in writers:
                write(key, values)

        plan = Plan(
            checkpoint,
            split=split,  # type: ignore[arg-type]
            metrics=[name.strip() for name in metrics.split(",") if name.strip()] if metrics is not None else (),
            segmenter=segmenter,
            features=features,
            weights=weights,
            overrides=overrides,
            pairs=pairs,
            keep=0,
            direction=direction,
            mode=mode,  # type: ignore[arg-type]
            seed=seed,
            device=device,
            precision=precision,  # type: ignore[arg-type]
            options=method_options,
        )
        if output is not None:
            refuse_other_results(output, plan.checkpoint, split, plan.direction)
        if not here.is_first:
            plan.help()
            return
        evaluation = plan.run(bar.note, bar.update, picture)
    if output is not None:
        write_results(evaluation, output)
    if as_json:
        click.echo(json.dumps(evaluation.as_json()))
        return
    _show(evaluation)
    if output is not None:
        click.echo(f"Written to {output}")


def _show(evaluation: Evaluation) -> None:
    from itrans_evaluate.writing import (
        CLASS_HEADINGS,
        HEADINGS,
        SEGMENTED_HEADINGS,
        class_rows,
        score_rows,
        segmented_rows,
        summary_line,
    )

    click.echo(summary_line(evaluation))
    if evaluation.credit:
        click.echo(evaluation.credit)
    console.print_table(HEADINGS, score_rows(evaluation))
    if evaluation.classes:
        console.print_table(CLASS_HEADINGS, class_rows(evaluation))
    if evaluation.segmented:
        click.echo()
        console.print_table(SEGMENTED_HEADINGS, segmented_rows(evaluation))
    for note in evaluation.notes:
        click.echo(f"Note: {note}")
