"""Tables on terminals of some widths."""

from __future__ import annotations

import pytest

from itrans.cli import console

HEADINGS = ["recipe", "seed", "state", "l1", "psnr"]
ROWS = [
    ["optimizer.lr=2e-4 loss.l1.weight=100 <- best", "1", "finished", "0.1771", "13.4187"],
    ["optimizer.lr=2e-4 loss.l1.weight=100 <- best", "2", "finished", "0.1772", "13.4186"],
    ["optimizer.lr=1e-4 loss.l1.weight=100", "1", "failed", "", ""],
]


@pytest.fixture
def printed(monkeypatch, capsys):
    """Print a table on a terminal of some columns; return its lines."""
    monkeypatch.setattr(console, "is_terminal", lambda: True)

    def table(columns, headings=HEADINGS, rows=ROWS):
        monkeypatch.setenv("COLUMNS", str(columns))
        console.print_table(headings, rows)
        return capsys.readouterr().out.splitlines()

    return table


def test_what_fits_is_one_table(printed):
    lines = printed(120)
    assert [line for line in lines if all(cell in line for cell in ROWS[0])]


@pytest.mark.parametrize("columns", [60, 80])
def test_where_a_long_name_does_not_fit_it_stands_above_its_values_which_are_not_broken(printed, columns):
    lines = printed(columns)
    assert max(map(len, lines)) <= columns
    assert [line.split() for line in lines] == [
        ["recipe"],
        ["seed", "state", "l1", "psnr"],
        ROWS[0][0].split(),
        ROWS[0][1:],
        ROWS[1][1:],
        ROWS[2][0].split(),
        ["1", "failed", "-", "-"],
    ]


def test_where_nothing_fits_cells_are_folded_and_nothing_is_lost(printed):
    lines = printed(30)
    assert max(map(len, lines)) <= 30
    assert "".join(line.split("│")[4].strip() for line in lines if line.startswith("│"))[:6] == "0.1771"
