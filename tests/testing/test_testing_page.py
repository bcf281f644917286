"""What the page "Testing a plugin" shows of a failure, and of the quick checks, is what comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
FILES = {match[1]: text for _, text in BLOCKS if (match := re.match(r"# (itrans-edges/\S+)\n", text))}


def shown(language: str) -> list[str]:
    """Return the lines of the page's one block in a language."""
    [text] = [text for other, text in BLOCKS if other == language]
    return text.splitlines()


@pytest.fixture
def edges(tmp_path):
    """The folder of the page's package, written out."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "itrans-edges"


def test_the_failure_of_the_page_is_what_comes_out(edges):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(edges)],
        cwd=edges,
        env={**kept, "PYTHONPATH": str(edges), "OMP_NUM_THREADS": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = shown("text")
    assert len(lines) == 5
    assert [line for line in lines if line not in done.stdout.splitlines()] == []
    assert done.stdout.count("\nE  ") == 3


def test_with_the_changes_of_the_page_it_passes(edges, monkeypatch):
    text = (edges / "itrans_edges.py").read_text(encoding="utf-8")
    root = "(output - target).square().mean().sqrt()"
    assert text.count("gain=1.0") == text.count(root) == 1
    assert "`gain: float = 1.0`" in PAGE.read_text(encoding="utf-8")
    text = text.replace("gain=1.0", "gain: float = 1.0").replace(root, "(output - target).abs().mean()")
    (edges / "itrans_edges.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(edges)
    try:
        import_module("test_edges").test_edges()
    finally:
        for name in ("test_edges", "itrans_edges"):
            sys.modules.pop(name, None)


@pytest.mark.usefixtures("checked_here")
def test_the_status_of_the_page_is_what_comes_out(install, itrans):
    install(
        "itrans-edges",
        "1.0.0",
        "[itrans.losses]\nedges = itrans_edges:EdgeDistance\n",
        itrans_edges=FILES["itrans-edges/itrans_edges.py"],
    )
    command, *lines = shown("console")
    done = itrans(*command.split()[2:])
    assert done.exit_code == 2
    out = [" ".join(line.split()) for line in done.output.splitlines()]
    assert len(lines) == 2
    assert [line for line in lines if " ".join(line.split()) not in out] == []
