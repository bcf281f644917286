"""Formats beside PNG, JPEG and TIFF give what Pillow reads; animations are refused; the rest is called by its name."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from pictures.pictures import EXIF_TURN_RIGHT, jpeg, picture
from PIL import Image, features

from itrans.errors import DataError
from itrans.pictures.images import find_images, read_image
from itrans.pictures.spec import SUFFIXES

avif = pytest.mark.skipif(not features.check("avif"), reason="this build of Pillow has no AVIF")


def saved(path, image: np.ndarray, **options) -> None:
    Image.fromarray(image.squeeze()).save(path, **options)


@pytest.mark.parametrize(
    ("suffix", "channels", "options"),
    [
        *((".tga", channels, {"compression": how}) for channels in (1, 3, 4) for how in (None, "tga_rle")),
        *((".bmp", channels, {}) for channels in (1, 3)),
        *((suffix, 3, {}) for suffix in (".ppm", ".pnm")),
        (".pgm", 1, {}),
        *((".jp2", channels, {}) for channels in (1, 3, 4)),
        (".j2k", 3, {}),
        *((".webp", channels, {"lossless": True, "exact": True}) for channels in (3, 4)),
    ],
)
def test_lossless_formats(tmp_path, suffix, channels, options):
    saved(tmp_path / f"a{suffix}", picture(channels), **options)

    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), picture(channels))


@pytest.mark.parametrize(("suffix", "channels"), [(".jfif", 3), (".jpe", 1), pytest.param(".avif", 4, marks=avif)])
def test_formats_with_losses(tmp_path, suffix, channels):
    format_ = "AVIF" if suffix == ".avif" else "JPEG"
    saved(tmp_path / f"a{suffix}", picture(channels, height=40, width=60), format=format_)
    with Image.open(tmp_path / f"a{suffix}") as opened:
        expected = np.asarray(opened)

    read = read_image(tmp_path / f"a{suffix}")

    assert np.abs(read.squeeze().astype(int) - expected).max() <= 2


@avif
def test_avif_stands_upright(tmp_path):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :20] = 255
    saved(tmp_path / "a.avif", image, exif=b"Exif\0\0" + EXIF_TURN_RIGHT)

    assert np.array_equal(read_image(tmp_path / "a.avif") > 127, np.rot90(image, -1) > 127)


def test_gif_of_one_frame_has_its_colours_and_its_transparency(tmp_path):
    indices = np.arange(240, dtype=np.uint8).reshape(12, 20) % 7
    palette = np.random.default_rng(0).integers(0, 256, (7, 3), dtype=np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette(palette.tobytes())
    image.save(tmp_path / "a.gif")
    image.save(tmp_path / "b.gif", transparency=3)

    assert np.array_equal(read_image(tmp_path / "a.gif"), palette[indices])
    read = read_image(tmp_path / "b.gif")
    assert np.array_equal(read[:, :, 3], np.where(indices == 3, 0, 255))
    assert np.array_equal(read[indices != 3][:, :3], palette[indices[indices != 3]])


@pytest.mark.parametrize("bits", [16, 32])
def test_bitmaps_with_odd_masks(tmp_path, bits):
    """Of 5 bits a colour, which span the full range; and of 32 bits, of which the last 8 mean nothing."""
    body = struct.pack("<HH", 0x7C00, 0x001F) if bits == 16 else bytes([0, 0, 255, 0, 255, 0, 0, 0])
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, bits, 0, len(body), 0, 0, 0, 0)
    content = b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + header + body
    (tmp_path / "a.bmp").write_bytes(content)

    assert read_image(tmp_path / "a.bmp").tolist() == [[[255, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize(("kind", "channels"), [(5, 1), (6, 3)])
@pytest.mark.parametrize("brightest", [1, 100, 255, 1023, 65535])
def test_portable_maps_span_the_full_range(tmp_path, kind, channels, brightest):
    dtype = ">u1" if brightest < 256 else ">u2"
    values = np.random.default_rng(0).integers(0, brightest + 1, (3, 4, channels)).astype(dtype)
    (tmp_path / "a.pnm").write_bytes(b"P%d\n# a comment\n4 3\n%d\n" % (kind, brightest) + values.tobytes())

    read = read_image(tmp_path / "a.pnm")

    white = 255 if brightest < 256 else 65535
    assert read.dtype == (np.uint8 if white == 255 else np.uint16)
    assert np.array_equal(read, np.rint(values.astype(float) * white / brightest))


def test_a_portable_bitmap_is_black_where_it_has_ones(tmp_path):
    (tmp_path / "a.pbm").write_bytes(b"P4 3 1\n\xa0")

    assert read_image(tmp_path / "a.pbm").squeeze().tolist() == [0, 255, 0]


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", pytest.param("AVIF", marks=avif)])
def test_several_frames_are_refused_in_every_format(tmp_path, format_):
    frames = [Image.fromarray(np.roll(picture(3), turn, axis=1)) for turn in (0, 5, 10)]
    frames[0].save(tmp_path / "a.gif", format=format_, save_all=True, append_images=frames[1:], duration=50)

    with pytest.raises(DataError, match=r"a\.gif has 3 frames; only pictures of one are read"):
        read_image(tmp_path / "a.gif")


@pytest.mark.parametrize("format_", ["GIF", "TGA", "BMP", "PPM", "JPEG2000", pytest.param("AVIF", marks=avif)])
@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_truncated_files_are_refused(tmp_path, format_, kept):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 4 if format_ == "TGA" else 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, format_)
    (tmp_path / "a.tga").write_bytes(file.getvalue()[: int(kept * len(file.getvalue()))])

    with pytest.raises(DataError, match=r"a\.tga"):
        read_image(tmp_path / "a.tga")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "text")
    return file.getvalue()


FOREIGN = {
    "HTML page": b"<!DOCTYPE html><html><head><title>404</title></head></html>",
    "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "JSON": b'{"error": "not found"}',
    "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 5\n",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "ZIP": zipped(),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    "video": b"\0\0\0\x18ftypisom\0\0\0\0mp42isom" + bytes(40),
    "Photoshop": b"8BPS\0\1" + bytes(40),
    "JPEG XL": b"\xff\x0a" + bytes(40),
    "OpenEXR": b"v/1\x01" + bytes(40),
    "DICOM": bytes(128) + b"DICM" + bytes(40),
    "zeros": bytes(400),
    "a text": b"Could not resolve host: example.org\n",
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tga", ".npy"])
@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_picture_is_called_by_its_name(tmp_path, what, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(FOREIGN[what])

    with pytest.raises(DataError) as caught:
        read_image(path)

    assert str(path) in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.heic", FOREIGN["HEIC"], "HEIC"),
        ("a.psd", FOREIGN["Photoshop"], "Photoshop"),
        ("a", jpeg(picture(3)), "a.png"),
    ],
)
def test_a_suffix_that_is_not_read_is_told_what_the_file_is(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=told):
        read_image(tmp_path / name)


def test_an_archive_of_arrays_is_told_what_to_save(tmp_path):
    np.savez(tmp_path / "a.npz", a=picture(3))

    with pytest.raises(DataError, match=r"save each of them as \.npy"):
        read_image(tmp_path / "a.npz")


def test_an_array_file_is_known_by_another_suffix(tmp_path):
    np.save(tmp_path / "a.npy", picture(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.png")

    with pytest.raises(DataError, match=r"its suffix should be \.npy"):
        read_image(tmp_path / "a.png")


def test_noise_is_something_else(tmp_path):
    (tmp_path / "a.png").write_bytes(np.random.default_rng(1).bytes(400))

    with pytest.raises(DataError, match=r"a\.png cannot be read as a picture: it is something else"):
        read_image(tmp_path / "a.png")


def test_every_suffix_that_is_read_is_found(tmp_path):
    for suffix in SUFFIXES:
        (tmp_path / f"a{suffix.upper()}").touch()

    assert len(find_images(tmp_path)) == len(SUFFIXES) >= 20


@pytest.mark.parametrize(("change", "name"), [((4, 12), "12 bits"), ((1, 0xC3), "lossless")])
def test_kinds_of_jpeg_that_are_not_read_are_called_by_their_names(tmp_path, change, name):
    content = bytearray(jpeg(picture(3)))
    at, value = change
    content[content.index(b"\xff\xc0") + at] = value
    path = tmp_path / "scan.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_image(path)


def test_a_header_of_thousands_of_digits_is_no_picture(tmp_path):
    path = tmp_path / "long.pgm"
    path.write_bytes(b"P5 " + b"9" * 5000 + b" 1 255\n")
    with pytest.raises(DataError, match=r"long\.pgm"):
        read_image(path)
