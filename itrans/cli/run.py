"""`itrans run`."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itrans.cli import options
from itrans.cli.console import INTERRUPTED
from itrans.errors import OutputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from itrans.recipe.load import Recipe
    from itrans.training.journal import Reporter
    from itrans.training.stopping import StopRequest
    from itrans.training.trainer import Outcome

_UNITS = {"": 0, "s": 1, "m": 60, "h": 3600}


class _StopAfter(click.ParamType[tuple[int | None, float | None]]):
    """`4` (steps), or `90s`, `30m`, `2h` (time): steps or None, seconds or None."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        match = re.fullmatch(r"(\d+)([smh]?)", value) if isinstance(value, str) else None
        if match is None or not int(match[1]):
            self.fail(f'"{value}" is neither a number of steps, such as 400, nor a time, such as 90s, 30m or 2h.')
        number, unit = int(match[1]), _UNITS[match[2]]
        return (None, float(number * unit)) if unit else (number, None)


@click.command()
@options.recipe
@options.overrides()
@options.without
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run's folder.  [default: runs/RECIPE's name]",
)
@click.option("--resume", is_flag=True, help="Continue from the folder's last checkpoint.")
@click.option(
    "--from", "weights", metavar="CHECKPOINT", help="Begin a new run with those weights of a checkpoint that fit."
)
@click.option("--check", is_flag=True, help="Check the recipe and stop.")
@options.sample
@click.option("--skip-bad", is_flag=True, help="Leave out pairs that cannot be read; the log counts them.")
@click.option("--stop-after", type=_StopAfter(), help="Save and stop after N steps (400), or a time (90s, 30m).")
@options.device
@options.code
def run(
    recipe: str,
    overrides: tuple[str, ...],
    without: tuple[str, ...],
    output: Path | None,
    resume: bool,
    weights: str | None,
    check: bool,
    sample: bool | None,
    skip_bad: bool,
    stop_after: tuple[int | None, float | None] | None,
    device: str,
    code: tuple[str, ...],
) -> None:
    """Train what a RECIPE describes.

    The run's folder gets the resolved recipe, log.jsonl, samples/*.png and checkpoints/{last,best}.pt. Ctrl-C and
    SIGTERM save and stop (exit code 130); --resume continues a run, and takes its folder for RECIPE too. For several
    processes: torchrun -m itrans run ...
    """
    from itrans.cli.memory import pause_collection
    from itrans.recipe.load import load_recipe

    if resume and weights is not None:
        raise click.UsageError("--resume continues a run, --from begins a new one: give only one of them.")
    resumed = _run_of(recipe) if resume else None
    if resumed is not None:
        recipe = str(resumed / "recipe.toml")

    def folder_of(is_sample: bool) -> Path:
        return output or resumed or Path("runs") / (Path(recipe).stem + ("-sample" if is_sample else ""))

    def record_of(is_sample: bool) -> dict[tuple[str, str], str]:
        if not resume and Path(recipe).name != "recipe.toml":
            return {}
        from itrans.checkpoint.file import recorded_in

        return recorded_in(folder_of(is_sample) if resume else Path(recipe))

    with pause_collection():
        options.import_code(code)
        loaded = load_recipe(recipe, overrides=overrides, sample=sample, without=without, recorded=record_of)
    if not check:
        loaded.refuse_missing_data()
    note = loaded.sample_note()
    if note is not None:
        click.echo(note, err=True)
    if check:
        click.echo(f"{recipe} is good: {', '.join(sorted({c['name'] for c in loaded.components()}))}.")
        if missing := loaded.missing_data():
            click.echo(f"But: {missing.message}")
        return
    if output == Path():
        raise OutputError(
            "-o is the current folder, and a run writes many files. Choose another, such as -o runs/mine."
        )
    outcome = train(
        loaded,
        folder_of(loaded.is_sample),
        note,
        weights=weights,
        resume=resume,
        skip_bad=skip_bad,
        stop_after=stop_after or (None, None),
        device=device,
    )
    if outcome == "interrupted":
        raise click.exceptions.Exit(INTERRUPTED)


