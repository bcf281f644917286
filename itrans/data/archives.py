"""The six archives of the Pix2Pix paper: where they are published, and how one is unpacked without trusting it."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, Protocol

from itrans.data.suffixes import READ_SUFFIXES
from itrans.errors import DataError, OutputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

# Published without TLS.
PUBLISHED_AT = "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets"
MIRROR_VARIABLE = "ITRANS_DATASETS_URL"

SPLITS = ("train", "val", "test")

Stage = Literal["downloading", "unpacking"]

_CHUNK = 1 << 20
# Pictures are compressed already; the rest is what a file system loses by rounding each small file up to a block.
_UNPACKED_PER_PACKED = 1.25


class BadArchiveError(Exception):
    """An archive is truncated, corrupt, unsafe or no data set; the text is the reason."""


class Progress(Protocol):
    """What is told how a fetch is going."""

    def say(self, line: str) -> None:
        """Take one line that is to stay: the size, what is resumed, what is there already."""

    def advance(self, stage: Stage, done: int, total: int | None) -> None:
        """Take how many bytes of the archive are downloaded or unpacked; the total is None where nobody knows it."""


class Silence:
    """A `Progress` that shows nothing."""

    def say(self, line: str) -> None:
        """Drop the line."""

    def advance(self, stage: Stage, done: int, total: int | None) -> None:
        """Drop the count."""


@dataclass(frozen=True)
class Archive:
    """One published data set, each picture of which holds source and target side by side.

    Attributes:
        name: of the data set, of its folder and, with `.tar.gz`, of its file.
        description: what is translated into what.
        pairs: how many pairs there are to train on, as the paper counts them.
    """

    name: str
    description: str
    pairs: str


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive("cityscapes", "label maps of German streets <-> photos", "2,975"),
        Archive("edges2handbags", "edges of handbags -> photos", "about 137,000"),
        Archive("edges2shoes", "edges of shoes -> photos", "about 50,000"),
        Archive("facades", "label maps of house fronts <-> photos", "400"),
        Archive("maps", "street maps <-> aerial photos", "1,096"),
        Archive("night2day", "photos at night -> the same places by day", "17,823"),
    )
}


def listing() -> str:
    """Return the archives as a table, one a line."""
    width = max(map(len, ARCHIVES))
    return "\n".join(
        f"  {archive.name:<{width}}  {archive.description} ({archive.pairs} pairs to train on)"
        for archive in ARCHIVES.values()
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
        raise DataError(f'There is no archive "{name}".{did_you_mean(name, ARCHIVES)} There are:\n{listing()}')
    return ARCHIVES[name]


def address(name: str, base: str | None = None) -> str:
    """Return the URL of an archive.

    Args:
        name: of the archive.
        base: the folder of a mirror; else `$ITRANS_DATASETS_URL`; else where the authors publish it.

    Raises:
        DataError: the base is no http or https URL.
    """
    base = base or os.environ.get(MIRROR_VARIABLE) or PUBLISHED_AT
    # urllib would also open file: and ftp:, neither of which can be resumed the way HTTP can.
    if not base.lower().startswith(("http://", "https://")):
        raise DataError(
            f'"{base}" is no URL of a mirror: it has to begin with http:// or https:// '
            f"(it comes from --url or ${MIRROR_VARIABLE})."
        )
    return f"{base.rstrip('/')}/{name}.tar.gz"


def require_room(archive: Path, missing: int, total: int) -> None:
    """Raise an OutputError if there is too little room beside an archive to end its download and unpack it.

    Args:
        archive: the file, which need not exist; its folder has to.
        missing: how many bytes of it are still to come.
        total: how many bytes it will have.
    """
    unpacked = int(total * _UNPACKED_PER_PACKED)
    free = shutil.disk_usage(archive.parent).free
    if free < missing + unpacked:
        raise OutputError(
            f"There is not enough room in {archive.parent}: {size_text(free)} are free and "
            f"{size_text(missing + unpacked)} needed ({size_text(missing)} to download, about {size_text(unpacked)} "
            "unpacked). Make room, or give another folder."
        )


def unpack(archive: Path, name: str, destination: Path, advance: Callable[[int], None]) -> dict[str, int]:
    """Unpack an archive as a folder, whole or not at all, and on the way check it to its last byte.

    Only files, folders and hard links under `name`/ are let through. Symbolic links are refused even where they point
    inside: pictures need none, and without them a path that reads as inside the folder is inside it.

    Args:
        archive: the `.tar.gz` file.
        name: the one folder that it may hold.
        destination: what that folder becomes; it may exist if it is empty.
        advance: told after each member how many bytes of the archive have been read.

    Returns:
        How many pictures each split holds.

    Raises:
        BadArchiveError: the archive is truncated, corrupt, no data set, or has a member that is not allowed.
        OSError: the destination cannot be written to.
    """
    # One fixed name, so that what a killed process has left is removed by the next one.
    scratch = destination.with_name(f".{name}.unpacking")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir()
        _extract(archive, name, scratch, advance)
        counts = picture_counts(scratch / name)
        if not counts.get("train"):
            raise BadArchiveError(f"the archive has no pictures in {name}/train/")
        if destination.exists():
            destination.rmdir()  # on Windows a rename does not replace even an empty folder
        (scratch / name).replace(destination)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return counts


def picture_counts(folder: Path) -> dict[str, int]:
    """Return how many pictures each split of a data set holds; a split without a folder is left out."""
    return {
        split: sum(
            Path(file).suffix.lower() in READ_SUFFIXES for _, _, files in os.walk(folder / split) for file in files
        )
        for split in SPLITS
        if (folder / split).is_dir()
    }


def _extract(archive: Path, top: str, folder: Path, advance: Callable[[int], None]) -> None:
    try:
        with (
            archive.open("rb") as compressed,
            gzip.GzipFile(fileobj=compressed) as stream,
            tarfile.open(fileobj=stream, mode="r:") as members,
        ):
            for member in members:
                _refuse_unsafe(member, top)
                members.extract(member, folder, filter="data")
                advance(compressed.tell())
            _check_end(stream, members.offset)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        raise BadArchiveError(f"the archive is truncated or corrupt ({error})") from error


def _refuse_unsafe(member: tarfile.TarInfo, top: str) -> None:
    """Raise a BadArchiveError if the member is no file, folder or hard link, or lies or points outside `top`."""
    if not (member.isreg() or member.isdir() or member.islnk()):
        raise BadArchiveError(f"its member {member.name!r} is {_kind(member)}, and only files and folders are unpacked")
    if not _is_under(member.name, top) and not (member.isdir() and member.name == "."):
        raise BadArchiveError(f"its member {member.name!r} lies outside the folder {top}/")
    if member.islnk() and not _is_under(member.linkname, top):
        raise BadArchiveError(f"its member {member.name!r} is a link to {member.linkname!r}, outside the folder {top}/")


def _is_under(path: str, top: str) -> bool:
    # tarfile's own filter makes an absolute path relative, and knows a backslash as a separator on Windows only.
    if path.startswith("/") or "\\" in path:
        return False
    parts = PurePosixPath(path).parts
    return parts[:1] == (top,) and ".." not in parts


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym():
        return f"a symbolic link to {member.linkname!r}"
    if member.ischr() or member.isblk():
        return "a device"
    if member.isfifo():
        return "a named pipe"
    return "of an unknown kind"


def _check_end(stream: gzip.GzipFile, end: int) -> None:
    """Read from the last member to the end of the file, where gzip keeps its checksum.

    tarfile takes a header that it cannot read for the end of the archive, and so does not see that members are lost.
    """
    stream.seek(end)
    seen = 0
    while chunk := stream.read(_CHUNK):
        if chunk.strip(b"\0"):
            raise BadArchiveError(f"the archive is corrupt (what follows byte {end} when decompressed cannot be read)")
        seen += len(chunk)
    if not seen:
        raise BadArchiveError(f"the archive is truncated (nothing follows byte {end} when decompressed)")
