"""Label maps from files have the values that are stored; what is no class is refused with its value."""

from __future__ import annotations

import numpy as np
import pytest
from pictures.pictures import jpeg, picture
from PIL import Image, features

from itrans.errors import DataError
from itrans.pictures.label_maps import read_label_map
from itrans.pictures.writing import write_image


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", ">i8"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1)])
def test_arrays_of_whole_numbers_of_any_type(tmp_path, dtype, shape):
    """As argmax gives them."""
    classes = (np.arange(12) % 2).reshape(shape).astype(dtype)
    np.save(tmp_path / "a.npy", classes)

    read = read_label_map(tmp_path / "a.npy")

    assert read.dtype == (np.uint16 if dtype == "uint16" else np.uint8)
    assert read.dtype.isnative
    assert np.array_equal(read, classes.reshape(3, 4, 1))


@pytest.mark.parametrize(("highest", "dtype"), [(255, "uint8"), (256, "uint16"), (65535, "uint16")])
def test_classes_above_255_take_16_bits(tmp_path, highest, dtype):
    np.save(tmp_path / "a.npy", np.array([[0, highest]]))

    read = read_label_map(tmp_path / "a.npy")

    assert read.dtype == dtype
    assert read.squeeze().tolist() == [0, highest]


@pytest.mark.parametrize("value", [-1, 65536, 2**40])
def test_values_that_are_no_classes_are_named(tmp_path, value):
    np.save(tmp_path / "a.npy", np.array([[3, value]]))

    with pytest.raises(DataError, match=rf"a\.npy has the value {value}"):
        read_label_map(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2, 2), (0, 4)])
def test_arrays_of_another_shape_are_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.int64))

    with pytest.raises(DataError, match=r"a\.npy has the shape"):
        read_label_map(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", [".gif", ".bmp", ".png", ".tif"])
def test_palettes_of_one_colour_keep_their_indices_apart(tmp_path, suffix):
    indices = np.arange(240, dtype=np.uint8).reshape(12, 20) % 5
    image = Image.fromarray(indices).convert("P")
    image.putpalette(np.repeat([[1, 2, 3], [200, 100, 0]], [3, 2], axis=0).astype(np.uint8).tobytes())
    image.save(tmp_path / f"a{suffix}", **({"optimize": False} if suffix == ".gif" else {}))
    with Image.open(tmp_path / f"a{suffix}") as opened:
        expected = np.asarray(opened)

    assert np.array_equal(read_label_map(tmp_path / f"a{suffix}")[:, :, 0], expected)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_grey_of_8_bits_is_as_it_is(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", picture(1))

    assert np.array_equal(read_label_map(tmp_path / f"a{suffix}"), picture(1))


@pytest.mark.parametrize("suffix", [".jpg", ".jfif", ".png"])
def test_a_jpeg_is_refused_whatever_it_is_called(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(jpeg(picture(1)))

    with pytest.raises(DataError, match="is a JPEG, which blurs the values"):
        read_label_map(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".png", ".gif", ".bmp"])
def test_a_truncated_palette_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    image = Image.fromarray(noise).convert("P")
    image.putpalette(bytes(range(256)) * 3)
    image.save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(content[: len(content) * 2 // 3])

    with pytest.raises(DataError, match=rf"a\{suffix}"):
        read_label_map(tmp_path / f"a{suffix}")


def test_floats_are_no_classes(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 4), np.float32))
    with pytest.raises(DataError, match=r"a\.npy has values of float32; classes are whole numbers"):
        read_label_map(tmp_path / "a.npy")


def test_portable_maps_have_what_is_stored(tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "a.pgm").write_bytes(b"P5 4 3 11\n" + values.tobytes())
    (tmp_path / "a.pbm").write_bytes(b"P1 2 1\n0 1\n")
    assert np.array_equal(read_label_map(tmp_path / "a.pgm")[:, :, 0], values)
    assert read_label_map(tmp_path / "a.pbm").ravel().tolist() == [0, 1]


@pytest.mark.skipif(not features.check("avif"), reason="this build of Pillow writes no AVIF")
def test_an_avif_is_refused_as_a_jpeg_is(tmp_path):
    Image.fromarray(picture(1)[:, :, 0]).save(tmp_path / "a.avif")
    with pytest.raises(DataError, match="blurs"):
        read_label_map(tmp_path / "a.avif")