def train(
    recipe: Recipe,
    path: Path,
    sample: str | None,
    *,
    weights: str | os.PathLike[str] | None = None,
    resume: bool,
    skip_bad: bool = False,
    stop_after: tuple[int | None, float | None],
    device: str,
    advice: str = "Continue with --resume.",
    reporter: Reporter | None = None,
    stop: StopRequest | None = None,
) -> Outcome:
    """Train into a folder, showing how it goes, and return `finished`, `early` or `interrupted`.

    `sample` is that of `Recipe.sample_note`; `weights` is a checkpoint to begin with; `resume` goes on from the last
    one of the folder; `skip_bad` leaves out pairs that cannot be read; `stop_after` is a number of steps and a time in
    seconds; `advice` says what to do after an interruption. `reporter` watches, instead of what suits standard output;
    `stop` ends the run, instead of a request of its own.
    """
    from itrans.cli.memory import keep_freed_memory
    from itrans.cli.progress import ending, reporter_here
    from itrans.cli.threads import computing_threads
    from itrans.training.devices import choose_device
    from itrans.training.failures import at_work
    from itrans.training.fine_tuning import Weights
    from itrans.training.journal import Reporter
    from itrans.training.processes import process_group, processes_here
    from itrans.training.record import RunFolder
    from itrans.training.stopping import StopRequest
    from itrans.training.trainer import Trainer

    folder = RunFolder(path)
    began = time.monotonic()
    processes = processes_here()
    if not processes.is_first:
        reporter = Reporter()
    reporter = reporter or reporter_here(recipe.tables.log.every)
    check = folder.resumable if resume else folder.refuse_if_used
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; a run needs a folder. Choose another: -o DIR.")
    keep_freed_memory(of_any_size=True)
    chosen = choose_device(device, processes.local_rank)
    stop = stop or StopRequest(*stop_after, answer=reporter.stop)
    lock = folder.locked(reporter.note) if processes.is_first else contextlib.nullcontext()
    threads = computing_threads(recipe.tables.train.threads, chosen, folder, reporter, resume=resume)
    with _relaying(reporter), stop.listen(), lock, process_group(processes, chosen), threads as watching:
        check()
        with at_work("Building what the recipe names"):
            trainer = Trainer(
                recipe,
                folder,
                device=chosen,
                processes=processes,
                reporter=watching,
                stop=stop,
                sample=sample,
                weights=None if weights is None else Weights.read(weights),
                resume=resume,
                skip_bad=skip_bad,
            )
        outcome = trainer.train()
    progress = trainer.progress
    if outcome == "interrupted":
        reason = stop.reason or "another process"
        saved = f"saved in {folder.last}. {advice}".rstrip() if progress.step else "before the first step."
        reporter.note(f"Stopped by {reason} at step {progress.step}, {saved}")
        return outcome
    if outcome == "early":
        reporter.note(f"No improvement in {progress.stale} validations: stopped early.")
    is_adversarial = recipe.tables.discriminator is not None
    reporter.note(ending(trainer, folder, time.monotonic() - began, is_adversarial=is_adversarial))
    if trainer.sample is not None:
        reporter.note(trainer.sample)
    for text in trainer.journal.last_words:
        reporter.note(text)
    return outcome


def _run_of(recipe: str) -> Path | None:
    """Return the folder of the run that a path is of, if it is such a folder or the `recipe.toml` in it."""
    path = Path(recipe)
    folder = path if path.is_dir() else path.parent
    is_named = path == folder or path.name == "recipe.toml"
    return folder if is_named and (folder / "recipe.toml").is_file() and (folder / "checkpoints").is_dir() else None


@contextlib.contextmanager
def _relaying(reporter: Reporter) -> Iterator[None]:
    """Let the reporter hear what data sets and other parts say while they work, for as long as the block lasts."""

    class Relay(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reporter.note(record.getMessage())

    logger = logging.getLogger("itrans")
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.level, logger.propagate = [Relay()], logging.INFO, False
    try:
        yield
    finally:
        logger.handlers, logger.level, logger.propagate = before
