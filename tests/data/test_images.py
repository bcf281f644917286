"""Pictures on disk: what is read is what was written, and what cannot be read is named."""

from __future__ import annotations

import os
import pickle
import sys
import warnings

import cv2
import numpy as np
import pytest

from itrans.data import images
from itrans.data.images import SUFFIXES, as_channels, find_images, read_image, spec_of, write_image
from itrans.errors import DataError, OutputError
from itrans.protocols import ImageSpec

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1.0}
LOSSLESS = [
    *(
        (suffix, dtype, channels)
        for suffix in (".png", ".PNG")
        for dtype in ("uint8", "uint16")
        for channels in (1, 3, 4)
    ),
    *((".bmp", "uint8", channels) for channels in (1, 3)),
    *((suffix, dtype, channels) for suffix in (".tif", ".tiff") for dtype in WHITE for channels in (1, 3, 4)),
    *((".npy", dtype, channels) for dtype in WHITE for channels in (1, 2, 3, 4, 5)),
]
REFUSED = [
    (".jpg", "uint16", 3),
    (".jpg", "float32", 3),
    (".jpg", "uint8", 4),
    (".bmp", "uint8", 4),
    (".webp", "uint8", 1),
    (".webp", "uint16", 3),
    (".png", "float32", 3),
    (".png", "uint8", 2),
    (".tif", "uint8", 5),
]
ORIENTATION = 0x0112


def noise(dtype="uint8", channels=3, height=13, width=9):
    values = np.random.default_rng(0).random((height, width, channels))
    return values.astype(dtype) if dtype == "float32" else (values * (WHITE[dtype] + 1)).astype(dtype)


def encoded(suffix, image=None):
    return cv2.imencode(suffix, noise() if image is None else image)[1].tobytes()


def exif(orientation: int) -> bytes:
    """A big-endian TIFF with one directory, the one entry of which is the orientation, a 16-bit number."""
    entry = ORIENTATION.to_bytes(2, "big") + b"\0\3" + b"\0\0\0\1" + orientation.to_bytes(2, "big") + b"\0\0"
    return b"MM\0*" + b"\0\0\0\x08" + b"\0\1" + entry + b"\0\0\0\0"


def jpeg_with_orientation(image, orientation: int) -> bytes:
    plain, payload = encoded(".jpg", image), b"Exif\0\0" + exif(orientation)
    return plain[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + plain[2:]


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
def test_what_is_written_is_read_back(tmp_path, suffix, dtype, channels):
    image = noise(dtype, channels)
    write_image(tmp_path / f"x{suffix}", image)
    again = read_image(tmp_path / f"x{suffix}")
    assert again.dtype == image.dtype
    np.testing.assert_array_equal(again, image)


@pytest.mark.parametrize(("suffix", "channels"), [(".jpg", 1), (".jpg", 3), (".jpeg", 1), (".jpeg", 3), (".webp", 3)])
def test_lossy_formats_keep_the_channels_and_nearly_the_values(tmp_path, suffix, channels):
    image = np.full((16, 16, channels), 200, np.uint8)
    image[:, 8:] = 60
    write_image(tmp_path / f"x{suffix}", image)
    again = read_image(tmp_path / f"x{suffix}")
    assert again.shape == image.shape
    assert np.abs(again.astype(int) - image).max() <= 4


def test_webp_keeps_its_alpha_channel(tmp_path):
    image = np.full((16, 16, 4), 200, np.uint8)
    image[:, :8, 3] = 0
    write_image(tmp_path / "x.webp", image)
    again = read_image(tmp_path / "x.webp")
    assert again.shape == image.shape
    np.testing.assert_array_equal(again[..., 3], image[..., 3])


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_red_is_the_first_channel(tmp_path, suffix):
    write_image(tmp_path / f"red{suffix}", np.full((16, 16, 3), (255, 0, 0), np.uint8))
    assert np.abs(read_image(tmp_path / f"red{suffix}").astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".npy"}))
def test_the_file_itself_is_red(tmp_path, suffix):
    write_image(tmp_path / f"red{suffix}", np.full((16, 16, 3), (255, 0, 0), np.uint8))
    stored = cv2.imdecode(np.fromfile(tmp_path / f"red{suffix}", np.uint8), cv2.IMREAD_COLOR)  # blue, green, red
    assert np.abs(stored.astype(int) - (0, 0, 255)).max() <= 2


