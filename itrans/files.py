"""Files that are written whole or not at all, paths as people write them, and the folder for what can be made again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from itrans.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NAME = 255
"""Bytes of a file's name that most file systems take at most."""

_LONG = 200


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[IO[bytes]]:
    """Yield a binary file that takes the place of `path` when the block ends, and vanishes if the block fails.

    Args:
        path: the file to write; its folder is made if need be.
        durable: wait until the disk has it, so that not even a power cut leaves less than one whole file.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{_short(path.name)}.{os.getpid()}.tmp")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                yield file
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
            if durable:
                _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `OutputError` with the file's name in place of the system's errors in the block."""
    try:
        yield
    except BrokenPipeError:
        raise  # of standard output, on which progress is shown
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with the home folder in place of a leading `~`, as a shell does; that of nobody stays."""
    try:
        return Path(path).expanduser()
    except (RuntimeError, ValueError):
        return Path(path)


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file or a folder of that path; of one that no file system takes, there is none."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def folder_made(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Make a folder for what the block puts into it; where that is nothing, it is removed again.

    Raises:
        OutputError: it cannot be made.
    """
    folder = Path(folder)
    made = [path for path in (folder, *folder.parents) if not is_there(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            is_in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
            reason = "a file is in the way" if is_in_the_way else error.strerror or error
            raise OutputError(f"The folder {folder} cannot be made: {reason}.") from error
        yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


def _short(name: str) -> str:
    """Return a name to which something can be added where file systems take 255 bytes: another one if it is long."""
    content = os.fsencode(name)
    return name if len(content) < _LONG else hashlib.sha256(content).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a renaming last; where folders cannot be opened (Windows), the system sees to it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove what `replacing` has left in a folder of processes that were killed; those still running keep theirs."""
    for path in folder.glob(".*.tmp"):
        number = path.name.removesuffix(".tmp").rpartition(".")[2]
        if number.isdecimal() and not is_running(int(number)):
            with contextlib.suppress(OSError):
                path.unlink()


def is_running(process: object) -> bool:
    """Return whether there is a process of that number on this machine."""
    if not isinstance(process, int) or process <= 0:
        return False
    if os.name == "nt":  # os.kill would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # somebody else's
    return True


def cache_folder(name: str) -> Path:
    """Return the folder for something that can be made again, such as a drawn data set; it is not created.

    It is `$ITRANS_CACHE/name` if that variable is set, else `itrans/name` in the user's cache folder.
    """
    if chosen := os.environ.get("ITRANS_CACHE"):
        return Path(chosen).expanduser() / name
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "itrans" / name
