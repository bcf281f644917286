"""Where the files in a tar lie, kept in a file beside it that is mapped into memory: opening a shard reads no tar.

A shard is a plain tar file in the layout of WebDataset. A file's path up to the first dot of its name is the key of the
sample that it belongs to, and the rest is its extension; the files of a sample follow one another.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import re
import secrets
import struct
import tarfile
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from itrans.api import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MAGIC = b"ITRANSIX"
_VERSION = 1
_HEAD = struct.Struct("<8sI")
"""The first bytes of an index: what it is, and how many bytes of JSON follow."""

_NAME = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)")
"""The key and the extension of a file in a shard; hidden files have neither."""

_BLOCK = tarfile.BLOCKSIZE
_MOST_EXTENSIONS = 65535


class Member(NamedTuple):
    """A file in a shard: its extension, and where its bytes are."""

    extension: str
    start: int
    size: int


class ShardIndex:
    """The samples of one shard.

    Attributes:
        extensions: of the files, in lower case, each once.
        kinds: the place in `extensions` of each file, uint16.
        bounds: the first file of each sample, and after them the number of files, uint32.
    """

    def __init__(self, header: dict[str, Any], body: memoryview) -> None:
        self.extensions: list[str] = header["extensions"]
        self._tar_size: int = header["tar"]
        samples, files = header["samples"], header["files"]
        self.bounds, place = _part(body, 0, "<u4", samples + 1)
        self._key_bounds, place = _part(body, place, "<u4", samples + 1)
        self._starts, place = _part(body, place, "<u8", files)
        self._sizes, place = _part(body, place, "<u8", files)
        self.kinds, place = _part(body, place, "<u2", files)
        self._keys = body[place:]
        self._check(samples, files)

    def _check(self, samples: int, files: int) -> None:
        """Raise `ValueError` if the numbers do not fit one another."""
        fits = int(self.bounds[-1]) == files and int(self._key_bounds[-1]) == len(self._keys)
        if files:
            fits = fits and int(self.kinds.max()) < len(self.extensions)
            ends = self._starts + self._sizes
            fits = fits and int(self._starts.min()) >= _BLOCK and int(self._starts.max()) <= self._tar_size
            fits = fits and int(self._sizes.max()) <= self._tar_size and int(ends.max()) <= self._tar_size
        if not fits or bool((np.diff(self.bounds.astype(np.int64)) <= 0).any()):
            raise ValueError(f"its numbers of {samples} samples do not fit one another")

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.bounds) - 1

    def key(self, sample: int) -> str:
        """Return what a sample is called."""
        start, end = self._key_bounds[sample : sample + 2].tolist()
        return bytes(self._keys[start:end]).decode("utf-8", "surrogateescape")

    def members(self, sample: int) -> list[Member]:
        """Return the files of a sample, in their order."""
        first, end = self.bounds[sample : sample + 2].tolist()
        found = zip(
            self.kinds[first:end].tolist(),
            self._starts[first:end].tolist(),
            self._sizes[first:end].tolist(),
            strict=True,
        )
        return [Member(self.extensions[kind], start, size) for kind, start, size in found]

    def fits(self, tar_size: int) -> bool:
        """Whether it can be the index of a tar of so many bytes."""
        return self._tar_size == tar_size


def index_path(shard: Path) -> Path:
    """Return where the index of a shard is kept."""
    return shard.with_name(f"{shard.name}.index")


def open_index(shard: Path, note: Callable[[str], None]) -> ShardIndex:
    """Return the index of a shard: the file beside it, or one made anew.

    It is made anew where it is missing, older than the tar, or of a tar of another size.

    Args:
        shard: the tar file.
        note: is told why an index is made anew, and if it cannot be written.

    Raises:
        DataError: the shard is missing, damaged, truncated or compressed; it is named.
    """
    path = index_path(shard)
    try:
        there = shard.stat()
    except OSError as error:
        raise DataError(f"The shard {shard} cannot be read: {error.strerror}.") from error
    try:
        with path.open("rb") as file:
            written = os.fstat(file.fileno()).st_mtime_ns
            index = _read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        if index.fits(there.st_size) and written >= there.st_mtime_ns:
            return index
        why = "is older than the tar, or belongs to another one"
    except FileNotFoundError:
        why = "is missing"
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        why = f"cannot be used ({error})"
    note(f"{path} {why}: reading all of {shard.name} to make it.")
    content = index_of(shard)
    try:
        _write(path, content)
    except OSError as error:
        note(f"{path} cannot be written ({error.strerror}): each start reads {shard.name} again.")
    return _read(memoryview(content))


def write_index(shard: Path) -> None:
    """Write the index of a shard beside it.

    Raises:
        DataError: see `open_index`.
        OSError: it cannot be written.
    """
    _write(index_path(shard), index_of(shard))


def index_of(shard: Path) -> bytes:
    """Read a shard from one end to the other, and return the content of its index.

    Raises:
        DataError: see `open_index`; or two samples have one key.
    """
    keys: dict[str, int] = {}
    extensions: dict[str, int] = {}
    bounds, kinds, starts, sizes = [0], [], [], []
    last = None
    for member in _members(shard):
        if (match := _NAME.fullmatch(member.name)) is None:
            continue
        key, extension = match[1], match[2].lower()
        if key != last:
            if key in keys:
                raise DataError(
                    f"The shard {shard} has two samples {key}: the files of one have to follow one another."
                )
            keys[key] = len(keys)
            bounds.append(bounds[-1])
            last = key
        bounds[-1] += 1
        kinds.append(extensions.setdefault(extension, len(extensions)))
        starts.append(member.offset_data)
        sizes.append(member.size)
    if len(extensions) > _MOST_EXTENSIONS:
        raise DataError(
            f"The shard {shard} has files of {len(extensions)} extensions: what follows the first dot of a name is its "
            "extension, so a key must have no dot."
        )
    packed = [key.encode("utf-8", "surrogateescape") for key in keys]
    header = {
        "version": _VERSION,
        "tar": shard.stat().st_size,
        "samples": len(keys),
        "files": len(kinds),
        "extensions": list(extensions),
    }
    parts: list[tuple[str, Sequence[int]]] = [
        ("<u4", bounds),
        ("<u4", list(accumulate(map(len, packed), initial=0))),
        ("<u8", starts),
        ("<u8", sizes),
        ("<u2", kinds),
    ]
    text = json.dumps(header).encode()
    text += b" " * (-(_HEAD.size + len(text)) % 8)
    body = b"".join(_padded(np.array(values, kind).tobytes()) for kind, values in parts)
    return _HEAD.pack(_MAGIC, len(text)) + text + body + b"".join(packed)


def check_member(shard: Path, key: str, member: Member, block: bytes) -> None:
    """Compare what stands in the tar before a file with what the index says of it.

    Args:
        shard: the tar.
        key: the sample's.
        member: the file, as the index has it.
        block: the 512 bytes of the tar before it.

    Raises:
        DataError: they differ, so that the tar is damaged or another one.
    """
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        fault = f"there is no file where the index has one ({error})"
    else:
        name = f"{key}.{member.extension}"
        is_short = len(name) < tarfile.LENGTH_NAME and name.isascii()  # others have their name in a block of its own
        match = _NAME.fullmatch(info.name)
        if info.size == member.size and (not is_short or (match and f"{match[1]}.{match[2].lower()}" == name)):
            return
        fault = f"the index has {name} of {member.size} bytes where there is {info.name} of {info.size}"
    raise DataError(
        f"The shard {shard} is damaged, or {index_path(shard).name} belongs to another one: at {key}, {fault}. Remove "
        "the index, and it is made again."
    )


def _members(shard: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the files in a tar."""
    try:
        with shard.open("rb") as file:
            start = file.read(6)
            if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
                raise DataError(
                    f"The shard {shard} is compressed. Decompress it: a picture in a plain tar can be read without "
                    "those before it."
                )
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    tar.members = []  # type: ignore[attr-defined]  # which it would keep all of
                    if member.isreg() and not member.issparse():
                        yield member
                end = tar.offset
            file.seek(min(end, file.seek(0, io.SEEK_END)))
            if len(rest := file.read(_BLOCK)) < _BLOCK or rest.strip(b"\0"):
                raise tarfile.ReadError(f"it ends in the middle, or cannot be read from byte {end} on")
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise DataError(f"The shard {shard} is damaged or truncated: {error}.") from error
    except OSError as error:
        raise DataError(f"The shard {shard} cannot be read: {error.strerror or error}.") from error


def _read(content: memoryview) -> ShardIndex:
    magic, length = _HEAD.unpack_from(content)
    if magic != _MAGIC:
        raise ValueError("it is not the index of a shard")
    end = _HEAD.size + length
    header = json.loads(bytes(content[_HEAD.size : end]))
    if header["version"] != _VERSION:
        raise ValueError(f"it is of version {header['version']}")
    return ShardIndex(header, content[end:])


def _part(body: memoryview, place: int, kind: str, count: int) -> tuple[NDArray[np.unsignedinteger[Any]], int]:
    """Return the numbers of a kind that begin at a place, and the place after them."""
    array: NDArray[np.unsignedinteger[Any]] = np.frombuffer(body, kind, count, place)
    return array, place + array.nbytes + -array.nbytes % 8


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole; several processes may do so at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
