"""Large pictures in tiles: seams that nobody sees, the same output as of the whole, and a flat memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from itrans.api import GENERATORS, ItransError, load, read_image, train
from itrans.pictures import bands
from itrans.translating.tiling import Tiling

PLACE = [(33550, 12, 3, (10.0, 10.0, 0.0), True), (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True)]


class Blur(nn.Module):
    """Each pixel is nearly itself; at the edges, where there is nothing beyond, it is darker."""

    def __init__(self, *, in_channels: int, out_channels: int, norm: bool = False, multiple: int = 1) -> None:
        super().__init__()
        self.size_multiple = multiple
        self.norm = nn.InstanceNorm2d(in_channels) if norm else nn.Identity()
        self.layers = nn.Conv2d(in_channels, out_channels, 5, padding=2, groups=in_channels, bias=False)
        kernel = torch.tensor([1.0, 4.0, 30.0, 4.0, 1.0])
        with torch.no_grad():
            self.layers.weight.copy_(torch.outer(kernel, kernel) / kernel.sum() ** 2)

    def forward(self, source):
        return self.layers(self.norm(source) * 0.5 if isinstance(self.norm, nn.InstanceNorm2d) else source)


@pytest.fixture
def translator(recipe, tmp_path):
    """Return what translates with `Blur`, as an untrained checkpoint has it."""
    GENERATORS.register("blur", replace=True)(Blur)

    def make(**arguments):
        values = {"generator": {"name": "blur", **arguments}, "train.steps": 1, "optimizer.lr": 1e-30}
        values |= {"validation.every": 0}
        folder = tmp_path / "-".join(["run", *(f"{key}{value}" for key, value in arguments.items())])
        return load(train(recipe, set=values, output=folder, progress=False).checkpoint, precision="fp32")

    yield make
    GENERATORS.unregister("blur")


def ramp(height: int, width: int, channels: int = 3) -> np.ndarray:
    values = np.add.outer(np.linspace(0, 150, height), np.linspace(0, 100, width))
    return np.repeat(values.round().astype(np.uint8)[:, :, None], channels, axis=2)


@pytest.mark.parametrize(("size", "overlap"), [(64, 16), (64, 32), (100, 20), (48, 0)])
@pytest.mark.parametrize("length", [65, 128, 129, 1000])
@pytest.mark.parametrize("multiple", [1, 32])
def test_tiles_cover_a_side_and_count_as_one(size, overlap, length, multiple):
    side = Tiling(size, overlap).side(length, multiple)
    total = np.zeros(length)
    for start, weight in zip(side.starts, side.weights(), strict=True):
        assert weight.shape == (side.size,)
        total[start : start + side.size] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert side.size <= size
    assert side.starts[0] == 0
    assert side.starts[-1] + side.size == length
    shared = [first + side.size - second for first, second in zip(side.starts, side.starts[1:], strict=False)]
    assert min(shared, default=overlap) >= overlap - 1  # starts are whole pixels


@pytest.mark.parametrize("shape", [(200, 310), (64, 400), (90, 64)])
@pytest.mark.parametrize("tile", [64, 100])
@pytest.mark.parametrize("multiple", [1, 32])
def test_a_smooth_ramp_has_no_seams(translator, shape, tile, multiple):
    picture = ramp(*shape)
    made = translator(multiple=multiple)
    whole = made.translate(picture)
    tiled = made.translate(picture, tile=tile, overlap=tile // 4)
    assert tiled.dtype == whole.dtype
    assert tiled.shape == whole.shape
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    # without an overlap, there are seams
    parts = [made.translate(picture[:, left : left + tile]) for left in range(0, shape[1], tile)]
    if multiple == 1 and len(parts) > 1:
        assert np.abs(np.concatenate(parts, axis=1).astype(int) - whole).max() > 1


def test_tiles_are_normalised_by_the_statistics_of_the_whole_picture(translator):
    picture = ramp(256, 256)
    made = translator(norm=True)
    whole = made.translate(picture).astype(int)
    tiled = made.translate(picture, tile=64, overlap=16)
    alone = np.concatenate([made.translate(picture[top : top + 64]) for top in range(0, 256, 64)])
    assert np.abs(tiled - whole).max() <= 8  # overlaps count twice in the statistics
    assert np.abs(alone - whole).max() > 20


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_values_keep_their_type_and_precision(translator, dtype):
    high = ramp(150, 150).astype(np.float32) / 255
    picture = high if dtype == "float32" else (high * 65535).astype(np.uint16)
    made = translator()
    whole, tiled = made.translate(picture), made.translate(picture, tile=64)
    assert tiled.dtype == dtype
    np.testing.assert_allclose(tiled.astype(float), whole.astype(float), atol=1e-5 if dtype == "float32" else 1)


def test_a_seed_decides_tiles_too(recipe, tmp_path):
    values = {"train.steps": 1, "generator.depth": 6, "validation.every": 0}
    run = train(recipe, set=values, output=tmp_path / "run", progress=False)
    picture = ramp(120, 150)
    first, again, other = (run.translator.translate(picture, tile=64, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_picture_of_one_tile_is_translated_whole(translator):
    picture, made = ramp(60, 64), translator()
    assert np.array_equal(made.translate(picture, tile=64), made.translate(picture))


@pytest.mark.parametrize(("tile", "overlap"), [(8, None), (64, 40), (64, -1)])
def test_tiles_that_cannot_be(translator, tile, overlap):
    with pytest.raises(ItransError, match="Tiles of"):
        translator().translate(ramp(90, 90), tile=tile, overlap=overlap)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{"tile": (64, 48)}, {"rowsperstrip": 7}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_large_tiff_goes_by_bands(translator, itrans, tmp_path, monkeypatch, compression, layout, dtype):
    checkpoint = translator(norm=True).checkpoint
    picture = ramp(300, 333).astype(dtype) * (1 if dtype == "uint8" else 257)
    options = {"compression": compression, "extratags": PLACE, "resolution": (300, 300), "iccprofile": b"RGB " * 40}
    options["iccprofile"] = bytes(16) + b"RGB " + bytes(108)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", metadata=None, **layout, **options)
    command = ("translate", checkpoint, "a.tif", "--tile", 64, "--overlap", 16, "--precision", "fp32")
    assert itrans(*command, "-o", "whole").exit_code == 0
    monkeypatch.setattr(bands, "_LARGE", 1)
    done = itrans(*command, "-o", "bands")
    assert done.exit_code == 0, done.output
    assert "1 of 1 picture translated" in done.output
    whole, banded = read_image(tmp_path / "whole" / "a.tif"), read_image(tmp_path / "bands" / "a.tif")
    assert np.array_equal(whole, banded)
    with tifffile.TiffFile(tmp_path / "bands" / "a.tif") as found, tifffile.TiffFile(tmp_path / "a.tif") as source:
        page, before = found.pages[0], source.pages[0]
        assert page.is_tiled
        assert page.geotiff_tags == before.geotiff_tags != {}
        assert page.iccprofile == before.iccprofile
        assert page.resolution == (300, 300)
        assert (page.compression == 1) == (compression is None)
    assert [path.name for path in (tmp_path / "bands").iterdir()] == ["a.tif"]


def test_a_damaged_large_tiff_is_named_and_leaves_nothing(translator, itrans, tmp_path, monkeypatch):
    checkpoint = translator().checkpoint
    tifffile.imwrite(tmp_path / "a.tif", ramp(300, 333), photometric="rgb", compression="zlib", rowsperstrip=32)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        start = file.pages[0].dataoffsets[5]
    content[start : start + 200] = bytes(200)
    (tmp_path / "a.tif").write_bytes(content)
    monkeypatch.setattr(bands, "_LARGE", 1)
    done = itrans("translate", checkpoint, "a.tif", "--tile", 64, "-o", "out")
    assert done.exit_code == 2
    assert "a.tif is a damaged or truncated TIFF" in done.output
    assert not (tmp_path / "out").exists() or not [*(tmp_path / "out").iterdir()]


def test_floats_beyond_the_range_are_refused_in_bands_too(translator, itrans, tmp_path, monkeypatch):
    checkpoint = translator().checkpoint
    values = ramp(200, 200).astype(np.float32) / 200
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    monkeypatch.setattr(bands, "_LARGE", 1)
    done = itrans("translate", checkpoint, "a.tif", "--tile", 64, "-o", "out")
    assert done.exit_code == 2
    assert "floats from" in done.output


def test_samples_and_other_formats_go_in_tiles(translator, itrans, tmp_path):
    checkpoint = translator().checkpoint
    cv2.imwrite(str(tmp_path / "a.png"), ramp(200, 130))
    done = itrans("translate", checkpoint, "a.png", "--tile", 64, "--samples", 2, "-o", "out")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-1.png", "a-2.png"]
    assert read_image(tmp_path / "out" / "a-1.png").shape == (200, 130, 3)


@pytest.mark.parametrize(
    ("options", "named"),
    [(("--tile", "8"), "Tiles of 8"), (("--overlap", "8"), "--tile"), (("--tile", "64", "--overlap", "60"), "60")],
)
def test_wrong_tiles_are_refused(translator, itrans, tmp_path, options, named):
    checkpoint = translator().checkpoint
    cv2.imwrite(str(tmp_path / "a.png"), ramp(20, 20))
    done = itrans("translate", checkpoint, "a.png", "-o", "out", *options)
    assert done.exit_code == 2
    assert named in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory a process takes")
def test_memory_does_not_grow_with_the_height_of_a_tiff(translator, tmp_path):
    checkpoint = translator().checkpoint
    for height in (2_000, 14_000):
        picture = np.broadcast_to(ramp(1, 2_500), (height, 2_500, 3))
        tifffile.imwrite(tmp_path / f"{height}.tif", picture, photometric="rgb", compression="zlib", rowsperstrip=64)
    code = textwrap.dedent("""
        import resource, sys
        sys.path.insert(0, sys.argv[1])
        from test_tiles import Blur
        from itrans.api import GENERATORS
        from itrans.cli import cli
        from itrans.pictures import bands
        GENERATORS.register("blur")(Blur)
        bands._LARGE = 1
        cli(["translate", sys.argv[2], sys.argv[3], "--tile", "512", "-o", "out"], standalone_mode=False)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """)
    here = str(__file__).rpartition("/")[0]
    most = {}
    for height in (2_000, 14_000):
        command = [sys.executable, "-c", code, here, str(checkpoint), f"{height}.tif"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        most[height] = int(done.stdout.split()[-1])
    assert most[14_000] - most[2_000] < 40_000  # kilobytes; the picture alone has 100,000
