"""Everything that is not quite a picture is refused, with its reason."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
from pictures.pictures import EXIF_TURN_RIGHT, jpeg, picture, tiff

from itrans.errors import DataError
from itrans.pictures.images import read_image
from itrans.pictures.spec import SUFFIXES
from itrans.pictures.writing import WRITABLE, write_image


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


@pytest.mark.parametrize("suffix", sorted(set(WRITABLE) - {".npy"}))
def test_text_that_calls_itself_a_picture(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_text("404: not found\n" * 9)

    assert 'is a text, not a picture; it begins with "404: not found"' in refusal(tmp_path / f"a{suffix}")


def test_unknown_suffix(tmp_path):
    (tmp_path / "a.txt").write_text("text")

    assert '".txt" is none of .apng, .avif' in refusal(tmp_path / "a.txt")


@pytest.mark.parametrize("suffix", sorted(set(WRITABLE) - {".tiff", ".jpeg"}))
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

    assert "has 2 pages" in refusal(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "bool", "complex64", "U3"])
def test_array_of_another_type(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 3), dtype))

    assert "has values of" in refusal(tmp_path / "a.npy")


def test_tiff_of_another_type(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((4, 4, 1), np.int16)))

    assert "signed 16-bit samples" in refusal(tmp_path / "a.tif")


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


def test_reading_never_runs_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "a.npy", np.array([[Trap()]]), allow_pickle=True)

    assert "holds no numbers" in refusal(tmp_path / "a.npy")
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
