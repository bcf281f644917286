"""Ctrl-C and SIGTERM before a command listens for them, and after it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

DEAF = """
import pathlib, time
pathlib.Path("here").touch()
while True:
    try:
        time.sleep(60)
    except BaseException:  # as code that an import runs may do
        pass
"""
LATE = """
import atexit, pathlib, time
atexit.register(lambda: (pathlib.Path("here").touch(), time.sleep(2)))
"""


@pytest.fixture
def signalled(recipe, tmp_path):
    """Check a recipe in a process of its own, send it signals once there is a file `here`; return it, ended."""

    def run(code, *numbers):
        (tmp_path / "code.py").write_text(code)
        command = [sys.executable, "-m", "itrans", "run", str(recipe), "--check", "--code", "code.py"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            while not (tmp_path / "here").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            for number in numbers:
                os.kill(process.pid, number)
                time.sleep(0.05)
            output, errors = process.communicate(timeout=120)
        finally:
            process.kill()
        return process.returncode, output, errors

    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_import_is_interrupted_whatever_it_does(signalled, number):
    assert signalled(DEAF, number) == (130, "", "Interrupted.\n")


def test_signals_after_all_is_done_change_nothing(signalled):
    code, output, errors = signalled(LATE, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    assert (code, errors) == (0, "")
    assert "is good" in output
