"""The notebooks run from top to bottom, hold what they printed, and say the same in both languages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from docs.pages import ROOT
from nbclient import NotebookClient

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
RUN = [path for path in NOTEBOOKS if not path.stem.endswith("_zh")]
"""Those in Chinese have the code of those in English."""

QUICKER = {"own_pictures": ('"train.epochs": 12', '"train.epochs": 2')}
"""What is changed so that a test takes no longer than it must."""


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, 4)


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    notebook = read(path)
    if path.stem in QUICKER:
        slow, quick = QUICKER[path.stem]
        [cell] = [cell for cell in notebook.cells if slow in cell.source]
        cell.source = cell.source.replace(slow, quick)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_holds_what_it_printed_and_no_error(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert {"stream", "display_data"} <= kinds
    assert "error" not in kinds
    assert path.stat().st_size < 500_000


def test_the_exercises_are_the_same_in_both_languages():
    english, chinese = (read(ROOT / "docs" / "notebooks" / f"{name}.ipynb") for name in ("exercises", "exercises_zh"))
    assert code_of(english) == code_of(chinese)
    assert [cell.cell_type for cell in english.cells] == [cell.cell_type for cell in chinese.cells]


def test_every_exercise_has_a_solution():
    texts = [
        cell.source
        for cell in read(ROOT / "docs" / "notebooks" / "exercises.ipynb").cells
        if cell.source.startswith("**")
    ]
    numbers = [text.partition(".")[0] for text in texts]
    assert numbers == [f"**{number}" for number in range(1, 11)] * 2
