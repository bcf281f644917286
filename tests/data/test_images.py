"""Pictures of every kind, and everything that is not quite one."""

from __future__ import annotations

import concurrent.futures
import os
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest

from itrans.data.images import SUFFIXES, as_channels, find_images, read_image, spec_of, write_image
from itrans.errors import DataError, OutputError
from itrans.protocols import ImageSpec

EXIF_TURN_RIGHT = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""A TIFF header and one tag: orientation 6, to be turned by 90 degrees clockwise."""


def picture(channels: int, dtype: str = "uint8", height: int = 12, width: int = 20) -> np.ndarray:
    """Return a smooth picture whose channels differ, so that a wrong order or side shows."""
    rows, columns, channel = np.ogrid[0 : 1 : height * 1j, 0 : 1 : width * 1j, 1 : channels + 1]
    values = (0.2 + 0.5 * columns + 0.3 * rows) / channel
    if dtype == "float32":
        return values.astype(np.float32)
    return (values * np.iinfo(dtype).max).astype(dtype)


def jpeg(image: np.ndarray, exif: bytes = b"") -> bytes:
    content = cv2.imencode(".jpg", image[:, :, ::-1] if image.shape[2] == 3 else image)[1].tobytes()
    if not exif:
        return content
    body = b"Exif\0\0" + exif
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def tiff(array: np.ndarray, *, big: bool = False, following: int = 0, photometric: int = 2, planar: int = 1) -> bytes:
    """Return an uncompressed TIFF of one strip, written by hand, for OpenCV does not write them all.

    Args:
        array: the pixels.
        big: use offsets of 8 bytes.
        following: where a second page is said to be.
        photometric: 1 for grey (whatever the channels), 2 for RGB.
        planar: 1 for pixel after pixel, 2 for channel after channel.
    """
    height, width, channels = array.shape
    size_format, count_format = ("Q", "Q") if big else ("I", "H")
    start = 16 if big else 8
    samples = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    tags = [
        (256, width), (257, height), (258, array.itemsize * 8), (259, 1), (262, photometric),
        (273, 0), (277, channels), (278, height), (279, array.nbytes), (284, planar),
        (339, samples),
    ]  # fmt: skip
    length = struct.calcsize(f"<{count_format}") + len(tags) * (20 if big else 12) + (8 if big else 4)
    entry = f"<HH{size_format}{size_format}"
    directory = struct.pack(f"<{count_format}", len(tags))
    for tag, value in tags:
        # Bits and sample formats are the same for all channels: one value of type LONG stands for them.
        directory += struct.pack(entry, tag, 4, 1, start + length if tag == 273 else value)
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    return header + directory + struct.pack(f"<{size_format}", following) + array.tobytes()


# What is read


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        *((".png", dtype, channels) for dtype in ("uint8", "uint16") for channels in (1, 3, 4)),
        *((".tif", dtype, channels) for dtype in ("uint8", "uint16", "float32") for channels in (1, 3, 4)),
        (".TIFF", "float32", 3),
        (".bmp", "uint8", 1),
        (".bmp", "uint8", 3),
        (".webp", "uint8", 3),
        (".webp", "uint8", 4),
        *((".npy", dtype, channels) for dtype in ("uint8", "uint16", "float32") for channels in (1, 2, 3, 4, 5)),
    ],
)
def test_lossless_formats_give_back_what_was_written(tmp_path, suffix, dtype, channels):
    image = picture(channels, dtype)
    write_image(tmp_path / f"a{suffix}", image)

    read = read_image(tmp_path / f"a{suffix}")

    assert read.dtype == dtype
    assert np.array_equal(read, image)
    assert read.flags.c_contiguous


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_jpeg_keeps_colour_and_grey_apart(tmp_path, suffix, channels):
    image = picture(channels)
    write_image(tmp_path / f"a{suffix}", image)

    read = read_image(tmp_path / f"a{suffix}")

    assert read.shape == image.shape
    assert np.abs(read.astype(int) - image).mean() < 4


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".npy"}))
def test_red_is_written_as_red_and_read_as_red(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", np.full((16, 16, 3), (255, 0, 0), np.uint8))

    stored = cv2.imdecode(np.fromfile(tmp_path / f"a{suffix}", np.uint8), cv2.IMREAD_COLOR)  # blue, green, red
    assert np.abs(stored.astype(int) - (0, 0, 255)).max() <= 2
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - (255, 0, 0)).max() <= 2


def test_channels_are_in_the_order_red_green_blue(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 2] = 255  # OpenCV's own order is blue, green, red
    cv2.imwrite(str(tmp_path / "red.png"), red)

    assert read_image(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


def test_paths_of_any_language(tmp_path):
    path = tmp_path / "данные é 写真 🖼" / "猫 & ü.png"
    write_image(path, picture(3))

    assert np.array_equal(read_image(path), picture(3))
    assert [found.as_posix() for found in find_images(tmp_path)] == ["данные é 写真 🖼/猫 & ü.png"]


def test_jpeg_is_turned_as_its_orientation_says(tmp_path):
    image = picture(3, height=16, width=24)
    (tmp_path / "a.jpg").write_bytes(jpeg(image, EXIF_TURN_RIGHT))

    read = read_image(tmp_path / "a.jpg")

    assert read.shape == (24, 16, 3)
    assert np.abs(read.astype(int) - np.rot90(image, -1)).mean() < 4


UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored),
}
"""What a camera means by each number: how the stored picture is turned to stand upright."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("channels", [1, 3])
def test_photos_stand_upright(tmp_path, orientation, channels):
    corner = np.zeros((16, 24, channels), np.uint8)
    corner[:8, :8] = 255
    exif = EXIF_TURN_RIGHT.replace(b"\0\x06", bytes([0, orientation]))
    (tmp_path / "a.jpg").write_bytes(jpeg(corner, exif))

    read, expected = read_image(tmp_path / "a.jpg"), UPRIGHT[orientation](corner)

    assert read.shape == expected.shape
    assert np.array_equal(read > 127, expected > 127)


