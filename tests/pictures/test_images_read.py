"""Pictures of every kind are read as they are meant: values, channels, the side that is up."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys

import cv2
import numpy as np
import pytest
from pictures.pictures import EXIF_TURN_RIGHT, jpeg, picture, tiff, webp

from itrans.pictures.images import find_images, read_image
from itrans.pictures.writing import WRITABLE, write_image


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


@pytest.mark.parametrize("suffix", sorted(set(WRITABLE) - {".npy"}))
def test_red_is_written_as_red_and_read_as_red(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", np.full((16, 16, 3), (255, 0, 0), np.uint8))

    stored = cv2.imdecode(np.fromfile(tmp_path / f"a{suffix}", np.uint8), cv2.IMREAD_COLOR)  # blue, green, red
    assert np.abs(stored.astype(int) - (0, 0, 255)).max() <= 2
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - (255, 0, 0)).max() <= 2


def test_paths_of_any_language(tmp_path):
    path = tmp_path / "данные é 写真 🖼" / "猫 & ü.png"
    write_image(path, picture(3))

    assert np.array_equal(read_image(path), picture(3))
    assert [found.as_posix() for found in find_images(tmp_path)] == ["данные é 写真 🖼/猫 & ü.png"]


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


def test_webp_is_turned_as_its_orientation_says(tmp_path):
    image = picture(3)
    (tmp_path / "a.webp").write_bytes(webp(image, EXIF_TURN_RIGHT))

    assert np.array_equal(read_image(tmp_path / "a.webp"), np.rot90(image, -1))


def test_transparent_webp_is_turned_too(tmp_path):
    (tmp_path / "a.webp").write_bytes(webp(picture(4), EXIF_TURN_RIGHT))

    assert np.array_equal(read_image(tmp_path / "a.webp"), np.rot90(picture(4), -1))


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


def test_opencv_says_nothing_itself_and_is_left_as_it_was(tmp_path):
    """In another process, for what OpenCV prints goes past Python's own standard error."""
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0 nothing of use")
    (tmp_path / "a.png").write_bytes(b"nonsense")
    (tmp_path / "c.tif").write_bytes(tiff(picture(5)))
    (tmp_path / "d.tif").write_bytes(tiff(picture(4)))  # OpenCV warns that the kind of the fourth is not said
    code = """
import sys, cv2
from itrans.pictures.images import read_image
from itrans.pictures.writing import WRITABLE
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
    assert (done.stdout.split(), done.stderr) == (["refused", "refused", "read", "read"], "")


def test_threads_that_read_at_once_leave_opencv_as_it_was(tmp_path):
    write_image(tmp_path / "a.png", picture(3))
    level = cv2.utils.logging.getLogLevel()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read_image, [tmp_path / "a.png"] * 200))

    assert cv2.utils.logging.getLogLevel() == level