def test_transparent_red_keeps_its_order(tmp_path):
    image = np.full((4, 4, 4), (255, 0, 0, 128), np.uint8)
    write_image(tmp_path / "x.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), image)


# What a camera means by each number: how the stored picture has to be turned to stand upright.
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


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("channels", [1, 3])
def test_photos_are_turned_upright(tmp_path, orientation, channels):
    corner = np.zeros((16, 24, channels), np.uint8)
    corner[:8, :8] = 255
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_with_orientation(corner, orientation))
    read, expected = read_image(path), UPRIGHT[orientation](corner)
    assert read.shape == expected.shape
    np.testing.assert_array_equal(read > 127, expected > 127)


def test_two_dimensional_array_becomes_one_channel(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(6, dtype=np.uint8).reshape(2, 3))
    np.testing.assert_array_equal(read_image(tmp_path / "x.npy"), [[[0], [1], [2]], [[3], [4], [5]]])


def test_float64_is_read_as_float32(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 2, 1), 0.25))
    image = read_image(tmp_path / "x.npy")
    assert image.dtype == np.float32
    assert (image == 0.25).all()


@pytest.mark.parametrize("order", ["fortran", "reversed"])
def test_an_array_is_read_in_row_order(tmp_path, order):
    image = noise()
    np.save(tmp_path / "x.npy", np.asfortranarray(image) if order == "fortran" else image[::-1])
    again = read_image(tmp_path / "x.npy")
    assert again.flags.c_contiguous
    np.testing.assert_array_equal(again, image if order == "fortran" else image[::-1])


OTHER_BYTE_ORDER = pytest.mark.xfail(strict=True, reason='dtype(">f4") == np.float32 is False: neither range nor type')


@pytest.mark.parametrize("dtype", [">u2", ">f4", pytest.param(">f8", marks=OTHER_BYTE_ORDER)])
def test_the_other_byte_order_is_read_as_this_machines(tmp_path, dtype):
    np.save(tmp_path / "x.npy", np.array([[0, 1]], dtype))
    image = read_image(tmp_path / "x.npy")
    assert image.dtype in (np.uint16, np.float32)  # NumPy: only in this machine's byte order
    np.testing.assert_array_equal(image[..., 0], [[0, 1]])


@OTHER_BYTE_ORDER
def test_floats_of_the_other_byte_order_are_from_0_to_1_too(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 2), 7, ">f4"))
    assert "from 7 to 7" in refusal(tmp_path / "x.npy")


def test_jpeg_with_the_suffix_of_another_format_is_turned_upright_too(tmp_path):
    corner = np.zeros((16, 24, 1), np.uint8)
    (tmp_path / "photo.png").write_bytes(jpeg_with_orientation(corner, 6))
    assert read_image(tmp_path / "photo.png").shape == (24, 16, 1)


@pytest.mark.parametrize("name", ["with spaces.png", "Größe, 写真 🙂.png", "%d [1].jpg", "a.b.c.PNG"])
def test_names_may_hold_anything(tmp_path, name):
    path = tmp_path / "ä folder" / name
    write_image(path, noise())
    assert read_image(str(path)).shape == (13, 9, 3)
    assert find_images(tmp_path)[0].name == name


def test_missing_file_is_named(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nowhere.png")


@pytest.mark.parametrize("name", ["folder", "folder.png"])
def test_folder_is_no_picture(tmp_path, name):
    (tmp_path / name).mkdir()
    assert "folder" in refusal(tmp_path / name).removeprefix(str(tmp_path / name))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_empty_file_is_named(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(b"")
    assert "empty" in refusal(path)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize("content", [b"no picture at all\n", b"\0" * 5000], ids=["text", "zeros"])
def test_something_else_is_named(tmp_path, suffix, content):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("name", ["x.gif", "x.txt", "x", "x.png.part"])
def test_wrong_suffix_lists_the_right_ones(tmp_path, name):
    (tmp_path / name).write_bytes(encoded(".png"))
    message = refusal(tmp_path / name)
    assert all(suffix in message for suffix in SUFFIXES)


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_truncated_file_is_no_picture(tmp_path, suffix, fraction):
    path = tmp_path / f"x{suffix}"
    write_image(path, noise(height=48, width=48))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(len(whole) * fraction))])
    refusal(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".npy"])
