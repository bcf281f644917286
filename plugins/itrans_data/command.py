"""`itrans data`: the commands about data sets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.commands import console
from itrans_data.archives import Progress
from itrans_data.check import check
from itrans_data.prepare import prepare
from itrans_data.view import view

if TYPE_CHECKING:
    from itrans_data.archives import Stage

_TENTHS = 10
_LINE_EVERY_BYTES = 100_000_000


@click.group()
def data() -> None:
    """Fetch, prepare, check and view data sets."""


data.add_command(check)
data.add_command(prepare)
data.add_command(view)


@data.command()
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("datasets"),
    show_default=True,
    help="Where the data set's folder is made.",
)
@click.option("--url", help="The folder of a mirror that has NAME.tar.gz, or NAME/; also by $ITRANS_DATASETS_URL.")
@click.option("--keep-archive", is_flag=True, help="Keep NAME.tar.gz beside the data set.")
def fetch(name: str | None, folder: Path, url: str | None, keep_archive: bool) -> None:
    """Download a data set of the Pix2Pix paper, or MNIST.

    Without NAME, the data sets are listed. The same command continues an interrupted download. A data set that exists
    is left alone.
    """
    # Here, so that --help need not wait for them.
    from itrans_data import archives
    from itrans_data.fetch import fetch as fetch_archive
    from itrans_data.fetch_files import fetch_files
    from itrans_datasets.published import FILE_SETS

    if name is None:
        click.echo(f"Data sets that `itrans data fetch NAME` downloads:\n{archives.listing()}")
        return
    with _progress() as progress:
        if name in FILE_SETS:
            fetched = fetch_files(name, folder, url=url, progress=progress)
        else:
            fetched = fetch_archive(name, folder, url=url, progress=progress, keep=keep_archive)
    click.echo(f'A recipe finds it by dataset.root = "{fetched.as_posix()}".')


def _progress() -> Progress:
    return BarProgress() if console.is_terminal() else LineProgress()


class LineProgress(Progress):
    """Prints a line at every tenth of each stage, for a pipe or a log file."""

    def __init__(self) -> None:
        self._stage = ""
        self._mark = 0
        self._done = 0
        self._start = 0
        self._start_time = 0.0

    def say(self, line: str) -> None:
        """Print the line."""
        click.echo(line)

    def advance(self, stage: Stage, done: int, total: int | None) -> None:
        """Print how far it is, if that is a tenth further than the last time."""
        from itrans_data.archives import size_text

        mark = _TENTHS * done // total if total else done // _LINE_EVERY_BYTES
        if stage != self._stage or done < self._done:
            self._stage, self._mark, self._start, self._start_time = stage, mark, done, time.monotonic()
        self._done = done
        if mark <= self._mark:
            return
        self._mark = mark
        # Only what came since the start counts: the beginning may have been here already.
        rate = (done - self._start) / max(time.monotonic() - self._start_time, 1e-6)
        line = f"{stage} {size_text(done)}, {size_text(rate)}/s"
        if total:
            minutes, seconds = divmod(round((total - done) / rate), 60)
            line = f"{stage} {100 * done // total:3d} % of {size_text(total)}, {size_text(rate)}/s"
            line += f", {minutes}:{seconds:02d} left" if done < total else ""
        click.echo(line)


class BarProgress(Progress):
    """Shows a bar with size, rate and time left, for a terminal."""

    def __init__(self) -> None:
        self._bar = console.Bar(unit="bytes", err=False)
        self._stage = ""

    def __exit__(self, *_: object) -> None:
        self._bar.end()

    def say(self, line: str) -> None:
        """Print the line above the bar."""
        self._bar.note(line)

    def advance(self, stage: Stage, done: int, total: int | None) -> None:
        """Move the bar; each stage has its own."""
        if stage != self._stage:
            self._bar.begin(stage, total, done)
        self._stage = stage
        self._bar.update(done, total)