def webp(image: np.ndarray, exif: bytes) -> bytes:
    """Return a lossless WebP in the extended layout, which is the one that has room for EXIF."""
    order = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    content = cv2.imencode(".webp", cv2.cvtColor(image, order))[1].tobytes()
    pixels = content[content.index(b"VP8L") :]
    height, width, channels = image.shape
    flags = 0x08 | (0x10 if channels == 4 else 0)
    extended = struct.pack("<4sIB3x", b"VP8X", 10, flags)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + extended + pixels + struct.pack("<4sI", b"EXIF", len(exif)) + exif
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def test_webp_is_turned_as_its_orientation_says(tmp_path):
    image = picture(3)
    (tmp_path / "a.webp").write_bytes(webp(image, EXIF_TURN_RIGHT))

    assert np.array_equal(read_image(tmp_path / "a.webp"), np.rot90(image, -1))


def test_transparent_webp_with_an_orientation_is_refused_rather_than_read_askew(tmp_path):
    (tmp_path / "a.webp").write_bytes(webp(picture(4), EXIF_TURN_RIGHT))
    with pytest.raises(DataError, match=r"a\.webp is transparent and to be turned.*Save it upright"):
        read_image(tmp_path / "a.webp")

    upright = EXIF_TURN_RIGHT.replace(b"\0\x06", b"\0\x01")
    (tmp_path / "b.webp").write_bytes(webp(picture(4), upright))
    assert np.array_equal(read_image(tmp_path / "b.webp"), picture(4))


def test_the_content_decides_where_the_suffix_is_wrong(tmp_path):
    (tmp_path / "a.png").write_bytes(jpeg(picture(3, height=16, width=24), EXIF_TURN_RIGHT))

    assert read_image(tmp_path / "a.png").shape == (24, 16, 3)


def test_black_and_white_png_spans_the_full_range(tmp_path):
    image = np.zeros((8, 8), np.uint8)
    image[:, 4:] = 255
    cv2.imwrite(str(tmp_path / "a.png"), image, [cv2.IMWRITE_PNG_BILEVEL, 1])

    assert np.array_equal(read_image(tmp_path / "a.png")[:, :, 0], image)


def test_big_tiff(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(picture(3), big=True))

    assert np.array_equal(read_image(tmp_path / "a.tif"), picture(3))


def test_array_of_two_dimensions_is_grey(tmp_path):
    np.save(tmp_path / "a.npy", picture(1)[:, :, 0])

    assert np.array_equal(read_image(tmp_path / "a.npy"), picture(1))


