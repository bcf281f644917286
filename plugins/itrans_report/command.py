"""`itrans report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The page, a .html file.  [default: DIR/index.html for one run, report.html here for several]",
)
def report(folders: tuple[Path, ...], output: Path | None) -> None:
    """Write the page of a run again, or show several runs side by side.

    Each DIR is a run's folder, or a folder of runs, such as a sweep's. The page needs no server and no connection: open
    it in a browser, or send it to somebody.
    """
    from itrans_report.document import comparison_page, run_page
    from itrans_report.page import write_page
    from itrans_report.record import read_record

    paths = _runs(folders)
    file = _checked(output) if output is not None else None
    records = [read_record(path) for path in paths]
    if len(records) == 1:
        file = file or paths[0] / "index.html"
        write_page(file, run_page(records[0]))
        click.echo(f"Written to {file}")
    else:
        file = file or Path("report.html")
        write_page(file, comparison_page(records))
        click.echo(f"Written to {file}, with {len(records)} runs side by side")


def _runs(folders: Sequence[Path]) -> list[Path]:
    """Return the folders of runs that are meant, each once.

    Raises:
        DataError: a folder is none of a run, and holds none.
    """
    from itrans.api import DataError
    from itrans_report.record import is_run

    found: dict[Path, Path] = {}
    for folder in folders:
        inner = sorted(path for path in folder.glob("*") if is_run(path)) if not is_run(folder) else []
        if not inner and not is_run(folder):
            reason = "does not exist" if not folder.exists() else "is not a run's folder, and holds none"
            raise DataError(f"{folder} {reason}: a run's folder has a recipe.toml and a log.jsonl, such as runs/mine.")
        for path in inner or [folder]:
            found.setdefault(path.resolve(), path)
    return [*found.values()]


def _checked(output: Path) -> Path:
    from itrans.api import OutputError
    from itrans_report.markup import check_name

    if output.is_dir():
        raise OutputError(f"-o {output} is a folder. Name a file in it, such as -o {output / 'report.html'}.")
    check_name(output)
    return output