def test_no_cut_goes_unnoticed(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    write_image(path, noise(height=5, width=5))
    whole = path.read_bytes()
    for length in [*range(1, len(whole), 11), *range(len(whole) - 20, len(whole))]:
        path.write_bytes(whole[:length])
        refusal(path)


def test_truncated_photo_with_a_whole_thumbnail_is_noticed(tmp_path):
    thumbnail, photo = encoded(".jpg", noise(height=8, width=8)), encoded(".jpg", noise(height=48, width=48))
    segment = b"\xff\xe1" + (len(thumbnail) + 8).to_bytes(2, "big") + b"Exif\0\0" + thumbnail
    path = tmp_path / "x.jpg"
    path.write_bytes(photo[:2] + segment + photo[2 : len(photo) // 2])
    refusal(path)


def test_truncated_progressive_jpeg_is_noticed(tmp_path):
    content = cv2.imencode(".jpg", noise(height=48, width=48), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1))[1].tobytes()
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    assert read_image(path).shape == (48, 48, 3)
    path.write_bytes(content[: len(content) * 2 // 3])
    refusal(path)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path):
    path = tmp_path / "x.jpg"
    path.write_bytes(encoded(".jpg") + b"what some cameras append")
    assert read_image(path).shape == (13, 9, 3)


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_tiff_of_several_pages_is_refused(tmp_path, pages):
    path = tmp_path / "x.tiff"
    assert cv2.imwritemulti(str(path), [noise() for _ in range(pages)])
    if pages == 1:
        assert read_image(path).shape == (13, 9, 3)
    else:
        assert "several pages" in refusal(path)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([[None]]), "Object"),
        (np.ones((2, 2), np.int64), "int64"),
        (np.ones((2, 2), bool), "bool"),
        (np.ones((2, 2), np.float16), "float16"),
        (np.ones((2, 2), np.complex64), "complex64"),
        (np.full((2, 2), np.nan, np.float32), "from 0 to 1"),
        (np.array([[0.5, np.nan]]), "from 0 to 1"),
        (np.full((2, 2), np.inf), "from 0 to 1"),
        (np.full((2, 2), 1.001, np.float32), "1.001"),
        (np.full((2, 2), -0.25, np.float32), "-0.25"),
        (np.array(0.5, np.float32), "shape ()"),
        (np.ones(5, np.uint8), "shape (5,)"),
        (np.ones((1, 2, 2, 3), np.uint8), "shape (1, 2, 2, 3)"),
        (np.ones((0, 2, 3), np.uint8), "shape (0, 2, 3)"),
        (np.ones((2, 2, 0), np.uint8), "shape (2, 2, 0)"),
    ],
    ids=lambda value: None if isinstance(value, str) else f"{value.dtype}{value.shape}",
)
def test_array_that_is_no_picture_says_why(tmp_path, array, reason):
    np.save(tmp_path / "x.npy", array)
    assert reason in refusal(tmp_path / "x.npy")


def test_float_tiff_out_of_range_is_refused(tmp_path):
    write_image(tmp_path / "x.tif", np.full((4, 4, 3), 2.0, np.float32))
    assert "from 2 to 2" in refusal(tmp_path / "x.tif")


def test_double_too_large_for_a_float_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 2), 1e300))
    refusal(tmp_path / "x.npy")


def test_archive_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=noise())
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    refusal(tmp_path / "x.npy")


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"a": 1}),
        b"\x93NUMPY\x01\x00",
        b"PK\x03\x04 as every zip file begins",
        b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1', ",
    ],
    ids=["pickle", "no header", "broken zip", "broken header"],
)
def test_damaged_array_file_is_named(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    refusal(tmp_path / "x.npy")


def test_reading_never_runs_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "x.npy", np.array([[Trap()]]), allow_pickle=True)
    refusal(tmp_path / "x.npy")
    assert not (tmp_path / "sprung").exists()


def test_unreadable_file_is_named(tmp_path, monkeypatch):
    def denied(_path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.png").write_bytes(encoded(".png"))
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    assert "Permission denied" in refusal(tmp_path / "x.png")


def test_opencv_keeps_its_log_level(tmp_path):
    before = cv2.utils.logging.getLogLevel()
    refusal(tmp_path / "nowhere.png")
    (tmp_path / "x.png").write_bytes(b"text")
    refusal(tmp_path / "x.png")
    assert cv2.utils.logging.getLogLevel() == before


@pytest.mark.parametrize(("suffix", "dtype", "channels"), REFUSED)
def test_format_that_cannot_hold_the_picture_is_refused(tmp_path, suffix, dtype, channels):
    path = tmp_path / f"x{suffix}"
    with pytest.raises(OutputError, match=rf"{channels} channels of {dtype}") as caught:
        write_image(path, noise(dtype, channels))
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_array_without_channels_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"\(4, 4\) is not"):
        write_image(tmp_path / "x.png", np.zeros((4, 4), np.uint8))


def test_unknown_suffix_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r'"\.gif" is none of .*\.png'):
        write_image(tmp_path / "x.gif", noise())
    assert list(tmp_path.iterdir()) == []