def test_double_precision_becomes_single(tmp_path):
    np.save(tmp_path / "a.npy", picture(2, "float32").astype(np.float64))

    read = read_image(tmp_path / "a.npy")

    assert read.dtype == np.float32
    assert np.array_equal(read, picture(2, "float32"))


def test_foreign_byte_order_and_memory_layout_become_native(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(picture(3, "uint16").astype(">u2")))

    read = read_image(tmp_path / "a.npy")

    assert read.dtype.isnative
    assert read.flags.c_contiguous
    assert np.array_equal(read, picture(3, "uint16"))


def test_double_precision_of_foreign_byte_order_becomes_single(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.0, 0.25]], ">f8"))

    read = read_image(tmp_path / "a.npy")

    assert read.dtype == np.float32
    assert read.tolist() == [[[0.0], [0.25]]]


# What is refused


def refusal(path) -> str:
    """Return why a file is refused; the message names it."""
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing_file(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "folder"])
def test_folder(tmp_path, name):
    (tmp_path / name).mkdir()

    assert "is a folder" in refusal(tmp_path / name)


def test_forbidden_file(tmp_path, monkeypatch):
    def denied(_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)

    assert "cannot be read: Permission denied" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_empty_file(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()

    assert "is an empty file" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".npy"}))
def test_text_that_calls_itself_a_picture(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_text("404: not found\n" * 9)

    assert "cannot be read as a picture" in refusal(tmp_path / f"a{suffix}")


def test_unknown_suffix(tmp_path):
    (tmp_path / "a.txt").write_text("text")

    assert '".txt" is none of .bmp, .jpeg' in refusal(tmp_path / "a.txt")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".tiff", ".jpeg"}))
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_file(tmp_path, suffix, kept):
    path = tmp_path / f"a{suffix}"
    write_image(path, picture(3, height=60, width=100))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    reason = refusal(path)

    if suffix in {".png", ".jpg"} and kept >= 0.5:
        assert "is truncated" in reason


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".npy"])
def test_no_cut_goes_unnoticed(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, picture(3, height=5, width=5))
    whole = path.read_bytes()
    for length in [*range(1, len(whole), 11), *range(len(whole) - 20, len(whole))]:
        path.write_bytes(whole[:length])
        refusal(path)


def test_jpeg_truncated_after_a_whole_preview(tmp_path):
    upright = EXIF_TURN_RIGHT.replace(b"\0\x06", b"\0\x01")
    content = jpeg(picture(3, height=60, width=100), upright + jpeg(picture(3)))
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "a.jpg").write_bytes(content[:-200])

    assert read_image(tmp_path / "whole.jpg").shape == (60, 100, 3)
    assert "is truncated" in refusal(tmp_path / "a.jpg")


def test_jpeg_with_something_after_its_end_is_whole(tmp_path):
    """As phones append films that happen to contain the bytes of a marker."""
    (tmp_path / "a.jpg").write_bytes(jpeg(picture(3)) + b"film \xff\xda film")

    assert read_image(tmp_path / "a.jpg").shape == (12, 20, 3)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_tiff_of_several_pages(tmp_path, suffix):
    encoded = cv2.imencodemulti(".tif", [picture(3), picture(3)])[1]
    (tmp_path / f"a{suffix}").write_bytes(encoded.tobytes())

    assert "has several pages" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("channels", "photometric"), [(2, 1), (3, 1), (4, 1), (5, 1), (5, 2)])
def test_tiff_of_which_opencv_would_drop_channels(tmp_path, channels, photometric, dtype):
    (tmp_path / "a.tif").write_bytes(tiff(picture(channels, dtype), photometric=photometric))

    assert f"has {channels} channels in a layout that OpenCV does not read. Save it as .npy" in refusal(
        tmp_path / "a.tif"
    )


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tiff_of_which_opencv_would_scramble_the_planes(tmp_path, dtype):
    (tmp_path / "a.tif").write_bytes(tiff(picture(3, dtype), planar=2))

    assert "has 3 channels in a layout" in refusal(tmp_path / "a.tif")


def test_big_tiff_of_several_pages(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(picture(3), big=True, following=16))

    assert "has several pages" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "float16", "bool", "complex64", "U3"])
