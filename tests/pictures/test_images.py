"""Pictures are found in folders, and converted from one number of channels to another."""

from __future__ import annotations

import numpy as np
import pytest
from pictures.pictures import picture

from itrans.errors import DataError
from itrans.pictures.channels import as_channels
from itrans.pictures.images import find_images, spec_of, unread_suffixes
from itrans.pictures.spec import ImageSpec


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
    if channels == 4:
        image[:, :, 3] = 1 if dtype == "float32" else np.iinfo(dtype).max

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


WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}


@pytest.mark.parametrize("dtype", WHITE)
@pytest.mark.parametrize(
    ("background", "ground"), [("white", (1, 1, 1)), ("black", (0, 0, 0)), ("#ff8000", (1, 128 / 255, 0))]
)
def test_what_is_transparent_is_laid_on_a_colour(dtype, background, ground):
    image = picture(4, dtype, height=40, width=50)
    share = image[:, :, 3:].astype(np.longdouble) / WHITE[dtype]
    expected = image[:, :, :3] * share + WHITE[dtype] * np.array(ground, np.longdouble) * (1 - share)

    laid = as_channels(image, 3, background=background)

    assert laid.dtype == dtype
    # integers are rounded to nearest, and so is the background
    assert np.abs(laid - expected).max() <= (1e-6 if dtype == "float32" else 0.5 if background != "#ff8000" else 1)
    assert np.array_equal(as_channels(image, 1, background=background), as_channels(laid, 1))


@pytest.mark.parametrize("dtype", WHITE)
def test_a_drawing_that_is_in_alpha_alone_is_black_on_white(dtype):
    image = np.zeros((4, 4, 4), dtype)
    image[1, :, 3] = WHITE[dtype]

    for channels in (1, 3):
        drawn = as_channels(image, channels)
        assert (drawn[1] == 0).all()
        assert (np.delete(drawn, 1, axis=0) == WHITE[dtype]).all()


@pytest.mark.parametrize("background", ["", "whitish", "#12", "#11223344"])
def test_a_background_that_is_no_colour_is_refused(background):
    with pytest.raises(ValueError, match="there is no colour"):
        as_channels(picture(4), 3, background=background)


@pytest.mark.parametrize(("channels", "wanted"), [(2, 3), (5, 1), (3, 2)])
def test_impossible_conversions_are_refused(channels, wanted):
    with pytest.raises(ValueError, match=f"{channels} channels cannot be made into {wanted}"):
        as_channels(picture(channels), wanted)
