"""The files and folders in a folder, by their names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_in(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the files in a folder and the folders in it, relative to it and written with `/`, without hidden ones.

    They come sorted by these paths. Links to folders are followed, except to a folder that contains the link, which
    would never end.

    Raises:
        DataError: the folder, or one in it, is missing or cannot be read.
    """
    top = os.fspath(folder)
    levels = [(_entries(top), top, "", frozenset({_identity(top)}))]
    while levels:
        entries, place, prefix, way = levels[-1]
        while entries:
            name = entries.pop()
            if not name.endswith("/"):
                yield prefix + name
                continue
            path = os.path.join(place, name[:-1])  # noqa: PTH118  # the text that a message has
            if (identity := _identity(path)) not in way:
                levels.append((_entries(path), path, prefix + name, way | {identity}))
                break
        else:
            levels.pop()


def folders_in(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones; links to folders are among them.

    Raises:
        OSError: it is missing, or cannot be read.
    """
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry))


def suffix_of(name: str) -> str:
    """Return the suffix of a file that is not hidden in lower case, such as `.png`; empty if it has none."""
    _, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and "/" not in suffix else ""


def _entries(folder: str) -> list[str]:
    """Return what a folder holds, without hidden files, the last one first; folders end in `/`.

    With their `/` they are sorted as the paths of the files in them are.
    """
    try:
        with os.scandir(folder) as entries:
            visible = (entry for entry in entries if not entry.name.startswith("."))
            names = [f"{entry.name}/" if _is_folder(entry) else entry.name for entry in visible]
    except OSError as error:
        raise DataError(f"The folder {error.filename} cannot be read: {error.strerror}.") from error
    names.sort(reverse=True)
    return names


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # of a link that leads nowhere, for example
        return False


def _identity(folder: str) -> tuple[int, int] | None:
    """Return what identifies a folder, whatever path leads to it; None if it cannot be read."""
    try:
        found = Path(folder).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
