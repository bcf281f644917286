"""TIFF files give what tifffile or Pillow, which others read them with, give; or they are refused by what they are."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile
from pictures.pictures import picture, tiff
from PIL import Image, ImageOps

from itrans.errors import DataError
from itrans.pictures.images import read_image
from itrans.pictures.label_maps import read_label_map

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}
HEIGHT, WIDTH = 37, 53
"""Neither fills the last strip or tile."""


def written(path, image: np.ndarray, **options) -> None:
    """Write a TIFF with tifffile."""
    if options.get("planarconfig") == "separate":
        image = np.ascontiguousarray(np.moveaxis(image, 2, 0))
    elif image.shape[2] == 1:
        image = image[:, :, 0]
    elif image.shape[2] == 5:
        options.setdefault("extrasamples", ["unspecified"] * 4)
    tifffile.imwrite(path, image, metadata=None, **options)


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


LAYOUTS = {
    "strips": {"rowsperstrip": 8},
    "tiles": {"tile": (16, 16)},
    "low tiles": {"tile": (16, 32)},
    "tiles in a big file": {"tile": (16, 32), "bigtiff": True, "byteorder": ">"},
    "big endian": {"byteorder": ">"},
    "deflate": {"compression": "deflate", "rowsperstrip": 8},
    "differences": {"compression": "deflate", "predictor": 2, "tile": (16, 32), "byteorder": ">"},
    "bigtiff": {"bigtiff": True},
    "planes": {"planarconfig": "separate", "rowsperstrip": 8},
    "planes in tiles": {"planarconfig": "separate", "tile": (16, 16), "compression": "deflate"},
}
KINDS = {
    "grey": (1, {"photometric": "minisblack"}),
    "colour": (3, {"photometric": "rgb"}),
    "alpha": (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "a fourth": (4, {"photometric": "rgb", "extrasamples": ["unspecified"]}),
    "two bands": (2, {"photometric": "minisblack", "extrasamples": ["unspecified"]}),
    "three bands": (3, {"photometric": "minisblack", "extrasamples": ["unspecified"] * 2}),
    "five bands": (5, {"photometric": "minisblack", "extrasamples": ["unspecified"] * 4}),
}


POSSIBLE = [
    (kind, layout, dtype)
    for kind, layout, dtype in itertools.product(KINDS, LAYOUTS, WHITE)
    if not (kind == "grey" and "planes" in layout) and not (dtype == "float32" and layout == "differences")
]


@pytest.mark.parametrize(("kind", "layout", "dtype"), POSSIBLE)
def test_values_come_back_from_every_layout(tmp_path, kind, layout, dtype):
    (channels, options), how = KINDS[kind], LAYOUTS[layout]
    image = picture(channels, dtype, HEIGHT, WIDTH)
    written(tmp_path / "a.tif", image, **options, **how)

    read = read_image(tmp_path / "a.tif")

    assert read.dtype == dtype
    assert np.array_equal(read, image)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_black_is_zero_where_white_was(tmp_path, dtype):
    image = picture(1, dtype)
    written(tmp_path / "a.tif", WHITE[dtype] - image, photometric="miniswhite")

    assert np.array_equal(read_image(tmp_path / "a.tif"), image)


@pytest.mark.parametrize("dtype", WHITE)
@pytest.mark.parametrize("colours", [1, 3])
def test_colours_that_alpha_has_darkened_are_undone(tmp_path, dtype, colours):
    """So they are as bright as in a file whose alpha is told apart, and grey with alpha is colour with alpha."""
    straight = picture(colours, dtype, HEIGHT, WIDTH)
    alpha = picture(1, dtype, HEIGHT, WIDTH)[::-1]
    dark = straight * (alpha / WHITE[dtype])
    dark = (dark if dtype == "float32" else np.rint(dark)).astype(dtype)
    options = {"photometric": "rgb" if colours == 3 else "minisblack"}
    written(tmp_path / "a.tif", np.concatenate([straight, alpha], 2), extrasamples=["unassalpha"], **options)
    written(tmp_path / "b.tif", np.concatenate([dark, alpha], 2), extrasamples=["assocalpha"], **options)

    one, other = read_image(tmp_path / "a.tif"), read_image(tmp_path / "b.tif")

    assert one.shape == other.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(one[:, :, :3], np.broadcast_to(straight, (HEIGHT, WIDTH, 3)))
    assert np.array_equal(one[:, :, 3:], alpha)
    assert np.array_equal(other[:, :, 3:], alpha)
    # half a step of what is stored is so much more where alpha is low; alpha is never below a fifth here
    assert np.abs(one.astype(float) - other).max() <= (1e-6 if dtype == "float32" else 3)


def test_where_alpha_is_zero_darkened_colours_are_black(tmp_path):
    written(tmp_path / "a.tif", np.zeros((4, 4, 4), np.uint16), photometric="rgb", extrasamples=["assocalpha"])

    assert not read_image(tmp_path / "a.tif").any()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (3, "uint8"), (3, "uint16"), (5, "float32")])
def test_orientation_is_heeded_in_every_depth(tmp_path, orientation, channels, dtype):
    image = picture(channels, dtype)
    written(
        tmp_path / "a.tif",
        image,
        photometric="rgb" if channels == 3 else "minisblack",
        extratags=[(274, 3, 1, orientation, True)],
    )
    eight = Image.fromarray((image[:, :, 0] / WHITE[dtype] * 255).astype(np.uint8))
    eight.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(eight))

    read = read_image(tmp_path / "a.tif")

    assert np.array_equal((read[:, :, 0] / WHITE[dtype] * 255).astype(np.uint8), upright)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_give_colours_and_label_maps_their_indices(tmp_path, bits):
    indices = np.arange(12 * 20).reshape(12, 20) % 2**bits
    colours = np.random.default_rng(0).integers(0, 256, (3, 2**bits))
    (tmp_path / "a.tif").write_bytes(few_bits(indices, bits, 3, colours * 257))

    assert np.array_equal(read_image(tmp_path / "a.tif"), colours.T[indices])
    assert np.array_equal(read_label_map(tmp_path / "a.tif")[:, :, 0], indices)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_spans_the_range_and_label_maps_have_what_is_stored(tmp_path, bits):
    values = np.arange(12 * 20).reshape(12, 20) % 2**bits
    (tmp_path / "a.tif").write_bytes(few_bits(values, bits, 1))
    (tmp_path / "b.tif").write_bytes(few_bits(values, bits, 0))

    stretched = values * (255 // (2**bits - 1))
    assert np.array_equal(read_image(tmp_path / "a.tif")[:, :, 0], stretched)
    assert np.array_equal(read_image(tmp_path / "b.tif")[:, :, 0], 255 - stretched)
    assert np.array_equal(read_label_map(tmp_path / "a.tif")[:, :, 0], values)


def few_bits(values: np.ndarray, bits: int, photometric: int, palette: np.ndarray | None = None) -> bytes:
    """Return an uncompressed TIFF of one strip with several values in a byte."""
    height, width = values.shape
    spread = (values[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    strip = np.packbits(spread.reshape(height, -1), axis=1).tobytes()
    colours = b"" if palette is None else palette.astype("<u2").tobytes()
    tags = [(256, 1, width), (257, 1, height), (258, 1, bits), (259, 1, 1), (262, 1, photometric), (273, 1, 0)]
    tags += [(277, 1, 1), (278, 1, height), (279, 1, len(strip))]
    tags += [(320, 3 * 2**bits, 0)] if colours else []
    start = 8 + 2 + 12 * len(tags) + 4
    places = {273: start + len(colours), 320: start}
    directory = b"".join(
        struct.pack("<HHII", tag, 3 if tag == 320 else 4, count, places.get(tag, value)) for tag, count, value in tags
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + directory + bytes(4) + colours + strip


@pytest.mark.parametrize("order", list(itertools.permutations(["page", "overview", "mask"])))
def test_overviews_and_masks_are_no_pages(tmp_path, order):
    """As cloud-optimised GeoTIFFs have them."""
    image = picture(3, "uint16")
    parts = {
        "page": (image, {"photometric": "rgb"}),
        "overview": (np.ascontiguousarray(image[::2, ::2]), {"photometric": "rgb", "subfiletype": 1}),
        "mask": (np.ones((12, 20), bool), {"photometric": "mask", "subfiletype": 4}),
    }
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for name in order:
            file.write(parts[name][0], metadata=None, **parts[name][1])

    assert np.array_equal(read_image(tmp_path / "a.tif"), image)


def test_two_full_pages_are_refused_beside_an_overview(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for kind in (0, 1, 0):
            file.write(picture(3), photometric="rgb", metadata=None, subfiletype=kind)

    assert "has 2 pages" in refusal(tmp_path / "a.tif")


def test_directories_that_go_in_circles_come_to_an_end(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(picture(3), big=True, following=16))

    assert np.array_equal(read_image(tmp_path / "a.tif"), picture(3))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_floats_of_other_sizes_become_single(tmp_path, dtype):
    image = picture(3, "float32").astype(dtype)
    written(tmp_path / "a.tif", image, photometric="rgb")

    read = read_image(tmp_path / "a.tif")

    assert read.dtype == np.float32
    assert np.array_equal(read, image.astype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "complex64"])
def test_other_types_are_refused_by_their_name(tmp_path, dtype):
    written(tmp_path / "a.tif", np.ones((12, 20, 1), dtype), photometric="minisblack")

    kind = {"i": "signed", "u": "unsigned", "c": "complex"}[np.dtype(dtype).kind]
    assert f"{kind} {np.dtype(dtype).itemsize * 8}-bit samples" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    ("photometric", "channels", "name"), [("separated", 4, "CMYK"), ("cielab", 3, "CIE Lab"), ("ycbcr", 3, "YCbCr")]
)
def test_other_colours_are_refused_by_their_name(tmp_path, photometric, channels, name, dtype):
    written(tmp_path / "a.tif", picture(channels, dtype), photometric=photometric)

    assert name in refusal(tmp_path / "a.tif")


def test_jpeg_in_tiff_is_what_pillow_reads(tmp_path):
    image = Image.fromarray(picture(3, height=HEIGHT, width=WIDTH))
    for name, mode in (("rgb.tif", "RGB"), ("grey.tif", "L"), ("ycbcr.tif", "YCbCr")):
        image.convert(mode).save(tmp_path / name, compression="jpeg")
        expected = np.asarray(Image.open(tmp_path / name).convert("L" if mode == "L" else "RGB"))
        assert np.abs(read_image(tmp_path / name).squeeze().astype(int) - expected).max() <= 2


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw"])
def test_black_and_white_of_fax_machines(tmp_path, compression):
    image = Image.fromarray(picture(1)[:, :, 0] > 127)
    image.save(tmp_path / "a.tif", compression=compression)

    assert np.array_equal(read_image(tmp_path / "a.tif")[:, :, 0], np.asarray(image) * 255)


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="it is read where imagecodecs is")
def test_what_tifffile_does_not_read_alone_says_what_does(tmp_path):
    written(tmp_path / "a.tif", picture(5), photometric="minisblack")
    content = (tmp_path / "a.tif").read_bytes()
    stored, lzw = (struct.pack("<HHIH", 259, 3, 1, compression) for compression in (1, 5))
    assert content.count(stored) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(stored, lzw))

    reason = refusal(tmp_path / "a.tif")

    assert "5 channels of 8 bits, compression LZW" in reason
    assert "pip install 'itrans[tiff]'" in reason


@pytest.mark.parametrize("compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_compressions_that_pillow_writes(tmp_path, compression, mode):
    channels = {"L": 1, "I;16": 1, "RGB": 3, "RGBA": 4}[mode]
    image = picture(channels, "uint16" if mode == "I;16" else "uint8", HEIGHT, WIDTH)
    Image.fromarray(image.squeeze()).save(tmp_path / "a.tif", compression=compression)

    assert np.array_equal(read_image(tmp_path / "a.tif"), image)


def test_without_tifffile_the_message_names_the_extra(tmp_path, monkeypatch):
    written(tmp_path / "a.tif", picture(5), photometric="minisblack")
    monkeypatch.setitem(sys.modules, "tifffile", None)

    assert "pip install 'itrans[tiff]'" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["colour", "alpha", "five bands"])
@pytest.mark.parametrize("layout", ["strips", "deflate", "planes"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_truncated_files_are_refused(tmp_path, kind, layout, kept):
    (channels, options), how = KINDS[kind], LAYOUTS[layout]
    written(tmp_path / "a.tif", picture(channels, "uint16", HEIGHT, WIDTH), **options, **how)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: int(kept * len(content))])

    refusal(tmp_path / "a.tif")


def test_no_damage_to_a_header_gets_past(tmp_path):
    """Whatever byte is wrong, there is a picture or a refusal."""
    file = io.BytesIO()
    tifffile.imwrite(file, picture(3), photometric="rgb", metadata=None)
    content = bytearray(file.getvalue())
    generator = np.random.default_rng(0)
    for place in range(200):
        kept, content[place] = content[place], int(generator.integers(256))
        (tmp_path / "a.tif").write_bytes(content)
        content[place] = kept
        with contextlib.suppress(DataError):
            assert read_image(tmp_path / "a.tif").size
