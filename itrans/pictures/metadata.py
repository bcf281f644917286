"""What travels with a picture beside its pixels: colour profile, resolution, place on the earth."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from itrans.errors import ItransError
from itrans.pictures.decoders import pillow_opened
from itrans.pictures.decoding import format_of
from itrans.pictures.png import PIXELS, SIGNATURE, chunk, chunk_names
from itrans.pictures.tiff_tags import ORIENTATION, Directory, directories, first_page, orientation_of

if TYPE_CHECKING:
    from pathlib import Path

_PROFILE, _ACROSS, _DOWN, _UNIT = 34675, 282, 283, 296
_INCH, _CENTIMETRE = 2, 3
_PLACE = (33550, 33922, 34264, 34735, 34736, 34737)
"""The tags of GeoTIFF (OGC 19-008r4): scale, tie points, transformation, keys, and the numbers and texts of those."""

_SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"RGB "}
"""What an ICC profile says that it is for (ICC.1:2022, 7.2.6), by the channels of a picture."""

_FINEST = 1e6
"""Pixels per inch above which nobody has scanned anything."""

_RATIONAL, _SHORT, _UNDEFINED = 5, 3, 7


@dataclass(frozen=True)
class Metadata:
    """What travels with a picture.

    Attributes:
        profile: the ICC profile.
        resolution: pixels per inch, across and down; None if nothing is said.
        place: tags of GeoTIFF: their type, number of values, and bytes in little endian.
    """

    profile: bytes = b""
    resolution: tuple[float, float] | None = None
    place: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)

    def for_channels(self, channels: int) -> Metadata:
        """Return the same, without a profile that is for pictures of another number of channels."""
        fits = self.profile[16:20] == _SPACES.get(channels)
        return self if fits or not self.profile else Metadata(b"", self.resolution, self.place)


def metadata_of(path: Path) -> Metadata:
    """Return what travels with a picture: nothing, if its file does not say it or is damaged."""
    try:
        content = path.read_bytes()
        format_ = format_of(content, path.suffix.lower())
        if format_ == "TIFF":
            return metadata_in_tiff(content)
        if not format_ or path.suffix.lower() == ".npy" or (format_ == "PNG" and chunk_names(content) <= PIXELS):
            return Metadata()
        info = pillow_opened(path, content, format_).info
        across, down = (float(value) for value in info.get("dpi", (0, 0)))
        if orientation_of(info.get("exif", b"")) > 4:
            across, down = down, across
        return Metadata(info.get("icc_profile") or b"", _resolution(across, down))
    except (ItransError, OSError, ValueError, TypeError, struct.error):
        return Metadata()


def with_metadata(content: bytes, suffix: str, metadata: Metadata) -> tuple[bytes, set[str]]:
    """Return a picture's file with its metadata, and the names of those that the format has no room for."""
    lost = {"georeference"} if metadata.place else set()
    if suffix == ".png":
        return _png_with(content, metadata), lost
    if suffix in {".tif", ".tiff"}:
        return _tiff_with(content, metadata), set()
    lost |= {"colour profile"} if metadata.profile else set()
    return content, lost | ({"resolution"} if metadata.resolution and suffix != ".npy" else set())


def metadata_in_tiff(content: bytes) -> Metadata:
    """Return what travels with the picture of a TIFF, which may lie on disk: a memory map is sliced as bytes are.

    Raises:
        ValueError: the file is damaged.
    """
    page = first_page(content)
    if page is None:
        return Metadata()
    orientation = page.number(ORIENTATION, 1)
    unit = {_INCH: 1.0, _CENTIMETRE: 2.54}.get(page.number(_UNIT, _INCH), 0.0)
    across, down = (_fraction(page, tag) * unit for tag in (_ACROSS, _DOWN))
    if orientation > 4:
        across, down = down, across
    place = {tag: _little(page, tag) for tag in _PLACE if tag in page.entries} if orientation == 1 else {}
    return Metadata(page.raw(_PROFILE), _resolution(across, down), place)


def _resolution(across: float, down: float) -> tuple[float, float] | None:
    """Return a resolution; None for one that makes no sense."""
    return (across, down) if 0 < across < _FINEST and 0 < down < _FINEST else None


def _fraction(page: Directory, tag: int) -> float:
    raw = page.raw(tag)
    if len(raw) < 8:
        return 0.0
    over, under = struct.unpack_from(page.order + "II", raw)
    return over / under if under else 0.0


def _little(page: Directory, tag: int) -> tuple[int, int, bytes]:
    entry, values = page.entries[tag], page.values(tag)
    code = {3: "H", 12: "d"}.get(entry.kind)
    return entry.kind, entry.count, struct.pack(f"<{entry.count}{code}", *values) if code else page.raw(tag)


def _png_with(content: bytes, metadata: Metadata) -> bytes:
    added = b""
    if metadata.profile:
        added += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile))
    if metadata.resolution:
        across, down = (round(value / 0.0254) for value in metadata.resolution)
        added += chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    header = len(SIGNATURE) + 25  # of all chunks IHDR comes first, and has 13 bytes
    return content[:header] + added + content[header:]


def _tiff_with(content: bytes, metadata: Metadata) -> bytes:
    """Return a TIFF with a new directory at its end, which has the old entries and the new ones."""
    page = directories(content)[0]
    if page.is_big or page.order != "<":
        return content
    added = dict(metadata.place)
    if metadata.profile:
        added[_PROFILE] = (_UNDEFINED, len(metadata.profile), metadata.profile)
    if metadata.resolution:
        for tag, value in zip((_ACROSS, _DOWN), metadata.resolution, strict=True):
            added[tag] = (_RATIONAL, 1, struct.pack("<II", round(value * 1000), 1000))
        added[_UNIT] = (_SHORT, 1, struct.pack("<H", _INCH))
    if not added:
        return content
    (count,) = struct.unpack_from("<H", content, page.place)
    old = (content[page.place + 2 + 12 * number :][:12] for number in range(count))
    entries = {int.from_bytes(entry[:2], "little"): entry for entry in old}
    body = bytearray(content + bytes(len(content) % 2))
    for tag, (kind, number, data) in added.items():
        inline = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", len(body))
        body += data + bytes(len(data) % 2) if len(data) > 4 else b""
        entries[tag] = struct.pack("<HHI", tag, kind, number) + inline
    struct.pack_into("<I", body, 4, len(body))
    body += struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return bytes(body)
