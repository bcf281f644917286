"""PNG files of every kind give what Pillow gives, upright and with their transparency; nothing is printed."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from pictures.pictures import EXIF_TURN_RIGHT, picture
from PIL import Image

from itrans.errors import DataError
from itrans.pictures.images import read_image
from itrans.pictures.label_maps import read_label_map

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(values: np.ndarray, depth: int, colour: int, *extra: bytes, damage: bytes | None = None) -> bytes:
    """Return a PNG of values `(H, W, samples)`, written by hand, with more chunks before its pixels."""
    height, width, _ = values.shape
    spread = (values.reshape(height, -1, 1) >> np.arange(depth - 1, -1, -1)) & 1
    rows = np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1)
    pixels = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes()) if damage is None else damage
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def values_of(colour: int, depth: int) -> np.ndarray:
    return np.random.default_rng(depth).integers(0, 2**depth, (5, 11, SAMPLES[colour]))


KINDS = [
    *itertools.product([GREY], [1, 2, 4, 8]),
    *itertools.product([PALETTE], [1, 2, 4, 8]),
    *itertools.product([RGB, GREY_ALPHA, RGBA], [8]),
]


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_pictures_of_8_bits_are_what_pillow_reads(tmp_path, colour, depth, transparent):
    values, extra = values_of(colour, depth), []
    if colour == PALETTE:
        extra.append(chunk(b"PLTE", np.random.default_rng(1).bytes(3 * 2**depth)))
    if transparent and colour in {GREY, RGB, PALETTE}:
        key = np.random.default_rng(2).bytes(2**depth) if colour == PALETTE else values[2, 3].astype(">u2").tobytes()
        extra.append(chunk(b"tRNS", key))
    content = png(values, depth, colour, *extra)
    (tmp_path / "a.png").write_bytes(content)
    has_alpha = colour in {GREY_ALPHA, RGBA} or bool(transparent)
    with Image.open(io.BytesIO(content)) as opened:
        if colour == GREY and transparent and depth < 8:  # Pillow compares stretched grey with what is not
            opened.info["transparency"] = int(values[2, 3, 0]) * (255 // (2**depth - 1))
        mode = "RGBA" if has_alpha else "L" if colour == GREY else "RGB"
        expected = np.asarray((opened.convert("L") if colour == GREY and depth == 1 else opened).convert(mode))

    read = read_image(tmp_path / "a.png")

    if colour == GREY and depth == 1 and transparent:
        expected = np.concatenate([expected[:, :, :3], np.where(values == values[2, 3], 0, 255)], axis=2)
    assert np.array_equal(read.squeeze(), expected)


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("colour", [GREY, RGB, GREY_ALPHA, RGBA])
def test_pictures_of_16_bits_are_what_was_stored(tmp_path, colour, transparent):
    values = values_of(colour, 16)
    key = [chunk(b"tRNS", values[2, 3].astype(">u2").tobytes())] if transparent and colour in {GREY, RGB} else []
    (tmp_path / "a.png").write_bytes(png(values, 16, colour, *key))

    read = read_image(tmp_path / "a.png")

    assert read.dtype == np.uint16
    colours = values if colour in {GREY, RGB} else values[:, :, :-1]
    keyed = np.where((values == values[2, 3]).all(axis=2), 0, 65535)[:, :, None]
    alpha = keyed if key else values[:, :, -1:]
    if key or colour in {GREY_ALPHA, RGBA}:
        expected = np.concatenate([np.broadcast_to(colours, (5, 11, 3)), alpha], axis=2)
    else:
        expected = colours
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("colour", [GREY, PALETTE])
def test_a_label_map_has_the_values_that_are_stored(tmp_path, colour, depth):
    values = values_of(colour, depth)
    palette = [chunk(b"PLTE", bytes(3 * 2**depth))] if colour == PALETTE else []  # all of one colour
    (tmp_path / "a.png").write_bytes(png(values, depth, colour, *palette))

    read = read_label_map(tmp_path / "a.png")

    assert read.dtype == np.uint8
    assert np.array_equal(read, values)


def test_a_label_map_of_16_bits(tmp_path):
    values = values_of(GREY, 16)
    (tmp_path / "a.png").write_bytes(png(values, 16, GREY))

    assert np.array_equal(read_label_map(tmp_path / "a.png"), values)


@pytest.mark.parametrize("reader", [read_image, read_label_map])
@pytest.mark.parametrize("depth", [4, 8])
def test_pictures_with_an_orientation_stand_upright(tmp_path, depth, reader):
    values = values_of(GREY, depth)
    (tmp_path / "a.png").write_bytes(png(values, depth, GREY, chunk(b"eXIf", EXIF_TURN_RIGHT)))
    stretch = 17 if depth == 4 and reader is read_image else 1

    assert np.array_equal(reader(tmp_path / "a.png"), np.rot90(values, -1) * stretch)


def test_an_exif_of_nonsense_turns_nothing(tmp_path):
    for number, exif in enumerate((b"", b"MM\0*", b"II*\0\xff\xff\xff\xff", EXIF_TURN_RIGHT[:-9], bytes(30))):
        (tmp_path / f"{number}.png").write_bytes(png(picture(1), 8, GREY, chunk(b"eXIf", exif)))
        assert np.array_equal(read_image(tmp_path / f"{number}.png"), picture(1))


BROKEN = {
    "checksum": (chunk(b"IDAT", b"x", checksum=0), "checksum of its part IDAT"),
    "of apple": (chunk(b"CgBI", b"\0\0\0\0"), 'needs "CgBI"'),
    "frames": (chunk(b"acTL", struct.pack(">II", 12, 0)), "12 frames"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("reader", [read_image, read_label_map])
def test_what_is_not_read_is_named(tmp_path, name, reader):
    extra, reason = BROKEN[name]
    (tmp_path / "a.png").write_bytes(png(picture(3), 8, RGB, extra))

    with pytest.raises(DataError, match=reason) as caught:
        reader(tmp_path / "a.png")
    assert str(tmp_path / "a.png") in str(caught.value)


def test_an_animation_of_one_frame_is_a_picture(tmp_path):
    extra = [chunk(b"acTL", struct.pack(">II", 1, 0))]
    (tmp_path / "a.png").write_bytes(png(picture(3), 8, RGB, *extra))

    assert np.array_equal(read_image(tmp_path / "a.png"), picture(3))


def test_a_size_of_nothing_is_refused(tmp_path):
    content = bytearray(png(picture(3), 8, RGB))
    content[16:20] = bytes(4)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)

    with pytest.raises(DataError, match="damaged PNG"):
        read_image(tmp_path / "a.png")


def test_libpng_prints_nothing(tmp_path):
    """In another process, for what libpng prints goes past Python's own standard error."""
    extras = {
        "profile": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"nonsense")),
        "transparent": chunk(b"tRNS", b"x"),
        "text": chunk(b"tEXt", b"x\0y", checksum=0),
        "time": chunk(b"tIME", b"x"),
        "checksum": chunk(b"IDAT", b"x", checksum=0),
    }
    for name, extra in extras.items():
        (tmp_path / f"{name}.png").write_bytes(png(picture(3), 8, RGB, extra))
    code = """
import sys
from itrans.pictures.images import read_image
from itrans.errors import DataError
for path in sys.argv[1:]:
    try:
        print(read_image(path).shape[2])
    except DataError:
        print("refused")
"""
    paths = [str(tmp_path / f"{name}.png") for name in extras]
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["3", "3", "3", "3", "refused"], "")
