"""One run at a time in a folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from itrans.errors import OutputError
from itrans.files import is_running, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = ".lock"
"""The file in the folder. It says who holds the lock; that it is there means nothing by itself."""

_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_held: set[Path] = set()
"""The folders that this process has locked: the system would let a process lock a file twice."""


@contextlib.contextmanager
def lock(folder: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Keep all others out of a folder for as long as the block lasts; the folder is made if need be.

    The system takes the lock back when the process ends, also by SIGKILL, and no process that it has started inherits
    it. Some network file systems have no locks. Then a note says so, and the lock is taken to be held as long as the
    process that its file names is alive on this machine.

    Raises:
        OutputError: somebody else has it, named by host and process; or the folder cannot be written to.
    """
    place = folder.resolve()
    if place in _held:
        raise _refusal(folder, _this_process())
    existed = folder.exists()
    file = _lock_file(folder, note)
    _held.add(place)
    try:
        with writing(folder / NAME):
            os.ftruncate(file, 0)
            os.write(file, json.dumps(_this_process()).encode())
        yield
    finally:
        _held.discard(place)
        with contextlib.suppress(OSError):  # the folder may be gone, or its disk full
            (folder / NAME).unlink()
        os.close(file)
        if not existed:
            with contextlib.suppress(OSError):  # what is not empty stays
                folder.rmdir()


def _lock_file(folder: Path, note: Callable[[str], None]) -> int:
    """Return the descriptor of the folder's lock file, which is ours."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to: {error.strerror}.") from error
        try:
            _take(file)
        except OSError as error:
            owner = _owner(file)
            os.close(file)
            if error.errno in _TAKEN:
                raise _refusal(folder, owner) from None
            if owner.get("host") == socket.gethostname() and is_running(owner.get("process")):
                raise _refusal(folder, owner) from None
            note(f"The file system of {folder} has no locks: nothing keeps a second run from writing there.")
            return os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file), (folder / NAME).stat()):
                return file
        os.close(file)  # whoever had it has removed it in this moment


if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        os.lseek(file, 1 << 30, os.SEEK_SET)  # a byte beyond the text, which others may go on reading
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock: a forked worker does not hold it on


def _owner(file: int) -> dict[str, Any]:
    try:
        found = json.loads(os.read(file, 4096))
    except (OSError, ValueError):  # it is being written at this moment
        return {}
    return found if isinstance(found, dict) else {}


def _this_process() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _refusal(folder: Path, owner: dict[str, Any]) -> OutputError:
    names = ("process", "host", "since")
    who = "process {} on {}, since {}".format(*(owner.get(name, "unknown") for name in names))
    return OutputError(
        f"{folder} is in use by another run ({who}). Wait until that has ended, or write to another folder: -o DIR."
    )
