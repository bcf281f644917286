"""How an archive is unpacked without trusting it: whole, inside one folder, and within the room that there is."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from itrans.api import SUFFIXES, OutputError
from itrans_data.archives import size_text

if TYPE_CHECKING:
    from collections.abc import Callable

SPLITS = ("train", "val", "test")

_CHUNK = 1 << 20

_MOST_PER_PACKED = 50
"""How many times as large as a whole archive what is in it may be: no plainly stored pictures shrink so."""

_LEAST_SUSPICIOUS = 100_000_000
_BLOCK = 4096
"""What a file or a folder takes of the disk at least."""

_MOST_FOLDERS = 32
_MOST_BYTES = 255
"""Of a name, on all common file systems."""

_MOST_SHOWN = 200
_OF_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP}
"""Errors of the file system that come from an archive's names, not from the disk."""


class BadArchiveError(Exception):
    """An archive is truncated, corrupt, unsafe or no data set; the text is the reason."""


def unpack(archive: Path, name: str, destination: Path, advance: Callable[[int], None]) -> dict[str, int]:
    """Unpack an archive as a folder, whole or not at all, and on the way check it to its last byte.

    Only files, folders and hard links under `name`/ are let through. Symbolic links are refused even where they point
    inside: pictures need none, and without them a path that reads as inside the folder is inside it.

    The folder becomes the destination, which may exist if it is empty. After each member, `advance` is told how many
    bytes of the archive have been read.

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
        split: sum(Path(file).suffix.lower() in SUFFIXES for _, _, files in os.walk(folder / split) for file in files)
        for split in SPLITS
        if (folder / split).is_dir()
    }


class _Stream(gzip.GzipFile):
    """A decompressed archive of which no reader takes much at once: a header may say that it is gigabytes long."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _CHUNK:
            raise tarfile.ReadError("a header is too long")
        return super().read(size)


def _extract(archive: Path, top: str, folder: Path, advance: Callable[[int], None]) -> None:
    try:
        with (
            archive.open("rb") as compressed,
            _Stream(fileobj=compressed) as stream,
            tarfile.open(fileobj=stream, mode="r:") as members,
        ):
            allowed = _Allowed(top, folder, archive.stat().st_size)
            for member in members:
                allowed.add(member)
                members.extract(member, folder, filter="data")
                advance(compressed.tell())
            _check_end(stream, members.offset)
    except (
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        ValueError,
        LookupError,
        ArithmeticError,
    ) as error:
        raise BadArchiveError(f"the archive is truncated or corrupt ({error})") from error
    except OSError as error:
        if error.errno not in _OF_NAMES:
            raise
        raise BadArchiveError(f"a name in it cannot be used here ({error.strerror})") from error


class _Allowed:
    """Which members are let through, given those before them: in the folder `top`, of an archive of so many bytes."""

    def __init__(self, top: str, folder: Path, packed: int) -> None:
        self._top, self._folder, self._packed = top, folder, packed
        self._files: set[PurePosixPath] = set()
        self._folders: set[PurePosixPath] = set()
        self._size = self._since = 0

    def add(self, member: tarfile.TarInfo) -> None:
        """Take a member that is going to be unpacked.

        Raises:
            BadArchiveError: it is unsafe, cannot be unpacked, or makes too much of so small an archive.
            OutputError: there is no room for it.
        """
        _refuse_unsafe(member, self._top)
        path = PurePosixPath(member.name)
        name = f"its member {member.name[:_MOST_SHOWN]!r}"
        if len(path.parts) > _MOST_FOLDERS or any(len(os.fsencode(part)) > _MOST_BYTES for part in path.parts):
            raise BadArchiveError(f"{name} is nested too deeply, or has too long a name")
        if path in (self._folders if not member.isdir() else self._files) or self._files.intersection(path.parents):
            raise BadArchiveError(f"{name} is both a file and a folder")
        if member.islnk() and PurePosixPath(member.linkname) not in self._files:
            raise BadArchiveError(f"{name} is a link to {member.linkname[:_MOST_SHOWN]!r}, which is not there")
        self._folders.update(path.parents)
        (self._folders if member.isdir() else self._files).add(path)
        self._require_room(member.size if member.isreg() else 0)

    def _require_room(self, size: int) -> None:
        taken = size + _BLOCK
        self._size += taken
        self._since += taken
        if self._size > max(_LEAST_SUSPICIOUS, _MOST_PER_PACKED * self._packed):
            raise BadArchiveError(
                f"it has {size_text(self._packed)} and makes more than {size_text(self._size)}, as no pictures do"
            )
        if self._since > _LEAST_SUSPICIOUS or size > _LEAST_SUSPICIOUS:
            self._since = 0
            free = shutil.disk_usage(self._folder).free
            if size > free:
                raise OutputError(
                    f"There is not enough room in {self._folder.parent} to unpack {self._top}.tar.gz: "
                    f"{size_text(free)} are free, and one file of it alone takes {size_text(size)}. Make room, or "
                    "give another folder."
                )


def _refuse_unsafe(member: tarfile.TarInfo, top: str) -> None:
    """Raise a BadArchiveError if the member is no file, folder or hard link, or lies or points outside `top`."""
    name = f"its member {member.name[:_MOST_SHOWN]!r}"
    if not (member.isreg() or member.isdir() or member.islnk()):
        raise BadArchiveError(f"{name} is {_kind(member)}, and only files and folders are unpacked")
    if not _is_under(member.name, top) and not (member.isdir() and member.name == "."):
        raise BadArchiveError(f"{name} is outside the folder {top}/")
    if member.islnk() and not _is_under(member.linkname, top):
        raise BadArchiveError(f"{name} is a link to {member.linkname[:_MOST_SHOWN]!r}, outside the folder {top}/")


def _is_under(path: str, top: str) -> bool:
    # tarfile's own filter makes an absolute path relative, and knows a backslash as a separator on Windows only.
    if path.startswith("/") or "\\" in path:
        return False
    parts = PurePosixPath(path).parts
    return parts[:1] == (top,) and ".." not in parts


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym():
        return f"a symbolic link to {member.linkname[:_MOST_SHOWN]!r}"
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
        if seen > _LEAST_SUSPICIOUS:
            raise BadArchiveError(f"the archive is corrupt (nothing but zeros follows byte {end} when decompressed)")
    if not seen:
        raise BadArchiveError(f"the archive is truncated (nothing follows byte {end} when decompressed)")
