"""Pictures are found in folders, and converted from one number of channels to another."""

from __future__ import annotations

import numpy as np
import pytest
from data.pictures import picture

from itrans.data.images import as_channels, find_images, spec_of, unread_suffixes
from itrans.errors import DataError
from itrans.protocols import ImageSpec


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


def test_files_that_are_left_out_are_counted_by_suffix(tmp_path):
    names = ["a.png", "b.HEIC", "in/c.heic", "in/d.cr2", "in/e", "notes.txt", "labels.json", ".f.heic", ".git/g.psd"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert unread_suffixes(tmp_path) == {".heic": 2, ".cr2": 1, "": 1}
    assert next(iter(unread_suffixes(tmp_path))) == ".heic"


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
