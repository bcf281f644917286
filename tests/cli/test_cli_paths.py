"""Paths and environments that no command can do anything with: one message, exit code 2, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PATHS = {
    "a long name": "n" * 300,
    "a long path": "d/" * 3000 + "x",
    "a loop of links": "loop",
    "in a loop of links": "loop/x",
    "in a file": "file/x",
    "no UTF-8": "a\udcff",
    "an escape": "a\x1b[2J",
    "empty": "",
    "NUL": "a\0b",
}
COMMANDS = {
    "run": ["run", "PATH.toml"],
    "run -o": ["run", "tiny.toml", "-o", "PATH"],
    "run --resume": ["run", "tiny.toml", "-o", "PATH", "--resume"],
    "run --set": ["run", "tiny.toml", "-o", "out", "--set", "dataset.root=PATH"],
    "run --code": ["run", "tiny.toml", "-o", "out", "--code", "PATH"],
    "translate": ["translate", "PATH", "picture.png", "-o", "out"],
    "translate PICTURE": ["translate", "checkpoint.pt", "PATH", "-o", "out"],
    "translate -o": ["translate", "checkpoint.pt", "picture.png", "-o", "PATH"],
    "evaluate": ["evaluate", "PATH"],
    "evaluate -o": ["evaluate", "checkpoint.pt", "-o", "PATH"],
    "inspect": ["inspect", "PATH.toml"],
    "inspect checkpoint": ["inspect", "PATH.pt"],
    "inspect --diagram": ["inspect", "tiny.toml", "--diagram", "PATH.svg"],
    "import": ["import", "PATH", "--recipe", "tiny.toml", "-o", "new.pt"],
    "sweep": ["sweep", "PATH.toml", "-o", "out"],
    "sweep -o": ["sweep", "tiny.toml", "-o", "PATH"],
    "data check": ["data", "check", "PATH.toml"],
    "data fetch": ["data", "fetch", "facades", "-o", "PATH", "--url", "http://127.0.0.1:9"],
}


@pytest.fixture
def place(tmp_path, recipe):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    (tmp_path / "picture.png").write_bytes((tmp_path / "aligned/train/00.png").read_bytes())
    return tmp_path


# What can be made under such a name is no mistake.
GOOD = {
    (command, path) for command in ("run -o", "sweep -o", "inspect --diagram") for path in ("no UTF-8", "an escape")
}

GOOD.add(("inspect --diagram", "a loop of links"))  # loop.svg is none


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_no_command_can_use_is_told_and_nothing_is_left(itrans, place, command, path):
    before = sorted(place.rglob("*"))
    done = itrans(*(argument.replace("PATH", PATHS[path]) for argument in COMMANDS[command]))
    assert (done.exit_code, type(done.exception)) in [(2, SystemExit), (0, type(None))], done.output
    assert done.exit_code == 2 or (command, path) in GOOD
    assert "Traceback" not in done.output
    if done.exit_code:
        assert sorted(place.rglob("*")) == before
        assert len(done.output) < 5000
        assert done.output.replace("\n", "").isprintable()


def run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "itrans", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=300,
    )


def test_names_that_standard_output_has_no_code_for_are_printed_with_escapes(place):
    name = os.fsencode(place) + b"/gr\xfc\xdfe \xe2\x98\x83.toml"
    Path(os.fsdecode(name)).write_bytes((place / "tiny.toml").read_bytes())
    for encoding in ("ascii:strict", "utf-8:strict", "latin-1:strict"):
        done = run("run", os.fsdecode(name), "--check", folder=place, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"is good" in done.stdout


def test_a_reader_that_has_seen_enough_ends_a_command_quietly(place):
    script = f"{sys.executable} -m itrans list-plugins | head -1"
    done = subprocess.run(["sh", "-c", script], cwd=place, capture_output=True, check=False, timeout=300)
    assert done.stdout.startswith(b"kind")
    assert done.stderr == b""
