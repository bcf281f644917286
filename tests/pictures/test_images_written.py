"""Pictures are written whole or not at all, in formats that hold them."""

from __future__ import annotations

import numpy as np
import pytest
from pictures.pictures import picture

from itrans.errors import OutputError
from itrans.pictures.images import read_image
from itrans.pictures.writing import write_image


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
