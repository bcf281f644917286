"""Label maps and photos in two folders."""

from __future__ import annotations

import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest

from itrans.api import DATASETS, DataError, ImageSpec, MissingSplitError, write_image
from itrans.recipe.arguments import Signature
from itrans.recipe.load import load_recipe
from itrans.testing import check_dataset

COLOURS = [[128, 64, 128], [70, 70, 70], [0, 0, 142]]


def build(root, **arguments):
    table = {"name": "labels", "root": str(root), "classes": 3, **arguments}
    return DATASETS.build(table, split=table.pop("split", "train"))


def classes(seed: int, height: int = 6, width: int = 8, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, (height, width, 1), dtype=np.uint8)


def photo(seed: int, height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(100 + seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def palette_png(
    indices: np.ndarray, palette: list[list[int]] | None, depth: int = 8, *, transparent: bool = False
) -> bytes:
    """Return a palette PNG, as other programs write them (PNG specification, sections 7, 9 and 11)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = indices.shape[:2]
    rows = []
    for row in indices.reshape(height, width):
        bits = "".join(format(int(value), f"0{depth}b") for value in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(b"\0" + bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)))
    header = struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (b"" if palette is None else chunk(b"PLTE", np.array(palette, np.uint8).tobytes()))
        + (chunk(b"tRNS", b"\0") if transparent else b"")
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def root(tmp_path):
    """Three pairs to train and one to validate; the photos are JPEG in all but the first, and one lies deeper."""
    root = tmp_path / "streets"
    for split, names in (("train", ("a", "b", "deep/c")), ("val", ("d",))):
        for seed, name in enumerate(names):
            write_image(root / split / "labels" / f"{name}.png", classes(seed))
            write_image(root / split / "photos" / f"{name}.{'png' if name == 'a' else 'jpg'}", photo(seed))
    return root


def file_of(root, name="a.png"):
    return root / "train" / "labels" / name


# Pairs


def test_pairs_are_matched_by_name_and_say_what_they_are(root):
    dataset = build(root, ignored=255, names=["road", "house", "car"])

    assert [dataset[index].key for index in range(len(dataset))] == ["a", "b", "deep/c"]
    labels = ImageSpec(channels=1, kind="labels", labels=3, ignored=255, names=("road", "house", "car"))
    assert (dataset.source, dataset.target) == (labels, ImageSpec(channels=3))
    assert np.array_equal(dataset[0].source, classes(0))
    assert np.array_equal(dataset[0].target, photo(0))
    check_dataset("labels", root=str(root), classes=3)


def test_photos_can_be_the_source(root):
    dataset = build(root, direction="photo_to_labels")

    assert (dataset.source.kind, dataset.target.kind) == ("image", "labels")
    assert np.array_equal(dataset[0].source, photo(0))
    assert np.array_equal(dataset[0].target, classes(0))


def test_other_folders_and_a_stand_in_for_a_split(root):
    for split in ("train", "val"):
        (root / "maps").mkdir(exist_ok=True)
        (root / split / "labels").rename(root / "maps" / split)

    dataset = build(root, label_folder="maps/{split}", split="test")

    assert dataset[0].key == "d"


def test_it_can_be_sent_to_a_worker(root):
    dataset = build(root, palette=None)
    assert np.array_equal(pickle.loads(pickle.dumps(dataset))[2].source, dataset[2].source)


# What a label map is stored in


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".bmp", "uint8"), *((suffix, dtype) for suffix in (".png", ".tif", ".npy") for dtype in ("uint8", "uint16"))],
)
def test_index_maps_of_8_and_16_bits(root, suffix, dtype):
    file_of(root).unlink()
    write_image(file_of(root).with_suffix(suffix), classes(7).astype(dtype))

    source = build(root)[0].source

    assert source.dtype == np.uint8
    assert np.array_equal(source, classes(7))


def test_an_ignored_value_above_255_makes_all_maps_16_bit(root):
    values = classes(7).astype(np.uint16)
    values[2, 3] = 65535
    write_image(file_of(root), values)

    dataset = build(root, ignored=65535)

    assert dataset.source.dtype == "uint16"
    assert np.array_equal(dataset[0].source, values)
    assert dataset[1].source.dtype == np.uint16


@pytest.mark.parametrize(("depth", "count"), [(1, 2), (2, 4), (4, 16), (8, 256)])
def test_a_palette_png_gives_its_indices(root, depth, count):
    values = classes(9, height=5, width=11, count=count)
    palette = np.random.default_rng(0).integers(0, 256, (count, 3)).tolist()
    file_of(root).write_bytes(palette_png(values, palette, depth))
    write_image(root / "train/photos/a.png", photo(0, 5, 11))

    assert np.array_equal(build(root, classes=count)[0].source, values)


def test_two_indices_of_one_colour_and_transparency_do_not_matter(root):
    file_of(root).write_bytes(palette_png(classes(9), [[0, 0, 0]] * 3, transparent=True))

    assert np.array_equal(build(root)[0].source, classes(9))


def test_a_palette_png_without_a_palette(root):
    file_of(root).write_bytes(palette_png(classes(9), None))

    with pytest.raises(DataError, match=r"a\.png is a palette PNG without a palette: it is damaged"):
        build(root)[0]


def test_a_truncated_palette_png(root):
    file_of(root).write_bytes(palette_png(classes(9), COLOURS)[:-20])

    with pytest.raises(DataError, match=r"a\.png is truncated"):
        build(root)[0]


def test_a_palette_png_of_an_impossible_depth(root):
    content = bytearray(palette_png(classes(9), COLOURS))
    content[24] = 16
    file_of(root).write_bytes(content)

    with pytest.raises(DataError, match=r"a\.png cannot be read as a picture"):
        build(root)[0]


@pytest.mark.parametrize("alpha", [False, True])
def test_colours_become_classes_by_the_palette_of_the_recipe(root, alpha):
    coloured = np.array(COLOURS, np.uint8)[classes(4)[:, :, 0]]
    if alpha:
        coloured = np.dstack([coloured, np.full((6, 8), 200, np.uint8)])
    write_image(file_of(root), coloured)

    assert np.array_equal(build(root, palette=COLOURS)[0].source, classes(4))


def test_with_a_palette_in_the_recipe_the_colours_of_a_palette_png_count(root):
    file_of(root).write_bytes(palette_png(classes(4), COLOURS))

    assert np.array_equal(build(root, palette=COLOURS[::-1])[0].source, 2 - classes(4))


def test_one_more_colour_is_of_pixels_without_a_class(root):
    values = classes(4)
    values[0, 5] = 3
    write_image(file_of(root), np.array([*COLOURS, [255, 255, 255]], np.uint8)[values[:, :, 0]])

    labels = build(root, palette=[*COLOURS, [255, 255, 255]], ignored=255)[0].source

    values[0, 5] = 255
    assert np.array_equal(labels, values)


def test_a_colour_that_is_not_in_the_palette(root):
    coloured = np.array(COLOURS, np.uint8)[classes(4)[:, :, 0]]
    coloured[4, 6] = (71, 70, 70)
    write_image(file_of(root), coloured)

    with pytest.raises(DataError) as caught:
        build(root, palette=COLOURS)[0]

    assert str(caught.value) == (
        f"{file_of(root)} has the colour [71, 70, 70] at x = 6, y = 4, which is not in dataset.palette. Add it, or "
        "save the label map without smoothing."
    )


# What is wrong with a file


def test_a_value_that_is_no_class_names_the_file_the_value_and_the_place(root):
    values = classes(0)
    values[2, 5], values[4, 1] = 9, 255
    write_image(file_of(root), values)

    with pytest.raises(DataError) as caught:
        build(root, ignored=255)[0]

    assert str(caught.value) == (
        f"{file_of(root)} has the value 9 at x = 5, y = 2, and dataset.classes = 3 allows 0 to 2. Raise "
        "dataset.classes, or set dataset.ignored to a value that stands for no class."
    )
    assert build(root, classes=10, ignored=255)[0].source[4, 1] == 255


def test_colours_without_a_palette_ask_for_one(root):
    write_image(file_of(root), photo(3))

    with pytest.raises(DataError, match=r"a\.png has 3 channels of uint8; .* Set dataset\.palette"):
        build(root)[0]


def test_floats_are_no_classes(root):
    file_of(root).unlink()
    write_image(file_of(root, "a.tif"), np.zeros((6, 8, 1), np.float32))

    with pytest.raises(DataError, match=r"a\.tif has 1 channels of float32; .* one channel of 8 or 16 bits"):
        build(root)[0]


def test_an_index_map_where_the_recipe_has_a_palette(root):
    with pytest.raises(DataError, match=r"a\.png has 1 channels of uint8, but dataset\.palette .* Leave it out"):
        build(root, palette=COLOURS)[0]


def test_a_jpeg_is_no_label_map(root):
    file_of(root).unlink()
    write_image(file_of(root, "a.jpg"), classes(0))

    with pytest.raises(DataError, match=r"a\.jpg is a JPEG, which blurs"):
        build(root)[0]


def test_different_sizes_name_both_files(root):
    write_image(file_of(root), classes(0, width=9))

    with pytest.raises(DataError) as caught:
        build(root)[0]

    photo_file = root / "train" / "photos" / "a.png"
    assert f"{file_of(root)} is 9x6, but {photo_file} is 8x6 (width x height)" in str(caught.value)


def test_another_kind_of_photo_names_the_remedy(root):
    cv2.imwrite(str(root / "train/photos/b.jpg"), np.zeros((6, 8), np.uint8))

    with pytest.raises(DataError, match=r"b\.jpg has 1 channels .*dataset\.photo_channels = 3 makes all RGB"):
        build(root)[1]
    assert build(root, photo_channels=3)[1].target.shape == (6, 8, 3)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"nonsense"])
def test_a_damaged_label_map_is_named(root, content):
    file_of(root).write_bytes(content)

    with pytest.raises(DataError, match=r"a\.png"):
        build(root)[0]


# What is wrong with the folders


def test_missing_folders_and_pictures(root, tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there\. Set dataset\.root"):
        build(tmp_path / "nowhere")
    file_of(root, "b.png").unlink()
    with pytest.raises(DataError, match=r"1 missing in .*labels: b$"):
        build(root)
    with pytest.raises(DataError) as caught:
        build(root, label_folder="{split}/maps")
    assert str(caught.value) == (
        f"No folder {root / 'train' / 'maps'}; dataset.label_folder and dataset.photo_folder name them."
    )
    (root / "val").rename(root / "validation")
    with pytest.raises(MissingSplitError, match=r'no folders for the split "val"\. It has: train\.'):
        build(root, split="val")


# What is wrong with the recipe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label_folder": "maps"}, '"label_folder" needs {split} in it'),
        ({"photo_folder": "photos"}, '"photo_folder" needs {split} in it'),
        ({"names": ["road"]}, '"names" has 1 entries for 3 classes'),
        ({"palette": COLOURS[:2]}, '"palette" has 2 colours for 3 classes: it needs one for each$'),
        ({"palette": [*COLOURS, [1, 2, 3]]}, '"palette" has 4 colours for 3 classes: it needs one for each$'),
        ({"palette": COLOURS[:2], "ignored": 9}, "it needs one for each, and may have one more"),
        ({"palette": [*COLOURS[:2], COLOURS[0]]}, r"the colour \[128, 64, 128\] twice"),
    ],
)
def test_arguments_that_do_not_fit_together(recipe, root, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(root, **arguments)


def test_that_refusal_is_an_error_of_the_recipe(recipe, root):
    recipe.write_text(recipe.read_text().replace('name = "aligned"', 'name = "labels"\nclasses = 3\nnames = ["road"]'))

    with pytest.raises(Exception, match='refuses its arguments: "names" has 1 entries for 3 classes'):
        load_recipe(recipe, overrides=[f"dataset.root={root.as_posix()}"]).build("dataset", split="train")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", 1),
        ("classes", 257),
        ("ignored", -1),
        ("palette", [[1, 2]]),
        ("palette", [[0, 0, 256]]),
        ("names", 3),
    ],
)
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("labels"), ["split"])

    good = {"root": "a", "classes": 3, "ignored": 255, "palette": COLOURS, "names": ["a", "b", "c"]}
    assert signature.faults(good, "") == []
    assert signature.faults({**good, key: value}, "")
