"""Shells complete commands, those of guests too, and options."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "found"),
    [("itrans transl", "translate"), ("itrans eval", "evaluate"), ("itrans translate --sampl", "--samples")],
)
def test_words_are_completed(words, found, monkeypatch):
    monkeypatch.setenv("_ITRANS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    code = "import sys; sys.argv = ['itrans']; from itrans.cli import cli; cli(prog_name='itrans')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"plain,{found}" in done.stdout.splitlines()
