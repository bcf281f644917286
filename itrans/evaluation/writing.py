"""The files of an evaluation: scores as JSON and Markdown, each picture's values as CSV, and grids to look at."""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.data.images import write_image
from itrans.engine.pictures import grid
from itrans.files import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from itrans.evaluation.result import Evaluation

HEADINGS = ("metric", "value", "deviation", "pictures")
SEGMENTED_HEADINGS = ("segmented", "accuracy", "class accuracy", "class IoU")


@contextlib.contextmanager
def picture_table(path: str | os.PathLike[str]) -> Iterator[Callable[[str, Mapping[str, float | None]], None]]:
    """Yield what writes a line of a CSV file for each picture: its key and values; the file appears at the end.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as file:
        lines = csv.writer(codecs.getwriter("utf-8")(file), lineterminator="\n")
        headed = False

        def write(key: str, values: Mapping[str, float | None]) -> None:
            nonlocal headed
            if not headed:
                lines.writerow(["key", *values])
                headed = True
            lines.writerow([key, *("" if value is None else f"{value:.8g}" for value in values.values())])

        yield write


def write_results(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write `results.json`, `results.md` and, where pictures were ranked, `best.png` and `worst.png`.

    Returns:
        the files.

    Raises:
        OutputError: one of them cannot be written.
    """
    texts = {
        "results.json": json.dumps(evaluation.as_json(), indent=2, ensure_ascii=False) + "\n",
        "results.md": markdown(evaluation),
    }
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    written = [folder / name for name in texts]
    for name, rows in (("best", evaluation.best), ("worst", evaluation.worst)):
        if rows:
            caption = f"{name} of {evaluation.pictures} by {evaluation.ranked_by}, split {evaluation.split}"
            write_image(folder / f"{name}.png", grid(rows, f"{caption}. {evaluation.credit}".strip()))
            written.append(folder / f"{name}.png")
    return written


def markdown(evaluation: Evaluation) -> str:
    """Return the scores as a page of Markdown."""
    heading = evaluation.title or Path(evaluation.checkpoint).name
    parts = [f"# {heading}", described(evaluation)]
    if evaluation.credit:
        parts.append(evaluation.credit)
    parts.append(_markdown_table(HEADINGS, score_rows(evaluation)))
    if evaluation.segmented:
        parts.append(_markdown_table(SEGMENTED_HEADINGS, segmented_rows(evaluation)))
    if evaluation.notes:
        parts.append("\n".join(f"- {note}" for note in evaluation.notes))
    return "\n\n".join(parts) + "\n"


def described(evaluation: Evaluation) -> str:
    """Return a line on what was measured."""
    way = f", direction {evaluation.direction}" if evaluation.direction is not None else ""
    return (
        f"{evaluation.checkpoint} (step {evaluation.step}) on {evaluation.pictures} pairs of the split "
        f"{evaluation.split}{way}, mode {evaluation.mode}, seed {evaluation.seed}"
    )


def score_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """Return the rows under `HEADINGS`."""
    return [
        (name, f"{score.value:#.4g}", "" if score.deviation is None else f"{score.deviation:#.4g}", str(score.pictures))
        for name, score in evaluation.scores.items()
    ]


def segmented_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Return the rows under `SEGMENTED_HEADINGS`."""
    return [(name, *(f"{value:.4f}" for value in scores.values())) for name, scores in evaluation.segmented.items()]


def _markdown_table(headings: tuple[str, ...], rows: list[tuple[str, ...]] | list[tuple[str, str, str, str]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
