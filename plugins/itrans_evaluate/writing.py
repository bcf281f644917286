"""The files of an evaluation: scores as JSON and Markdown, each picture's values as CSV, and grids to look at."""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import OutputError, counted, write_image
from itrans.commands import grid, replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from itrans_evaluate.result import Evaluation

HEADINGS = ("metric", "value", "deviation", "pictures")
_UNENCODABLE = "backslashreplace"
r"""Bytes of a file's name that are no UTF-8 are written as `\udcff`, which is JSON too."""

CLASS_HEADINGS = ("class", "pixels", "accuracy", "IoU")
SEGMENTED_HEADINGS = ("segmented", "accuracy", "class accuracy", "class IoU")


@contextlib.contextmanager
def picture_table(path: str | os.PathLike[str]) -> Iterator[Callable[[str, Mapping[str, float | None]], None]]:
    """Yield what writes a line of a CSV file for each picture: its key and values; the file appears at the end.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as file:
        lines = csv.writer(codecs.getwriter("utf-8")(file, _UNENCODABLE), lineterminator="\n")
        headed = False

        def write(key: str, values: Mapping[str, float | None]) -> None:
            nonlocal headed
            if not headed:
                lines.writerow(["key", *values])
                headed = True
            lines.writerow([key, *("" if value is None else f"{value:.8g}" for value in values.values())])

        yield write


def refuse_other_results(folder: Path, checkpoint: str, split: str, direction: str | None) -> None:
    """Raise `OutputError` if a folder has results that those of an evaluation should not take the place of.

    Args:
        folder: where results are going to be written.
        checkpoint: what is evaluated.
        split: on which part of the data set.
        direction: see `Evaluation`.
    """
    path = folder / "results.json"
    if not path.exists():
        return
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        there, *how = (earlier[key] for key in ("checkpoint", "split", "direction"))
        same = Path(there).resolve() == Path(checkpoint).resolve() and how == [split, direction]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{path} was not written by itrans evaluate, and is left as it is. Choose another folder with -o DIR."
        ) from error
    if not same:
        way = f", direction {how[1]}" if how[1] is not None else ""
        raise OutputError(
            f"{folder} has the results of {there} on the split {how[0]}{way}, which are left as they are. Choose "
            "another folder with -o DIR, or remove that one."
        )


def write_results(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write `results.json`, `results.md` and, where pictures were ranked, `best.png` and `worst.png`.

    Earlier results in the folder are replaced, see `refuse_other_results`.

    Returns:
        the files.

    Raises:
        OutputError: one of them cannot be written.
    """
    replaced = (folder / "results.json").is_file()
    texts = {
        "results.json": json.dumps(evaluation.as_json(), indent=2, ensure_ascii=False) + "\n",
        "results.md": markdown(evaluation),
    }
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode("utf-8", _UNENCODABLE))
    written = [folder / name for name in texts]
    for name, rows in (("best", evaluation.best), ("worst", evaluation.worst)):
        if rows:
            split = evaluation.measured_split or evaluation.split
            caption = f"{name} of {evaluation.pictures} by {evaluation.ranked_by}, split {split}"
            write_image(folder / f"{name}.png", grid(rows, f"{caption}. {evaluation.credit}".strip()))
            written.append(folder / f"{name}.png")
        elif replaced:  # a grid of the results that are no longer there
            (folder / f"{name}.png").unlink(missing_ok=True)
    return written


def markdown(evaluation: Evaluation) -> str:
    """Return the scores as a page of Markdown."""
    heading = evaluation.title or Path(evaluation.checkpoint).name
    parts = [f"# {heading}", summary_line(evaluation)]
    if evaluation.credit:
        parts.append(evaluation.credit)
    parts.append(_markdown_table(HEADINGS, score_rows(evaluation)))
    if evaluation.classes:
        parts.append(_markdown_table(CLASS_HEADINGS, class_rows(evaluation)))
    if evaluation.segmented:
        parts.append(_markdown_table(SEGMENTED_HEADINGS, segmented_rows(evaluation)))
    if evaluation.notes:
        parts.append("\n".join(f"- {note}" for note in evaluation.notes))
    return "\n\n".join(parts) + "\n"


def summary_line(evaluation: Evaluation) -> str:
    """Return a line on what was measured."""
    split = evaluation.split
    if evaluation.measured_split not in {None, split}:
        split = f"{evaluation.measured_split}, which stands in for {split}"
    way = f", direction {evaluation.direction}" if evaluation.direction is not None else ""
    way += "".join(f", {name} = {value}" for name, value in evaluation.options.items())
    return (
        f"{evaluation.checkpoint} (step {evaluation.step}) on {counted(evaluation.pictures, 'pair')} of the split "
        f"{split}{way}, mode {evaluation.mode}, seed {evaluation.seed}"
        f"{'; it was chosen by its score on this split' if evaluation.chosen else ''}"
    )


def score_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """Return the rows under `HEADINGS`; a metric that no picture could be measured by has a dash for its value."""
    rows = []
    for name, score in evaluation.scores.items():
        value = "-" if score.value is None else f"{score.value:#.4g}"
        deviation = "" if score.deviation is None else f"{score.deviation:#.4g}"
        rows.append((name, value, deviation, str(score.pictures)))
    return rows


def class_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """Return the rows under `CLASS_HEADINGS`; a score that no pixel decides is a dash."""

    def shown(score: float | None) -> str:
        return "-" if score is None else f"{score:.3f}"

    return [(one.name, str(one.pixels), shown(one.accuracy), shown(one.iou)) for one in evaluation.classes]


def segmented_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Return the rows under `SEGMENTED_HEADINGS`."""
    return [(name, *(f"{value:.4f}" for value in scores.values())) for name, scores in evaluation.segmented.items()]


def _markdown_table(headings: tuple[str, ...], rows: list[tuple[str, ...]] | list[tuple[str, str, str, str]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
