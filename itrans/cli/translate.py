"""`itrans translate`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.errors import DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itrans.errors import ItransError
    from itrans.translate_jobs import Job

_MOST_NAMED = 20


@click.command()
@click.argument("checkpoint", type=click.Path())
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write to.")
@click.option(
    "--mode",
    type=click.Choice(["paper", "running"]),
    default="paper",
    show_default=True,
    help="paper: dropout stays on, and batch normalisation uses each picture's own statistics, as in Isola et al. "
    "running: dropout is off, and it uses the statistics gathered in training.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of dropout and noise.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Outputs of each picture, with this seed, the next one, and so on: NAME-1.png, NAME-2.png ...",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["png", "tif", "npy", "bmp"]),
    help="Of the outputs. [default: the input's, or PNG for JPEG and WebP]",
)
@click.option(
    "--background",
    default="white",
    show_default=True,
    metavar="COLOUR",
    help="What a picture with transparency is laid on, where the generator takes none: white, black, #rrggbb.",
)
@click.option("--strict", is_flag=True, help="Refuse pictures with other channels than the generator takes.")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Pictures at once.")
@click.option("--direction", help="For methods that translate both ways. [default: the method's first]")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
    default="auto",
    show_default=True,
    help="auto: bf16 for 8-bit pictures where the hardware has it, else fp32.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--code", multiple=True, metavar="FILE", help="Import a Python file that registers parts.")
def translate(
    checkpoint: str,
    inputs: tuple[str, ...],
    output: Path,
    mode: str,
    seed: int,
    samples: int,
    format_: str | None,
    background: str,
    strict: bool,
    batch_size: int,
    direction: str | None,
    precision: str,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Translate pictures: files, folders and patterns such as 'in/*.png'.

    The outputs have the inputs' names, size and bit depth; what was JPEG or WebP becomes PNG. Any height and width will
    do. Grey becomes RGB, and RGB grey, where the generator takes that; what is transparent is laid on a colour. That is
    said, and --strict refuses it. The same picture, seed and mode give the same output, whatever else is translated
    with it; --samples 5 gives five, of five seeds. An input that cannot be read is reported and skipped; the exit code
    is then 2.
    """
    from itrans.cli.code import import_code
    from itrans.cli.memory import keep_freed_memory
    from itrans.data.channels import colour_of
    from itrans.translate_files import translate_files
    from itrans.translate_jobs import find_jobs, fitting

    try:
        colour_of(background)
    except ValueError as error:
        raise DataError(f"--background: {error}.") from error

    jobs = find_jobs(inputs, output, samples=samples, format_=format_)
    import_code(code)
    keep_freed_memory()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {output} cannot be made: {error.strerror}.") from error

    from itrans.translate import Translator

    translator = Translator(checkpoint, device=device, mode=mode, seed=seed, precision=precision)  # type: ignore[arg-type]

    def warn(text: str) -> None:
        click.echo(f"Warning: {text}", err=True)

    jobs = fitting(jobs, *translator.specs(direction), format_, warn)
    if translator.sample is not None:
        click.echo(f"This checkpoint was trained on sample data. {translator.sample}", err=True)
    failures: list[tuple[Job, ItransError]] = []
    with _progress(len(jobs)) as advance:

        def done(job: Job, error: ItransError | None) -> None:
            if error is not None:
                failures.append((job, error))
            advance()

        translate_files(
            translator,
            jobs,
            batch_size=batch_size,
            direction=direction,
            background=background,
            strict=strict,
            done=done,
            warn=warn,
        )
    drawn = f"seed {seed}" if samples == 1 else f"{samples} samples each, seeds {seed} to {seed + samples - 1}"
    click.echo(f"{len(jobs) - len(failures)} of {len(jobs)} pictures translated into {output} (mode {mode}, {drawn})")
    if failures:
        raise DataError(_told(failures))


def _told(failures: list[tuple[Job, ItransError]]) -> str:
    lines = []
    for job, error in failures[:_MOST_NAMED]:
        text = str(error)
        lines.append(text if str(job.source) in text else f"{job.source}: {text}")
    if len(failures) > _MOST_NAMED:
        lines.append(f"and {len(failures) - _MOST_NAMED} more")
    return f"{len(failures)} inputs were skipped:\n" + "\n".join(f"  {line}" for line in lines)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal, nothing in a pipe; what is yielded moves it by one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    console = Console(stderr=True)
    speed = TaskProgressColumn(show_speed=True)
    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
