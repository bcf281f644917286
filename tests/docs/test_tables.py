"""The page of the paper's tables shows what has been measured, and nothing else."""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def report():
    spec = importlib.util.spec_from_file_location("report", DOCS / "tables" / "report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(report):
    return {name: report.members_of(DOCS / "tables" / f"{name}.json") for name in ("photos", "labels")}


def test_the_page_is_what_the_measurements_give(report, measured):
    text = (DOCS / "tables.md").read_text(encoding="utf-8")
    assert report.page(text, measured["photos"], measured["labels"]) == text
    assert "nan" not in text


def test_every_system_was_run_with_three_seeds_and_marked_as_a_sample(report, measured):
    for name, members in measured.items():
        tables = [lines for number, lines in report.TABLES.items() if (number == "6") == (name == "labels")]
        for recipe in {line.recipe for lines in tables for line in lines} - {report.REAL}:
            runs = [member for member in members if member["name"] == recipe]
            assert [(run["seed"], run["steps"]) for run in runs] == [(0, 500), (1, 500), (2, 500)], recipe
            assert all(run["sample"].startswith("SAMPLE DATA") for run in runs)


def member(name, accuracy):
    scores = dict.fromkeys(("fcn_accuracy", "fcn_class_accuracy", "fcn_class_iou"), accuracy)
    return {"name": name, "metrics": scores, "real": dict.fromkeys(scores, 0.9)}


def test_a_table_has_means_deviations_and_how_many_pairs_agree(report):
    lines = [
        report.Line("A", "a", (0.1, 0.5, 0.2)),
        report.Line("B", "b", (0.2, 0.4, 0.2)),
        report.Line("C", "c", None),
        report.Line(report.REAL, report.REAL, (0.8, 0.8, 0.8)),
    ]
    members = [member("a", 0.25), member("a", 0.35), member("b", 0.6), member("b", 0.8), member("c", 0.5)]
    table = report.table(lines, members, "fcn_").splitlines()
    assert table[2].startswith(f"| A | 0.300 ± {statistics.stdev((0.25, 0.35)):.3f} | 0.10 |")
    assert table[4].startswith("| C | 0.500 |  |")
    assert table[5].startswith("| real photos | 0.900 | 0.80 |")
    assert table[-1].endswith("per-pixel accuracy 1 of 1; per-class accuracy 0 of 1; class IoU 0 of 0.")
