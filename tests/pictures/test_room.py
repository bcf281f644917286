"""Pictures for which there is no room are refused by their headers, before a pixel is decoded."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from pictures.pictures import jpeg, picture, tiff

from itrans.errors import DataError
from itrans.pictures import room
from itrans.pictures.images import read_image


def png_header(width: int, height: int, depth: int) -> bytes:
    """Return a PNG that says to be large and has no pixels to speak of."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def large_files() -> dict[str, bytes]:
    small = jpeg(picture(3))
    place = small.index(b"\xff\xc0") + 5
    grey = tiff(picture(1), photometric=1)
    sizes = [struct.pack("<HHII", tag, 4, 1, old) for tag, old in ((256, 20), (257, 12))]
    wide, high = (struct.pack("<HHII", tag, 4, 1, 60_000) for tag in (256, 257))
    gif = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0x80, 0, 0) + bytes(6)
    gif += b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\2\2\x4c\1\0;"
    bmp = b"BM" + struct.pack("<IHHI", 60, 0, 0, 54)
    bmp += struct.pack("<IiiHHIIiiII", 40, 60_000, -60_000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(6)
    return {
        "a.png": png_header(30_000, 30_000, 16),
        "a.jpg": small[:place] + struct.pack(">HH", 60_000, 60_000) + small[place + 4 :],
        "a.tif": grey.replace(sizes[0], wide).replace(sizes[1], high),
        "a.gif": gif,
        "a.bmp": bmp,
        "a.ppm": b"P6 60000 60000 255\n" + bytes(9),
        "a.tga": struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 60_000, 60_000, 24, 0) + bytes(9),
    }


@pytest.mark.parametrize("name", large_files())
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(large_files()[name])

    with pytest.raises(DataError) as caught:
        read_image(tmp_path / name)

    assert str(tmp_path / name) in str(caught.value)
    assert "0000 x " in str(caught.value)
    assert "GB when they are decoded" in str(caught.value)


@pytest.mark.parametrize(("free", "is_read"), [(1 << 30, True), (290_000_000, False)])
def test_a_picture_needs_its_size_twice(tmp_path, monkeypatch, free, is_read):
    """7000 x 7000 pixels of 3 bytes are 147 MB."""
    monkeypatch.setattr(room, "free_memory", lambda: free)
    if is_read:
        room.check_room(tmp_path / "a.png", 7_000, 7_000, 3, 100)
        return
    with pytest.raises(DataError, match="7000 x 7000 pixels, which take 147 MB.*290 MB of memory are free"):
        room.check_room(tmp_path / "a.png", 7_000, 7_000, 3, 100)


def test_a_large_file_may_be_a_large_picture(tmp_path, monkeypatch):
    """The sizes of a mosaic of 400 MB, as JPEG compresses one."""
    monkeypatch.setattr(room, "free_memory", lambda: None)

    room.check_room(tmp_path / "a.jpg", 40_000, 40_000, 3, 400_000_000)


def test_free_memory_is_less_than_the_machine_has():
    free = room.free_memory()

    assert free is None or 1 << 20 < free < 1 << 50


def test_a_control_group_lowers_it(monkeypatch, tmp_path):
    (tmp_path / "max").write_text("1000000\n")
    (tmp_path / "now").write_text("900000\n")
    (tmp_path / "stat").write_text("anon 5\ninactive_file 200000\n")
    monkeypatch.setattr(room, "_GROUPS", [tuple(str(tmp_path / name) for name in ("max", "now", "stat"))])

    assert room.free_memory() == 300_000


def test_an_array_file_that_claims_more_than_it_has(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 3), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 4, 3), }" + b" " * 8, b"(99999, 99999, 3), }"))

    with pytest.raises(DataError, match=r"\(99999, 99999, 3\) of uint8 takes 30\.0 GB, and there are 48 bytes"):
        read_image(tmp_path / "a.npy")
