"""What `itrans inspect --explain` prints is what its page shows, but for the numbers of the run."""

from __future__ import annotations

import re
import shlex

from docs.pages import ROOT, blocks_of


def comparable(line: str) -> str:
    """Return a line without the numbers that depend on weights."""
    return re.sub(r"\d[\d.]*%|\d\.\d+|at \d+x\d+", "N", line)


def test_the_page_shows_what_is_printed(workplace, itrans, monkeypatch):
    monkeypatch.chdir(workplace)
    page = blocks_of(ROOT / "docs" / "inspect.md")
    (block,) = [block for block in page if block.language == "console" and "--explain" in block.text]
    command, *shown = block.text.splitlines()
    done = itrans(*shlex.split(command)[2:])
    assert done.exit_code == 0, done.output
    assert [comparable(line) for line in done.stdout.splitlines()][-len(shown) :] == [
        comparable(line) for line in shown
    ]
    assert (workplace / "explained" / "cat.html").is_file()
