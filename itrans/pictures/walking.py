"""The files in a folder and in all folders within it, links followed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_in(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the files in a folder and the folders in it, relative to it and written with `/`, without hidden ones.

    Links to folders are followed, but not to one on whose way they lie, where there would be no end.

    Raises:
        DataError: the folder, or one in it, is missing or cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"The folder {error.filename} cannot be read: {error.strerror}.") from error

    ways = {os.fspath(folder): {_identity(os.fspath(folder))}}
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        way, visible = ways.pop(place), [name for name in folders if not name.startswith(".")]
        folders.clear()
        for name in visible:
            path = os.path.join(place, name)  # noqa: PTH118  # as os.walk makes it
            if (identity := _identity(path)) not in way:
                folders.append(name)
                ways[path] = way | {identity}
        inner = Path(place).relative_to(folder).as_posix()
        prefix = "" if inner == "." else f"{inner}/"
        yield from (prefix + name for name in files if not name.startswith("."))


def _identity(folder: str) -> tuple[int, int] | None:
    """Return what tells a folder from all others, by whatever path; None if it cannot be read, which is said later."""
    try:
        found = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino
