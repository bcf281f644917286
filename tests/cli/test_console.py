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


@pytest.fixture
def terminal(monkeypatch):
    """Make standard streams a terminal of 80 columns."""
    monkeypatch.setattr(console, "is_terminal", lambda _stream=None: True)
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)


def test_a_bar_counts_and_tells_the_rate_and_has_rows_and_lines_below(terminal, capsys):
    with console.Bar("epoch 1", 40, err=False) as bar:
        bar.below = [("a loss", "dim")]
        bar.note("said [above]")
        bar.advance()
        bar.update(12, label="epoch 2", rate="9.5 pairs/s")
        bar.begin("validation", 3)
        bar.advance(2)
        bar.drop()
        bar.advance()
    shown = capsys.readouterr().out
    assert "said [above]" in shown
    drawn = shown[shown.rindex("epoch 2") :]
    assert "13/40" in drawn
    assert "a loss" in drawn
    assert "validation" not in drawn


def test_in_a_pipe_a_bar_prints_its_notes_alone(capsys):
    with console.Bar("epoch 1", None) as bar:
        bar.begin("validation", 3)
        bar.advance()
        bar.update(2, 3)
        bar.drop()
        bar.note("a sentence")
    assert capsys.readouterr() == ("", "a sentence\n")
