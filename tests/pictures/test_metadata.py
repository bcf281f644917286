"""Profile, resolution and georeference travel from file to file as Pillow and tifffile see them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from pictures.pictures import picture
from PIL import Image, ImageCms

from itrans.pictures.images import read_image
from itrans.pictures.metadata import Metadata, metadata_of
from itrans.pictures.writing import write_image

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PLACE = [
    (33550, 12, 3, (10.0, 10.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 444720.0, 3751320.0, 0.0), True),
    (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34737, 2, 0, "UTM zone 11|", True),
]


def saved(path, **options) -> None:
    Image.fromarray(picture(3)).save(path, **options)


@pytest.mark.parametrize("source", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("target", ["png", "tif"])
def test_profile_and_resolution_are_kept(tmp_path, source, target):
    saved(tmp_path / f"a.{source}", icc_profile=PROFILE, dpi=(300, 150))

    lost = write_image(tmp_path / f"b.{target}", picture(3), metadata_of(tmp_path / f"a.{source}"))

    assert lost == set()
    assert np.array_equal(read_image(tmp_path / f"b.{target}"), picture(3))
    with Image.open(tmp_path / f"b.{target}") as image:
        assert image.info["icc_profile"] == PROFILE
        if source != "webp":  # which has no resolution
            assert [float(value) for value in image.info["dpi"]] == pytest.approx([300, 150], abs=0.02)
        assert np.array_equal(np.asarray(image), picture(3))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_a_georeference_is_kept_in_tiff(tmp_path, byteorder, bigtiff):
    image = picture(3, "uint16")
    options = {"byteorder": byteorder, "bigtiff": bigtiff, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", extratags=PLACE, **options)

    assert write_image(tmp_path / "b.tif", picture(1), metadata_of(tmp_path / "a.tif")) == set()

    with tifffile.TiffFile(tmp_path / "a.tif") as one, tifffile.TiffFile(tmp_path / "b.tif") as other:
        assert other.pages[0].geotiff_tags == one.pages[0].geotiff_tags != {}
        for tag in (33550, 33922, 34735, 34737):
            assert other.pages[0].tags[tag].value == one.pages[0].tags[tag].value
    with Image.open(tmp_path / "b.tif") as seen:
        assert np.array_equal(np.asarray(seen), picture(1)[:, :, 0])
    assert np.array_equal(read_image(tmp_path / "b.tif"), picture(1))


@pytest.mark.parametrize(
    ("suffix", "lost"),
    [
        (".png", {"georeference"}),
        (".bmp", {"georeference", "colour profile", "resolution"}),
        (".npy", {"georeference", "colour profile"}),
    ],
)
def test_what_a_format_has_no_room_for_is_named(tmp_path, suffix, lost):
    metadata = Metadata(PROFILE, (72.0, 72.0), {33550: (12, 3, bytes(24))})

    assert write_image(tmp_path / f"a{suffix}", picture(3), metadata) == lost
    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), picture(3))


def test_a_profile_of_colours_is_not_given_to_grey(tmp_path):
    saved(tmp_path / "a.png", icc_profile=PROFILE)

    write_image(tmp_path / "b.png", picture(1), metadata_of(tmp_path / "a.png"))

    with Image.open(tmp_path / "b.png") as image:
        assert "icc_profile" not in image.info


def test_a_picture_that_was_turned_has_its_resolution_turned_and_its_place_left_out(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        picture(3),
        photometric="rgb",
        metadata=None,
        resolution=(300, 150),
        resolutionunit="inch",
        extratags=[*PLACE, (274, 3, 1, 6, True)],
    )

    assert metadata_of(tmp_path / "a.tif") == Metadata(b"", (150.0, 300.0), {})


def test_files_that_say_nothing_or_are_damaged(tmp_path):
    saved(tmp_path / "a.bmp")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (tmp_path / "c.tif").write_bytes(b"II*\0\x08\0\0\0\xff\xff")
    write_image(tmp_path / "d.npy", picture(3))
    for name in ("b.png", "c.tif", "d.npy", "missing.png"):
        assert metadata_of(tmp_path / name) == Metadata()
    assert metadata_of(tmp_path / "a.bmp").profile == b""


@pytest.mark.parametrize("fraction", [(2**32 - 1, 1), (1, 0), (0, 1)])
@pytest.mark.parametrize("target", ["png", "tif"])
def test_a_resolution_that_makes_no_sense_is_not_kept(tmp_path, fraction, target):
    tags = [(tag, 5, 1, fraction, True) for tag in (282, 283)]  # across and down
    tifffile.imwrite(tmp_path / "a.tif", picture(3), metadata=None, extratags=tags)

    write_image(tmp_path / f"b.{target}", picture(3), metadata_of(tmp_path / "a.tif"))

    with Image.open(tmp_path / f"b.{target}") as image:
        assert image.info.get("dpi", (1, 1)) == (1, 1)