def test_path_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_image(tmp_path / "file" / "x.png", noise())
    assert str(tmp_path / "file" / "x.png") in str(caught.value)
    assert (tmp_path / "file").read_text() == "not a folder"


def test_path_that_is_a_folder_cannot_be_written(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(tmp_path / "x.png", noise())
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.skipif(sys.platform == "win32" or getattr(os, "geteuid", lambda: 0)() == 0, reason="needs permissions")
def test_read_only_folder_cannot_be_written(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_image(folder / "x.png", noise())


@pytest.mark.parametrize("image", [np.zeros((0, 4, 3), np.uint8), np.zeros((1, 70_000, 3), np.uint8)])
def test_nothing_is_left_when_the_format_fails(tmp_path, image):
    path = tmp_path / "x.jpg"  # no JPEG is wider than 65,535 pixels, none is empty
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(path, image)
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    write_image(path, noise())
    before = path.read_bytes()
    monkeypatch.setattr(images.cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(path, np.zeros((4, 4, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    write_image(path, noise())
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_image(path, np.zeros((4, 4, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b" / "x.png"
    for value in (3, 200):
        write_image(path, np.full((4, 4, 1), value, np.uint8))
    assert read_image(path).max() == 200
    assert list(path.parent.iterdir()) == [path]


def test_part_of_a_larger_array_is_written(tmp_path):
    image = noise(height=20, width=20)
    write_image(tmp_path / "x.png", image[3:10, 5::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), image[3:10, 5::-1])


def test_pictures_are_found_everywhere_but_in_hidden_places(tmp_path):
    shown = ["a.png", "a/1.JPG", "a/2.npy", "b/c/d.tiff", "z.WebP"]
    for name in [*shown, ".hidden.png", ".git/x.png", "b/.cache/y.png", "a/._1.JPG", "notes.txt", "x.gif"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    found = find_images(tmp_path)
    assert [path.as_posix() for path in found] == sorted(shown)


def test_hidden_parent_hides_nothing(tmp_path):
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "x.png").touch()
    assert [str(path) for path in find_images(tmp_path / ".data")] == ["x.png"]


def test_empty_folder_holds_no_pictures(tmp_path):
    assert find_images(tmp_path) == []


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError) as caught:
        find_images(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)


@pytest.mark.parametrize("dtype", WHITE)
@pytest.mark.parametrize("have", [1, 3, 4])
@pytest.mark.parametrize("wanted", [1, 3, 4])
def test_conversion_keeps_size_and_type(dtype, have, wanted):
    image = noise(dtype, have)
    converted = as_channels(image, wanted)
    assert converted.shape == (13, 9, wanted)
    assert converted.dtype == image.dtype
    if have == wanted:
        np.testing.assert_array_equal(converted, image)


@pytest.mark.parametrize("dtype", WHITE)
def test_conversions_mean_what_they_say(dtype):
    white = WHITE[dtype]
    grey, colour = noise(dtype, 1), noise(dtype, 3)
    np.testing.assert_array_equal(as_channels(grey, 3), np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(as_channels(grey, 4)[..., :3], np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(as_channels(grey, 4)[..., 3], np.full((13, 9), white, dtype))
    np.testing.assert_array_equal(as_channels(colour, 4)[..., :3], colour)
    np.testing.assert_array_equal(as_channels(colour, 4)[..., 3], np.full((13, 9), white, dtype))
    np.testing.assert_array_equal(as_channels(noise(dtype, 4), 3), noise(dtype, 4)[..., :3])


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("position", "share"), [(0, 0.299), (1, 0.587), (2, 0.114)])
def test_grey_is_the_luminance(position, share, alpha):
    image = np.zeros((2, 2, 4 if alpha else 3), np.uint8)
    image[..., position] = 200
    np.testing.assert_array_equal(as_channels(image, 1), np.full((2, 2, 1), round(200 * share)))


@pytest.mark.parametrize(("have", "wanted"), [(2, 3), (5, 1), (3, 2)])
def test_other_conversions_are_refused(have, wanted):
    with pytest.raises(ValueError, match=f"{have} channels cannot be made into {wanted}"):
        as_channels(noise("uint8", have), wanted)


def test_spec_says_channels_and_type():
    assert spec_of(noise("uint16", 5)) == ImageSpec(channels=5, kind="image", labels=None, dtype="uint16")


def test_reading_warns_of_nothing(tmp_path):
    write_image(tmp_path / "x.png", noise())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_image(tmp_path / "x.png")
    assert caught == []