def test_array_of_another_type(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 3), dtype))

    assert "has values of" in refusal(tmp_path / "a.npy")


def test_tiff_of_another_type(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((4, 4, 1), np.int16)))

    assert "has values of int16" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, "NaN"),
        (np.inf, "floats from 0 to inf"),
        (1.01, "from 0 to 1.01"),
        (-0.5, "from -0.5 to 0"),
        (1e300, "from 0 to inf"),
        (255.0, "from 0 to 255; they should be from 0 to 1"),
    ],
)
def test_floats_outside_their_range(tmp_path, value, reason):
    array = np.zeros((4, 4, 3), np.float64)
    array[1, 2, 0] = value
    np.save(tmp_path / "a.npy", array)

    assert reason in refusal(tmp_path / "a.npy")


def test_floats_of_foreign_byte_order_outside_their_range(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 2), 7, ">f4"))

    assert "from 0 to 1" in refusal(tmp_path / "a.npy")


def test_progressive_jpeg_that_is_truncated(tmp_path):
    content = cv2.imencode(".jpg", picture(3), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1))[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_image(tmp_path / "a.jpg").shape == picture(3).shape

    (tmp_path / "a.jpg").write_bytes(content[: len(content) * 2 // 3])
    assert "truncated" in refusal(tmp_path / "a.jpg")


def test_tiff_with_floats_outside_their_range(tmp_path):
    write_image(tmp_path / "a.tif", picture(3, "float32") * 100)

    assert "they should be from 0 to 1" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("shape", [(), (5,), (0, 4, 3), (4, 4, 0), (2, 3, 4, 5)])
def test_array_of_another_shape(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))

    assert "has the shape" in refusal(tmp_path / "a.npy")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"an": "object"}], dtype=object), allow_pickle=True)

    assert "holds no numbers" in refusal(tmp_path / "a.npy")


def test_reading_never_runs_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "a.npy", np.array([[Trap()]]), allow_pickle=True)

    refusal(tmp_path / "a.npy")
    assert not (tmp_path / "sprung").exists()


def test_archive_of_arrays_is_not_an_array(tmp_path):
    np.savez(tmp_path / "a.npz", a=picture(3))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")

    assert "is not an array file" in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip", b"\x80\x04K\x01.", b"nonsense"])
def test_array_file_that_is_none(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)

    assert "is not an array file" in refusal(tmp_path / "a.npy")


def test_array_file_that_claims_to_be_enormous(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 3), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 4, 3)", b"(9999999999999, 4, 3)")[: len(content)])

    assert "damaged or truncated" in refusal(tmp_path / "a.npy")


def test_opencv_says_nothing_itself_and_is_left_as_it_was(tmp_path):
    """In another process, for what OpenCV prints goes past Python's own standard error."""
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0 nothing of use")
    (tmp_path / "a.png").write_bytes(b"nonsense")
    (tmp_path / "c.tif").write_bytes(tiff(picture(5)))
    (tmp_path / "d.tif").write_bytes(tiff(picture(4)))  # OpenCV warns that the kind of the fourth is not said
    code = """
import sys, cv2
from itrans.data.images import read_image
from itrans.errors import DataError
level = cv2.utils.logging.getLogLevel()
for path in sys.argv[1:]:
    try:
        read_image(path)
    except DataError:
        print("refused")
    else:
        print("read")
assert cv2.utils.logging.getLogLevel() == level != cv2.utils.logging.LOG_LEVEL_SILENT
"""
    paths = [str(tmp_path / name) for name in ("a.tif", "a.png", "c.tif", "d.tif")]
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["refused", "refused", "refused", "read"], "")


def test_threads_that_read_at_once_leave_opencv_as_it_was(tmp_path):
    write_image(tmp_path / "a.png", picture(3))
    level = cv2.utils.logging.getLogLevel()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read_image, [tmp_path / "a.png"] * 200))

    assert cv2.utils.logging.getLogLevel() == level


