"""The checksums of a checkpoint, computed while torch is being imported: those of Pix2Pix take 0.2 seconds."""

from __future__ import annotations

import contextlib
import os
import threading
import zipfile
import zlib
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

_State: TypeAlias = tuple[int, int, int, int]

_LOCAL_HEADER = 30
"""Bytes of a part's header in a zip file before its name; the last four of them tell how long what follows is."""
_SIGNATURE = b"PK\3\4"
_SIZES_FOLLOW, _UTF8 = 1 << 3, 1 << 11
"""Flags that a part may have."""

_begun: dict[_State, Future[bool]] = {}


def begin_checksums(path: Path) -> None:
    """Begin to compute the checksums of a file in a thread of its own, for `is_whole` to find."""
    found: Future[bool] = Future()
    with contextlib.suppress(OSError):
        _begun[_state(path)] = found
        threading.Thread(target=_compute, args=(path, found), daemon=True).start()


def _compute(path: Path, found: Future[bool]) -> None:
    is_good = False
    try:
        is_good = _has_good_checksums(path)
    finally:
        found.set_result(is_good)


def is_whole(path: Path) -> bool:
    """Return whether a file's checksums were begun, and are good; the file has not changed since. It is told once."""
    found = _begun.pop(_state(path), None)
    return found is not None and found.result()


def _state(path: Path) -> _State:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _has_good_checksums(path: Path) -> bool:
    """Return whether a file is a zip file without compression whose checksums are good.

    A part is read at once, however large: a thread that reads piece by piece would wait, before each, for the one that
    imports. The file is not mapped into memory, because somebody might cut it off meanwhile, which ends the process.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb", buffering=0) as file:
            return all(_is_good(part, file) for part in archive.infolist())
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
        return False


def _is_good(part: zipfile.ZipInfo, file: FileIO) -> bool:
    is_stored = part.compress_type == zipfile.ZIP_STORED and part.compress_size == part.file_size
    if not is_stored or part.flag_bits & ~(_UTF8 | _SIZES_FOLLOW):
        return False
    name = part.orig_filename.encode("utf-8" if part.flag_bits & _UTF8 else "cp437")
    file.seek(part.header_offset)
    header = file.read(_LOCAL_HEADER + len(name))
    lengths = header[_LOCAL_HEADER - 4 : _LOCAL_HEADER]
    if header[:4] != _SIGNATURE or header[_LOCAL_HEADER:] != name or int.from_bytes(lengths[:2], "little") != len(name):
        return False
    file.seek(int.from_bytes(lengths[2:], "little"), os.SEEK_CUR)
    return zlib.crc32(file.read(part.file_size)) == part.CRC
