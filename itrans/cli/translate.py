"""`itrans translate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itrans.cli import options
from itrans.cli.console import Bar
from itrans.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.errors import ItransError
    from itrans.training.processes import Processes
    from itrans.translating.jobs import Job
    from itrans.translating.preparation import Preparer
    from itrans.translating.translator import Translator

_MOST_NAMED = 20


class _BatchSize(click.ParamType[int | None]):
    """`auto`, which is None, or a number from 1."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        return None if value in {"auto", None} else click.IntRange(min=1).convert(value, param, ctx)


@click.command()
@click.argument("checkpoint", type=click.Path())
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write to, or for one input a picture: -o cat.png.",
)
@options.translating
@options.method_options
@options.extras
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
    help="Format of the outputs.  [default: the input's, or PNG for JPEG and WebP]",
)
@click.option("--prepare", is_flag=True, help="Do to new pictures what the data set did: draw lines, cut holes.")
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --prepare: white where pictures have holes.  [default: NAME-mask.png beside each]",
)
@click.option("--skip-existing", is_flag=True, help="Leave out inputs whose outputs are all there.")
@click.option(
    "--background",
    metavar="COLOUR",
    help="Colour that transparent pictures are laid on, if the generator takes no alpha: white, black, #rrggbb.  "
    "[default: as in training]",
)
@click.option("--strict", is_flag=True, help="Refuse pictures whose channels the generator does not take.")
@click.option("--tile", type=int, metavar="N", help="Translate larger pictures in tiles of NxN pixels, and blend them.")
@click.option("--overlap", type=int, metavar="N", help="Pixels that neighbouring tiles share.  [default: 64]")
@click.option(
    "--batch-size",
    type=_BatchSize(),
    default="auto",
    show_default=True,
    help="How many pictures at once; auto: by their size.",
)
@options.device
@options.code
def translate(
    checkpoint: str,
    inputs: tuple[str, ...],
    output: Path,
    mode: str,
    seed: int,
    samples: int,
    format_: str | None,
    prepare: bool,
    mask: Path | None,
    skip_existing: bool,
    background: str | None,
    strict: bool,
    tile: int | None,
    overlap: int | None,
    batch_size: int | None,
    direction: str | None,
    method_options: dict[str, Any],
    extras: dict[str, Any],
    precision: str,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Translate pictures (files, folders, patterns such as 'in/*.png') and videos.

    CHECKPOINT is a .pt file; or a run's folder, of which best.pt is used or, if nothing was validated, last.pt; or an
    exported network, such as model.onnx.
    The outputs have the inputs' names, size and bit depth; what was JPEG or WebP becomes PNG. Any height and width will
    do. Grey becomes RGB, and RGB grey, where the generator takes that; what is transparent is laid on a colour. A note
    says so, and --strict refuses it. The same picture, seed and mode give the same output, whatever else is translated
    with it; --samples 5 gives five, of five seeds. An input that cannot be read is reported and skipped; the exit code
    is then 2.
    """
    from itrans.checkpoint.checksums import begin_checksums
    from itrans.checkpoint.places import checkpoint_path, existing_checkpoint
    from itrans.cli.memory import keep_freed_memory, pause_collection
    from itrans.data.layouts import unread_note
    from itrans.files import expanded, folder_made
    from itrans.pictures.channels import colour_of
    from itrans.translating.jobs import find_jobs, jobs_that_fit, names_a_file
    from itrans.translating.media import is_media, origin_of_model
    from itrans.translating.tiling import Tiling

    if background is not None:
        if prepare:
            raise DataError("--background has no effect with --prepare, which lays pictures on white as training did.")
        try:
            colour_of(background)
        except ValueError as error:
            raise DataError(f"--background: {error}.") from error

    if overlap is not None and tile is None:
        raise DataError("--overlap goes with --tile: give --tile N too.")
    tiling = None if tile is None else Tiling.of(tile, overlap)
    jobs = find_jobs(inputs, output, samples=samples, format_=format_)
    for folder in (folder for item in inputs if (folder := expanded(item)).is_dir()):
        if note := unread_note(folder):
            click.echo(f"Warning: {note}", err=True)
    if origin_of_model(checkpoint_path(checkpoint)) is None:
        begin_checksums(existing_checkpoint(checkpoint))  # a file that is not there is told before torch is imported
    keep_freed_memory()
    with pause_collection():
        options.import_code(code)
        from itrans.training.devices import choose_device
        from itrans.training.processes import process_group, processes_here
        from itrans.translating.companions import Companions
        from itrans.translating.files import translate_files
        from itrans.translating.scaling import size_note
        from itrans.translating.translator import Translator

    processes = processes_here()
    chosen = choose_device(device, processes.local_rank)

    def tell(text: str) -> None:
        if processes.is_first:
            click.echo(text, err=True)

    def warn(text: str) -> None:
        click.echo(f"Warning: {text}", err=True)

    own = device if processes.count == 1 else str(chosen)
    translator = Translator(checkpoint, device=own, mode=mode, seed=seed, precision=precision)  # type: ignore[arg-type]
    if translator.checkpoint != Path(checkpoint):
        tell(f"From the run's folder {checkpoint}, {translator.checkpoint} is used.")
    if translator.mode != mode and not _is_default("mode"):
        raise DataError(f"{checkpoint} translates in mode {translator.mode} only: leave --mode {mode} out.")
    preparer = _preparer(translator, direction, mask, tell, wanted=prepare)
    if preparer is not None:
        jobs = [job for job in jobs if not preparer.is_mask(job.source)]

    companions = Companions(translator.accepted, method_options, extras, background or translator.background)

    named = names_a_file(inputs, output, samples=samples)
    warn_first = warn if processes.is_first else _ignore
    media, pictures = [job for job in jobs if is_media(job.source)], [job for job in jobs if not is_media(job.source)]
    fitting = [*media, *jobs_that_fit(pictures, *translator.specs(direction), format_, warn_first, named=named)]
    if media and companions.have_folders:
        raise DataError(
            f"{media[0].source}: the pictures in it have no names. Give one file for all: --with NAME=FILE."
        )
    mine = fitting[processes.rank :: processes.count]
    if skip_existing:
        mine = [job for job in mine if not all(output.is_file() for output in job.outputs)]
    if translator.sample is not None:
        tell(f"This checkpoint was trained on sample data. {translator.sample}")
    plain = mine and preparer is None and tiling is None and not is_media(mine[0].source)
    if plain and (note := size_note(translator, mine[0].source)):
        tell(note)
    failures: list[tuple[str, str]] = []
    folder = output.parent if named else output
    with process_group(processes, chosen), folder_made(folder), _bar(len(mine), processes) as bar:

        def done(job: Job, error: ItransError | None) -> None:
            if error is not None:
                failures.append((str(job.source), str(error)))
            bar.advance()

        translate_files(
            translator,
            mine,
            batch_size=batch_size,
            direction=direction,
            prepare=preparer,
            background=background,
            strict=strict,
            tiling=tiling,
            companions=companions,
            part=bar.part,
            done=done,
            warn=warn,
        )
        shares = processes.gather((len(mine), failures))
    count, failures = sum(share for share, _ in shares), [failure for _, some in shares for failure in some]
    if processes.is_first:
        if skip_existing:
            click.echo(f"{len(fitting) - count} of {counted(len(fitting), 'input')} have been translated before")
        drawn = f"seed {seed}" if samples == 1 else f"{samples} samples each, seeds {seed} to {seed + samples - 1}"
        what = counted(count, "input" if media else "picture")
        click.echo(f"{count - len(failures)} of {what} translated into {output} (mode {translator.mode}, {drawn})")
        if failures:
            raise DataError(_listing(failures))
    if failures:
        raise click.exceptions.Exit(2)  # the first process tells


def _bar(count: int, processes: Processes) -> Bar:
    """Return a bar for what this process translates; it is drawn by the first alone."""
    label = "translating" if processes.count == 1 else f"translating, 1 of {processes.count} processes"
    return Bar(label, count) if processes.is_first else Bar("", None, is_shown=False)


def _ignore(_text: str) -> None:
    """Hear what the first process tells."""


def _is_default(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) == click.core.ParameterSource.DEFAULT


def _preparer(
    translator: Translator, direction: str | None, mask: Path | None, tell: Callable[[str], None], *, wanted: bool
) -> Preparer | None:
    """Return what reads pictures as the data set did, if that is wanted; if not, print that it could be had."""
    from itrans.translating.preparation import Preparer

    translator.specs(direction)  # there is such a direction
    preparation = None if translator.goes_back(direction) else translator.preparation
    if mask is not None and (not wanted or (preparation is not None and not preparation.takes_mask)):
        raise DataError(f"--mask {mask} is for --prepare, and for a checkpoint of pictures with holes.")
    if wanted and preparation is None:
        raise DataError(
            "--prepare has nothing to do: this checkpoint's data set took pictures as they were, or is not installed."
        )
    if preparation is None:
        return None
    if not wanted:
        tell(f"Pictures are taken as they are. With --prepare, {preparation.what}.")
        return None
    return Preparer(preparation, mask)


def _listing(failures: list[tuple[str, str]]) -> str:
    """Return lines about pictures that were skipped: each is a file and what is wrong."""
    lines = [text if source in text else f"{source}: {text}" for source, text in failures[:_MOST_NAMED]]
    if len(failures) > _MOST_NAMED:
        lines.append(f"and {len(failures) - _MOST_NAMED} more")
    verb = "was" if len(failures) == 1 else "were"
    return f"{counted(len(failures), 'input')} {verb} skipped:\n" + "\n".join(f"  {line}" for line in lines)
