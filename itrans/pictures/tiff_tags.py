"""The directories of a TIFF file, which EXIF consists of too: what its tags say, before anybody decodes a pixel."""

from __future__ import annotations

import struct
from dataclasses import dataclass

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Either byte order, with offsets of 4 and of 8 bytes."""

NEW_SUBFILE_TYPE, SUBFILE_TYPE, ORIENTATION = 254, 255, 274
_REDUCED_OR_MASK = 1 | 4
_OLD_REDUCED = 2

_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""How values are packed, by their type; texts (2) and fractions (5 and 10) are dealt with apart."""


@dataclass(frozen=True)
class Entry:
    """One tag of a directory: the type of its values, how many there are, and where they lie."""

    kind: int
    count: int
    place: int


@dataclass(frozen=True)
class Directory:
    """A page's tags.

    Attributes:
        content: the file.
        place: where the directory begins.
        link: where it says where the next one begins.
        order: of the bytes, `<` or `>`.
        is_big: whether offsets have 8 bytes.
        entries: by tag.
    """

    content: bytes
    place: int
    link: int
    order: str
    is_big: bool
    entries: dict[int, Entry]

    def values(self, tag: int) -> tuple[int | float, ...]:
        """Return the numbers of a tag; none if it is not there, or is no number.

        Raises:
            struct.error: the file ends before they do.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _CODES:
            return ()
        return struct.unpack_from(f"{self.order}{entry.count}{_CODES[entry.kind]}", self.content, entry.place)

    def number(self, tag: int, default: int) -> int:
        """Return the first number of a tag, or what stands for it where it is not there."""
        return int(next(iter(self.values(tag)), default))

    def raw(self, tag: int) -> bytes:
        """Return the bytes of a tag's values in the file's byte order; none if it is not there."""
        entry = self.entries.get(tag)
        if entry is None:
            return b""
        size = 1 if entry.kind == 2 else 8 if entry.kind in {5, 10} else struct.calcsize("<" + _CODES[entry.kind])
        return self.content[entry.place : entry.place + size * entry.count]

    @property
    def is_page(self) -> bool:
        """Whether this is a picture of its own, no smaller copy of another one, and no mask."""
        return not (self.number(NEW_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK or self.number(SUBFILE_TYPE, 0) == _OLD_REDUCED)

    def alone(self, changes: dict[int, int]) -> bytes:
        """Return the file with this directory as its first and only one, and other values for some of its tags."""
        content = bytearray(self.content)
        offset = self.order + ("Q" if self.is_big else "I")
        struct.pack_into(offset, content, 8 if self.is_big else 4, self.place)
        struct.pack_into(offset, content, self.link, 0)
        for tag, value in changes.items():
            if entry := self.entries.get(tag):
                struct.pack_into(self.order + _CODES[entry.kind], content, entry.place, value)
        return bytes(content)


def directories(content: bytes) -> list[Directory]:
    """Return the directories of a file, in the order in which they are linked.

    Raises:
        ValueError: the file is damaged or truncated.
    """
    order, is_big = "<" if content[:1] == b"I" else ">", b"+" in content[:4]
    offset = "Q" if is_big else "I"
    found: dict[int, Directory] = {}
    try:
        (place,) = struct.unpack_from(order + offset, content, 8 if is_big else 4)
        while place and place not in found:  # a file that is damaged, or made to harm, can go in circles
            found[place], place = _directory(content, place, order, is_big)
    except struct.error as error:
        raise ValueError(str(error)) from error
    return list(found.values())


def first_page(content: bytes) -> Directory | None:
    """Return the first directory of a picture; see `directories`."""
    return next((directory for directory in directories(content) if directory.is_page), None)


def orientation_of(exif: bytes) -> int:
    """Return how a picture is to be turned, 1 to 8, from its EXIF; 1 is upright, and stands for what makes no sense."""
    exif = exif.removeprefix(b"Exif\0\0")
    if not exif.startswith(STARTS):
        return 1
    try:
        return directories(exif)[0].number(ORIENTATION, 1)
    except (ValueError, IndexError, struct.error):
        return 1


def _directory(content: bytes, place: int, order: str, is_big: bool) -> tuple[Directory, int]:
    """Return a directory, and where the next one begins."""
    count, value, offset, inline = ("Q", "QQ", "Q", 8) if is_big else ("H", "II", "I", 4)
    start = place = min(place, len(content))  # an offset beyond what numbers of C hold is no more than out of reach
    (length,) = struct.unpack_from(order + count, content, place)
    place += struct.calcsize(order + count)
    if place + length * (20 if is_big else 12) > len(content):
        raise struct.error("the directory is truncated")
    entries = {}
    for _ in range(length):
        tag, kind, number, at = struct.unpack_from(f"{order}HH{value}", content, place)
        size = 8 if kind in {5, 10} else struct.calcsize("<" + _CODES.get(kind, "B"))
        here = place + 4 + inline if size * number <= inline else min(at, len(content))
        if kind in _CODES or kind in {2, 5, 10}:
            entries[tag] = Entry(kind, number, here)
        place += struct.calcsize(f"{order}HH{value}")
    (following,) = struct.unpack_from(order + offset, content, place)
    return Directory(content, start, place, order, is_big, entries), following
