"""What label maps are stored in: values, the indices of a palette PNG, colours."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from plugins.datasets.streets import COLOURS, build, classes, label_map, palette_png, photo

from itrans.api import DataError, ImageSpec, write_image


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".bmp", "uint8"), *((suffix, dtype) for suffix in (".png", ".tif", ".npy") for dtype in ("uint8", "uint16"))],
)
def test_index_maps_of_8_and_16_bits(streets, suffix, dtype):
    label_map(streets).unlink()
    write_image(label_map(streets).with_suffix(suffix), classes(7).astype(dtype))

    source = build(streets)[0].source

    assert source.dtype == np.uint8
    assert np.array_equal(source, classes(7))


def test_an_ignored_value_above_255_makes_all_maps_16_bit(streets):
    values = classes(7).astype(np.uint16)
    values[2, 3] = 65535
    write_image(label_map(streets), values)

    dataset = build(streets, ignored=65535)

    assert dataset.source.dtype == "uint16"
    assert np.array_equal(dataset[0].source, values)
    assert dataset[1].source.dtype == np.uint16


@pytest.mark.parametrize(("depth", "count"), [(1, 2), (2, 4), (4, 16), (8, 256)])
def test_a_palette_png_gives_its_indices(streets, depth, count):
    values = classes(9, height=5, width=11, count=count)
    palette = np.random.default_rng(0).integers(0, 256, (count, 3)).tolist()
    label_map(streets).write_bytes(palette_png(values, palette, depth))
    write_image(streets / "train/photos/a.png", photo(0, 5, 11))

    assert np.array_equal(build(streets, classes=count)[0].source, values)


def test_two_indices_of_one_colour_and_transparency_do_not_matter(streets):
    label_map(streets).write_bytes(palette_png(classes(9), [[0, 0, 0]] * 3, transparent=True))

    assert np.array_equal(build(streets)[0].source, classes(9))


def test_a_palette_png_without_a_palette(streets):
    label_map(streets).write_bytes(palette_png(classes(9), None))

    with pytest.raises(DataError, match=r"a\.png is a palette PNG without a palette: it is damaged"):
        build(streets)[0]


def test_a_truncated_palette_png(streets):
    label_map(streets).write_bytes(palette_png(classes(9), COLOURS)[:-20])

    with pytest.raises(DataError, match=r"a\.png is truncated"):
        build(streets)[0]


def test_a_palette_png_of_an_impossible_depth(streets):
    content = bytearray(palette_png(classes(9), COLOURS))
    content[24] = 16
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    label_map(streets).write_bytes(content)

    with pytest.raises(DataError, match=r"a\.png cannot be read as a picture"):
        build(streets)[0]


@pytest.mark.parametrize("alpha", [False, True])
def test_colours_become_classes_by_the_palette_of_the_recipe(streets, alpha):
    coloured = np.array(COLOURS, np.uint8)[classes(4)[:, :, 0]]
    if alpha:
        coloured = np.dstack([coloured, np.full((6, 8), 200, np.uint8)])
    write_image(label_map(streets), coloured)

    assert np.array_equal(build(streets, palette=COLOURS)[0].source, classes(4))


def test_with_a_palette_in_the_recipe_the_colours_of_a_palette_png_count(streets):
    label_map(streets).write_bytes(palette_png(classes(4), COLOURS))

    assert np.array_equal(build(streets, palette=COLOURS[::-1])[0].source, 2 - classes(4))


def test_one_more_colour_is_of_pixels_without_a_class(streets):
    values = classes(4)
    values[0, 5] = 3
    write_image(label_map(streets), np.array([*COLOURS, [255, 255, 255]], np.uint8)[values[:, :, 0]])

    labels = build(streets, palette=[*COLOURS, [255, 255, 255]], ignored=255)[0].source

    values[0, 5] = 255
    assert np.array_equal(labels, values)


def test_a_colour_that_is_not_in_the_palette(streets):
    coloured = np.array(COLOURS, np.uint8)[classes(4)[:, :, 0]]
    coloured[4, 6] = (71, 70, 70)
    write_image(label_map(streets), coloured)

    with pytest.raises(DataError) as caught:
        build(streets, palette=COLOURS)[0]

    assert str(caught.value) == (
        f"{label_map(streets)} has the colour [71, 70, 70] at x = 6, y = 4, which is not in dataset.palette. Add it, "
        "or save the label map without smoothing."
    )


# What is wrong with a file


def test_a_value_that_is_no_class_names_the_file_the_value_and_the_place(streets):
    values = classes(0)
    values[2, 5], values[4, 1] = 9, 255
    write_image(label_map(streets), values)

    with pytest.raises(DataError) as caught:
        build(streets, ignored=255)[0]

    assert str(caught.value) == (
        f"{label_map(streets)} has the value 9 at x = 5, y = 2, and dataset.classes = 3 allows 0 to 2. Its values are "
        "0, 1, 2 and 9. Raise dataset.classes, or set dataset.ignored to a value that stands for no class; or, if "
        "classes are not stored as 0, 1, 2 and so on, set dataset.values = [0, 1, 2, 9] and dataset.classes to how "
        "many there are."
    )
    assert build(streets, classes=10, ignored=255)[0].source[4, 1] == 255


def test_colours_without_a_palette_ask_for_one(streets):
    write_image(label_map(streets), photo(3))

    with pytest.raises(DataError, match=r"a\.png has 3 channels of uint8; .* Set dataset\.palette"):
        build(streets)[0]


def test_floats_are_no_classes(streets):
    label_map(streets).unlink()
    write_image(label_map(streets, "a.tif"), np.zeros((6, 8, 1), np.float32))

    with pytest.raises(DataError, match=r"a\.tif has 1 channel of float32; .* one channel of 8 or 16 bits"):
        build(streets)[0]


def test_an_index_map_where_the_recipe_has_a_palette(streets):
    with pytest.raises(DataError, match=r"a\.png has the colour \[1, 1, 1\] .* leave dataset\.palette out"):
        build(streets, palette=COLOURS)[0]
    write_image(label_map(streets), classes(0).astype(np.uint16))
    with pytest.raises(DataError, match=r"a\.png has 1 channel of uint16, but dataset\.palette .* Leave it out"):
        build(streets, palette=COLOURS)[0]


def test_a_jpeg_is_no_label_map(streets):
    label_map(streets).unlink()
    write_image(label_map(streets, "a.jpg"), classes(0))

    with pytest.raises(DataError, match=r"a\.jpg is a JPEG, which blurs"):
        build(streets)[0]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"nonsense"])
def test_a_damaged_label_map_is_named(streets, content):
    label_map(streets).write_bytes(content)

    with pytest.raises(DataError, match=r"a\.png"):
        build(streets)[0]


# Which value is which class


def masks(streets, *values: int) -> np.ndarray:
    """Store the classes of all maps as other values, and return those of the first."""
    table = np.array(values, np.uint16 if max(values) > 255 else np.uint8)
    for seed, name in enumerate(("a.png", "b.png", "deep/c.png")):
        write_image(label_map(streets, name), table[classes(seed, count=len(values))])
    return classes(0, count=len(values))


@pytest.mark.parametrize("values", [(0, 255), (255, 0), (0, 128, 255), (7, 300, 65535)])
def test_values_say_which_value_is_which_class(streets, values):
    expected = masks(streets, *values)

    dataset = build(streets, classes=len(values), values=list(values))

    assert dataset.source == ImageSpec(channels=1, kind="labels", labels=len(values))
    assert np.array_equal(dataset[0].source, expected)


@pytest.mark.parametrize(("ignored", "unlabelled"), [(255, 255), (0, 255), (1000, 1000)])
def test_values_and_pixels_without_a_class(streets, ignored, unlabelled):
    expected = masks(streets, 64, 128, ignored).astype(np.uint16)
    expected[expected == 2] = unlabelled

    dataset = build(streets, classes=2, values=[64, 128], ignored=ignored)

    assert dataset.source.ignored == unlabelled
    assert np.array_equal(dataset[0].source, expected)


def test_a_mask_of_0_and_255_is_told_what_to_set(streets):
    masks(streets, 0, 255)

    told = r"Its values are 0 and 255\. .*set dataset\.values = \[0, 255\] and dataset\.classes = 2"
    with pytest.raises(DataError, match=told):
        build(streets, classes=2)[0]
    with pytest.raises(DataError, match=r"has the value 255 .* not in dataset\.values = \[0, 1\]"):
        build(streets, classes=2, values=[0, 1])[0]


def test_a_palette_is_for_grey_files_too(streets):
    expected = masks(streets, 255, 0)

    assert np.array_equal(build(streets, classes=2, palette=[[255] * 3, [0] * 3])[0].source, expected)


def test_more_than_256_classes_are_16_bit(streets):
    values = classes(0).astype(np.uint16) * 200
    write_image(label_map(streets), values)

    dataset = build(streets, classes=401)

    assert (dataset.source.dtype, dataset.source.planes) == ("uint16", 401)
    assert np.array_equal(dataset[0].source, values)
