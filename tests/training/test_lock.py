from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys

import pytest

from itrans.api import OutputError
from itrans.training.lock import lock

HOLDER = """
import os, sys, time
from pathlib import Path
from itrans.training.lock import lock
with lock(Path(sys.argv[1]), print):
    if "fork" in sys.argv and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Let another process lock a folder; return it."""
    holders = []

    def hold(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "run"), *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
        holders.append(process)
        assert process.stdout.readline() == "locked\n"
        return process

    yield hold
    for process in holders:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_another_process_is_refused_and_the_first_named(hold, tmp_path):
    process = hold()
    with pytest.raises(OutputError) as error, lock(tmp_path / "run", pytest.fail):
        pass
    assert f"process {process.pid} on {os.uname().nodename}" in str(error.value)


def test_the_folder_is_free_once_the_first_has_ended_and_nothing_is_left(hold, tmp_path):
    process = hold()
    process.communicate("", timeout=60)
    assert not (tmp_path / "run").exists()
    with lock(tmp_path / "run", pytest.fail):
        assert (tmp_path / "run").is_dir()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [(), ("fork",)])
def test_the_folder_of_a_killed_process_is_free_at_once_also_while_its_children_live(hold, tmp_path, arguments):
    process = hold(*arguments)
    process.kill()
    process.wait()
    with lock(tmp_path / "run", pytest.fail):
        pass


def test_a_process_locks_a_folder_once(tmp_path):
    with lock(tmp_path, pytest.fail):
        with pytest.raises(OutputError, match=f"process {os.getpid()}"), lock(tmp_path / "." / "", pytest.fail):
            pass
        with lock(tmp_path / "other", pytest.fail):
            pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_and_used(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.lockf", refuse)
    notes = []
    with lock(tmp_path / "run", notes.append):
        pass
    assert len(notes) == 1
    assert str(tmp_path / "run") in notes[0]


def test_without_locks_whoever_the_file_names_is_refused_while_it_lives(hold, tmp_path, monkeypatch):
    process = hold()

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(OutputError, match=f"process {process.pid}"), lock(tmp_path / "run", pytest.fail):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file.run cannot be written to"), lock(tmp_path / "file/run", print):
        pass


def test_a_disk_without_room_for_the_lock_is_named(tmp_path, monkeypatch):
    def full(file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("itrans.training.lock.os.write", full)
    with pytest.raises(OutputError, match=r"run.*No space left"), lock(tmp_path / "run", pytest.fail):
        pass
    assert not (tmp_path / "run").exists()
