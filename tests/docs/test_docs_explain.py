"""What `itrans inspect --explain` prints is what its page shows, but for the numbers of the run."""

from __future__ import annotations

import re
import shlex

import pytest
from docs.pages import BLOCKS, ROOT, blocks_of


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


@pytest.mark.parametrize(
    "block",
    [b for b in BLOCKS if b.language == "console" and " --explain " in b.text and b.page.name != "inspect.md"],
    ids=str,
)
def test_pages_that_follow_a_picture_of_another_run_show_what_is_printed(
    block, workplace, itrans, monkeypatch, tmp_path
):
    """Here the picture is a held-out pair of `runs/mine`, so that every number is another one."""
    monkeypatch.chdir(workplace)
    command, *shown = block.text.splitlines()
    picture = shlex.split(command)[shlex.split(command).index("--explain") + 1]
    done = itrans("inspect", "runs/mine", "--explain", "0.png", "-o", tmp_path / "explained")
    assert done.exit_code == 0, done.output
    printed = done.stdout.replace(f"{tmp_path.as_posix()}/", "").replace("0.png", "0").splitlines()[-len(shown) :]
    assert [re.sub(r"[\d.]*\d", "N", line) for line in printed] == [
        re.sub(r"[\d.]*\d", "N", line.replace(picture, "0")) for line in shown
    ]