# What is written


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        (".jpg", "uint16", 3),
        (".jpg", "float32", 3),
        (".jpeg", "uint8", 4),
        (".webp", "uint16", 3),
        (".bmp", "uint16", 3),
        (".png", "float32", 3),
        (".png", "uint8", 2),
        (".tif", "uint8", 5),
    ],
)
def test_what_a_format_does_not_hold_is_refused(tmp_path, suffix, dtype, channels):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(OutputError) as caught:
        write_image(path, picture(channels, dtype))

    assert str(path) in str(caught.value)
    assert f"{channels} channels of {dtype}; .npy does" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_values_of_another_type_are_refused(tmp_path):
    with pytest.raises(OutputError, match="int64"):
        write_image(tmp_path / "a.npy", picture(3).astype(np.int64))


def test_array_of_two_dimensions_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"a\.png cannot be written: \(12, 20\) is not"):
        write_image(tmp_path / "a.png", picture(1)[:, :, 0])


def test_unknown_suffix_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r'a\.gif cannot be written: "\.gif" is none of'):
        write_image(tmp_path / "a.gif", picture(3))


def test_picture_too_wide_for_its_format(tmp_path):
    with pytest.raises(OutputError, match=r"a\.webp cannot be written"):
        write_image(tmp_path / "a.webp", np.zeros((1, 20_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        write_image(tmp_path / "file" / "a.png", picture(3))


def test_folder_is_not_written_over(tmp_path):
    (tmp_path / "a.png").mkdir()

    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        write_image(tmp_path / "a.png", picture(3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_empty_picture_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"a\.jpg cannot be written"):
        write_image(tmp_path / "a.jpg", np.zeros((0, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_writing_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "c.png"
    for channels in (1, 3):
        write_image(path, picture(channels))

    assert np.array_equal(read_image(path), picture(3))
    assert list(path.parent.iterdir()) == [path]


def test_part_of_a_larger_array_is_written(tmp_path):
    part = picture(3)[3:10, 5::-1]
    write_image(tmp_path / "a.png", part)

    assert np.array_equal(read_image(tmp_path / "a.png"), part)


def test_a_failure_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", picture(3))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OutputError, match=r"a\.png cannot be written: No space left"):
        write_image(tmp_path / "a.png", picture(1))

    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(read_image(tmp_path / "a.png"), picture(3))


# What is found and converted


def test_pictures_are_found_in_all_folders_sorted_and_without_hidden_ones(tmp_path):
    names = ["b.png", "a/z.JPG", "a/b/c.npy", "a-b.tif", ".hidden.png", ".git/x.png", "a/.cache/x.png", "notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    found = [path.as_posix() for path in find_images(tmp_path)]

    assert found == ["a-b.tif", "a/b/c.npy", "a/z.JPG", "b.png"]


def test_hidden_is_what_lies_below_the_folder_not_above_it(tmp_path):
    (tmp_path / ".datasets").mkdir()
    (tmp_path / ".datasets" / "a.png").touch()

    assert [path.name for path in find_images(str(tmp_path / ".datasets"))] == ["a.png"]


def test_missing_folder_is_not_an_empty_one(tmp_path):
    with pytest.raises(DataError, match=r"nowhere cannot be read: No such file"):
        find_images(tmp_path / "nowhere")


def test_spec_of_an_array():
    assert spec_of(picture(5, "uint16")) == ImageSpec(channels=5, dtype="uint16")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("wanted", [1, 3, 4])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_are_converted(dtype, channels, wanted):
    image = picture(channels, dtype)

    converted = as_channels(image, wanted)

    assert converted.dtype == dtype
    assert converted.shape == (12, 20, wanted)
    if channels >= wanted > 1:
        assert np.array_equal(converted, image[:, :, :wanted])
    if channels == 1 < wanted:
        assert np.array_equal(converted[:, :, :3], np.repeat(image, 3, axis=2))
    if wanted == 4 > channels:
        assert (converted[:, :, 3] == (1 if dtype == "float32" else np.iinfo(dtype).max)).all()
    if channels > wanted == 1:
        red, green, blue = np.moveaxis(image[:, :, :3].astype(float), 2, 0)
        luminance = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601
        assert np.abs(converted[:, :, 0] - luminance).max() <= (1e-6 if dtype == "float32" else 1)


@pytest.mark.parametrize(("channels", "wanted"), [(2, 3), (5, 1), (3, 2)])
def test_impossible_conversions_are_refused(channels, wanted):
    with pytest.raises(ValueError, match=f"{channels} channels cannot be made into {wanted}"):
        as_channels(picture(channels), wanted)
