"""The checksums of a checkpoint, computed while torch is being imported: those of Pix2Pix take 0.2 seconds."""

from __future__ import annotations

import contextlib
import mmap
import threading
import zipfile
import zlib
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

_State: TypeAlias = tuple[int, int, int, int]

_LOCAL_HEADER = 30
"""Bytes of a part's header in a zip file before its name; the last four of them tell how long what follows is."""
_ENCRYPTED, _UTF8 = 1, 1 << 11
"""Flags of a part."""

_begun: dict[_State, Future[bool]] = {}


def begin_checksums(path: Path) -> None:
    """Begin to compute the checksums of a file in a thread of its own, for `is_whole` to find."""
    found: Future[bool] = Future()
    with contextlib.suppress(OSError):
        _begun[_state(path)] = found
        threading.Thread(target=lambda: found.set_result(_has_good_checksums(path)), daemon=True).start()


def is_whole(path: Path) -> bool:
    """Return whether a file's checksums were begun, and are good; the file has not changed since. It is told once."""
    found = _begun.pop(_state(path), None)
    return found is not None and found.result()


def _state(path: Path) -> _State:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _has_good_checksums(path: Path) -> bool:
    """Return whether a file is a zip file without compression whose checksums are good.

    A part is computed at once, however large, and straight from memory that the file is mapped into: a thread that
    reads piece by piece would wait, before each, for the one that imports.
    """
    try:
        with (
            zipfile.ZipFile(path) as archive,
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            memoryview(content) as view,
        ):
            return all(_is_good(part, content, view) for part in archive.infolist())
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
        return False


def _is_good(part: zipfile.ZipInfo, content: mmap.mmap, view: memoryview) -> bool:
    if part.compress_type != zipfile.ZIP_STORED or part.flag_bits & _ENCRYPTED:
        return False
    name = part.orig_filename.encode("utf-8" if part.flag_bits & _UTF8 else "cp437")
    own = part.header_offset + _LOCAL_HEADER
    lengths = content[own - 4 : own]
    start = own + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    with view[start : start + part.file_size] as values:
        return content[own : own + len(name)] == name and zlib.crc32(values) == part.CRC
