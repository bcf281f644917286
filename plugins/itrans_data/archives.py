"""The data sets that can be fetched: where they are published, and what is told while one is."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

from itrans.api import DataError, OutputError, did_you_mean
from itrans.commands import writing
from itrans_datasets.published import ARCHIVES, FILE_SETS, Archive

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

# Published without TLS.
PUBLISHED_AT = "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets"
MIRROR_VARIABLE = "ITRANS_DATASETS_URL"

Stage = Literal["downloading", "unpacking"]

# Pictures are compressed already; the rest is what a file system loses by rounding each small file up to a block.
_UNPACKED_PER_PACKED = 1.25


class Progress:
    """Is told how a fetch is going; this one shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the terminal."""

    def say(self, line: str) -> None:
        """Take one line to show: the size, what is resumed, what exists already."""

    def advance(self, stage: Stage, done: int, total: int | None) -> None:
        """Take the number of bytes of the archive downloaded or unpacked; the total is None if it is unknown."""


def listing() -> str:
    """Return the data sets as a table, one a line."""
    width = max(map(len, [*ARCHIVES, *FILE_SETS]))
    return "\n".join(
        f"  {one.name:<{width}}  {one.description} ({one.pairs} {what} to train on)"
        for what, sets in (("pairs", ARCHIVES), ("pictures", FILE_SETS))
        for one in sets.values()
    )


def size_text(count: float) -> str:
    """Return a number of bytes for people: `29.0 MB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"


def find(name: str) -> Archive:
    """Return the archive of that name.

    Raises:
        DataError: there is none; the message lists those there are.
    """
    if name not in ARCHIVES:
        raise DataError(
            f'There is no data set "{name}".{did_you_mean(name, [*ARCHIVES, *FILE_SETS])} There are:\n{listing()}'
        )
    return ARCHIVES[name]


def address(name: str, base: str | None = None) -> str:
    """Return the URL of an archive in the folder of a mirror; else in `$ITRANS_DATASETS_URL`; else at its authors'.

    Raises:
        DataError: the base is no http or https URL.
    """
    return f"{mirror(base) or PUBLISHED_AT}/{name}.tar.gz"


def mirror(base: str | None = None) -> str | None:
    """Return the URL of the folder of a mirror, or that in `$ITRANS_DATASETS_URL`, or None if there is neither.

    Raises:
        DataError: it is no http or https URL.
    """
    base = base or os.environ.get(MIRROR_VARIABLE)
    if not base:
        return None
    # urllib would also open file: and ftp:, neither of which can be resumed the way HTTP can.
    if not base.lower().startswith(("http://", "https://")):
        raise DataError(
            f'"{base}" is not the URL of a mirror: it has to begin with http:// or https:// '
            f"(it comes from --url or ${MIRROR_VARIABLE})."
        )
    return base.rstrip("/")


def is_there(destination: Path, asked: Path, progress: Progress) -> bool:
    """Whether a data set's folder has something in it, which is said; raises OutputError if it is a file."""
    with writing(destination.parent):
        if destination.exists() and not destination.is_dir():
            raise OutputError(f"{asked} is a file, and the data set would go there. Move it, or give another folder.")
        if destination.exists() and any(destination.iterdir()):
            progress.say(f"{asked} already exists: nothing is fetched. To fetch it again, remove it first.")
            return True
    return False


def require_room(archive: Path, missing: int, total: int) -> None:
    """Raise an OutputError if there is too little room beside an archive to finish its download and unpack it.

    The file need not exist; its folder has to. Of its `total` bytes, so many are missing.
    """
    unpacked = int(total * _UNPACKED_PER_PACKED)
    free = shutil.disk_usage(archive.parent).free
    if free < missing + unpacked:
        raise OutputError(
            f"There is not enough room in {archive.parent}: {size_text(free)} are free and "
            f"{size_text(missing + unpacked)} needed ({size_text(missing)} to download, about {size_text(unpacked)} "
            "unpacked). Make room, or give another folder."
        )
