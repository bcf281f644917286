"""What training converts, translating converts as well, and says so once: alpha, grey, colour, formats."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from itrans.api import read_image, write_image


def picture(channels: int, dtype: str = "uint8", side: int = 16) -> np.ndarray:
    values = np.random.default_rng(channels).random((side, side, channels))
    return (values * np.iinfo(dtype).max).astype(dtype)


@pytest.fixture
def trained(itrans, recipe):
    def train(*options) -> Path:
        done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1", *options)
        assert done.exit_code == 0, done.output
        return Path("run/checkpoints/last.pt").resolve()

    return train


def translated(itrans, checkpoint, image: np.ndarray, *options) -> np.ndarray:
    """Return the translation of a picture that fits."""
    write_image("reference/a.png", image)
    assert itrans("translate", checkpoint, "reference/a.png", "-o", "expected", *options).exit_code == 0
    return read_image("expected/a.png")


@pytest.mark.parametrize(("background", "ground"), [(None, 255), ("black", 0), ("#808080", 128)])
def test_what_is_transparent_is_laid_on_a_colour(itrans, trained, background, ground):
    checkpoint = trained()
    drawing = np.zeros((16, 16, 4), np.uint8)  # black lines, in alpha alone
    drawing[4:8, :, 3] = 255
    write_image("in/a.png", drawing)
    on_ground = np.full((16, 16, 3), ground, np.uint8)
    on_ground[4:8] = 0

    done = itrans("translate", checkpoint, "in", "-o", "out", *(("--background", background) if background else ()))

    assert done.exit_code == 0, done.output
    assert f"in/a.png: what is transparent was laid on {background or 'white'}" in done.stderr
    assert np.array_equal(read_image("out/a.png"), translated(itrans, checkpoint, on_ground))


def test_without_a_colour_it_is_that_of_the_training(itrans, trained):
    checkpoint = trained("--set", "dataset.channels=3", "--set", "dataset.background=black")
    write_image("in/a.png", np.zeros((16, 16, 4), np.uint8))
    done = itrans("translate", checkpoint, "in", "-o", "out")
    assert "what is transparent was laid on black" in done.stderr
    assert np.array_equal(read_image("out/a.png"), translated(itrans, checkpoint, np.zeros((16, 16, 3), np.uint8)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_half_transparent_pictures_are_what_pillow_composes(itrans, trained, dtype):
    checkpoint, image = trained(), picture(4, dtype)
    write_image("in/a.png", image)
    eight = (image >> (8 if dtype == "uint16" else 0)).astype(np.uint8)
    white = Image.new("RGBA", (16, 16), "white")
    composed = np.asarray(Image.alpha_composite(white, Image.fromarray(eight)).convert("RGB"))

    assert itrans("translate", checkpoint, "in", "-o", "out").exit_code == 0

    read = read_image("out/a.png")
    assert read.dtype == dtype
    expected = translated(itrans, checkpoint, composed)
    assert np.abs((read >> (8 if dtype == "uint16" else 0)).astype(int) - expected).max() <= 3


def test_grey_of_any_depth_is_repeated_for_a_model_of_colours(itrans, trained):
    checkpoint = trained()
    for dtype in ("uint8", "uint16"):
        write_image(f"in/{dtype}.png", picture(1, dtype))

    done = itrans("translate", checkpoint, "in", "-o", "out")

    assert done.exit_code == 0, done.output
    assert done.stderr.count("Warning") == 1
    assert "2 pictures, such as" in done.stderr
    assert "grey was repeated" in done.stderr
    for dtype in ("uint8", "uint16"):
        expected = translated(itrans, checkpoint, np.repeat(picture(1, dtype), 3, axis=2))
        assert np.array_equal(read_image(f"out/{dtype}.png"), expected)


def test_colours_become_grey_for_a_model_of_grey(itrans, trained):
    checkpoint = trained("--set", "dataset.channels=1")
    write_image("in/a.png", picture(3))

    done = itrans("translate", checkpoint, "in", "-o", "out")

    assert done.exit_code == 0, done.output
    assert "in/a.png: colours became grey" in done.stderr
    grey = cv2.cvtColor(picture(3), cv2.COLOR_RGB2GRAY)[:, :, None]
    assert np.array_equal(read_image("out/a.png"), translated(itrans, checkpoint, grey))


def test_nothing_is_said_of_pictures_that_fit(itrans, trained):
    checkpoint = trained()
    write_image("in/a.png", picture(3))

    assert "Warning" not in itrans("translate", checkpoint, "in", "-o", "out").stderr


@pytest.mark.parametrize("channels", [1, 4])
def test_strict_refuses_what_would_be_converted(itrans, trained, channels):
    checkpoint = trained()
    write_image("in/a.png", picture(channels))

    done = itrans("translate", checkpoint, "in", "-o", "out", "--strict")

    assert done.exit_code == 2
    assert "in/a.png" in done.stderr
    assert "takes 3 channels (RGB)" in done.stderr


def test_a_background_that_is_no_colour_is_refused_before_anything_is_done(itrans, trained):
    checkpoint = trained()
    write_image("in/a.png", picture(3))

    done = itrans("translate", checkpoint, "in", "-o", "out", "--background", "whitish")

    assert done.exit_code == 2
    assert "--background" in done.stderr
    assert "whitish" in done.stderr
    assert not Path("out").exists()


def test_a_fourth_channel_is_not_made_up_and_an_opaque_one_is_said(itrans, trained):
    checkpoint = trained("--set", "dataset.channels=4")
    write_image("rgb/a.png", picture(3))
    write_image("mask/a.png", picture(4))
    opaque = picture(4)
    opaque[:, :, 3] = 255
    write_image("opaque/a.png", opaque)

    refused = itrans("translate", checkpoint, "rgb", "-o", "out/rgb")
    assert refused.exit_code == 2
    assert "takes 4 channels. The fourth is alpha or a mask" in refused.stderr
    assert "Warning" not in itrans("translate", checkpoint, "mask", "-o", "out/mask").stderr
    said = itrans("translate", checkpoint, "opaque", "-o", "out/opaque")
    assert said.exit_code == 0
    assert "opaque/a.png: the fourth channel is opaque everywhere" in said.stderr


@pytest.fixture
def deeper(itrans, tmp_path):
    """A checkpoint that makes 16 bits of 8."""
    for split in ("train", "val"):
        write_image(f"pairs/{split}/source/a.png", picture(3))
        write_image(f"pairs/{split}/target/a.png", picture(3, "uint16"))
    Path("deeper.toml").write_text(
        '[dataset]\nname = "paired"\nroot = "pairs"\n[generator]\nname = "unet"\ndepth = 2\nfilters = 4\n'
        '[[loss]]\nname = "l1"\n[train]\nsteps = 1\n'
    )
    done = itrans("run", "deeper.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    return Path("run/checkpoints/last.pt").resolve()


def test_a_format_that_cannot_hold_outputs_is_replaced_and_that_is_said(itrans, deeper):
    write_image("in/a.bmp", picture(3))
    write_image("in/b.png", picture(3))

    done = itrans("translate", deeper, "in", "-o", "out")

    assert done.exit_code == 0, done.output
    assert "Outputs are .png: .bmp cannot hold 3 channels of uint16" in done.stderr
    assert {path.name: read_image(path).dtype.name for path in Path("out").iterdir()} == {
        "a.png": "uint16",
        "b.png": "uint16",
    }


def test_a_format_that_was_asked_for_is_not_replaced(itrans, deeper):
    write_image("in/a.png", picture(3))

    done = itrans("translate", deeper, "in", "-o", "out", "--format", "bmp")

    assert done.exit_code == 2
    assert "--format bmp does not hold 3 channels of uint16" in done.stderr
    assert not list(Path("out").rglob("*.*"))


def test_one_picture_that_its_format_cannot_hold_stops_no_other(itrans, trained):
    checkpoint = trained()
    write_image("in/a.png", picture(3, "uint16"))
    write_image("in/b.png", picture(3))

    done = itrans("translate", checkpoint, "in", "-o", "out", "--format", "bmp")

    assert done.exit_code == 2
    assert "1 of 2 pictures translated" in done.output
    assert "out/a.bmp cannot hold its translation, 3 channels of uint16" in done.stderr
    assert [path.name for path in Path("out").iterdir()] == ["b.bmp"]


def test_a_folder_of_what_is_not_read_says_what_there_is(itrans, trained):
    checkpoint = trained()
    Path("in/deep").mkdir(parents=True)
    for name in ("a.heic", "deep/b.HEIC", "c.cr2"):
        Path("in", name).touch()

    done = itrans("translate", checkpoint, "in", "-o", "out")

    assert done.exit_code == 2
    assert "2 .heic, 1 .cr2" in done.stderr


def test_a_picture_that_does_not_fit_into_memory_is_refused_with_its_size(itrans, trained, monkeypatch):
    checkpoint = trained()
    write_image("in/large.png", np.zeros((2100, 2000, 3), np.uint8))
    write_image("in/small.png", picture(3))
    monkeypatch.setattr("itrans.translating.generators.free_memory", lambda: 50_000_000)

    done = itrans("translate", checkpoint, "in", "-o", "out")

    assert done.exit_code == 2
    assert "in/large.png is 2000 x 2100 pixels" in done.stderr
    assert "50 MB are free" in done.stderr
    assert [path.name for path in Path("out").iterdir()] == ["small.png"]


def test_batches_are_as_large_as_memory_allows(itrans, trained, monkeypatch):
    from itrans.translating.translator import Translator

    checkpoint = trained()
    for number in range(5):
        write_image(f"in/{number}.png", np.full((800, 800, 3), number, np.uint8))
    sizes, translate_batch = [], Translator.translate_batch

    def counting(self, images, **options):
        sizes.append((len(images), images[0].shape[0]))
        return translate_batch(self, images, **options)

    monkeypatch.setattr(Translator, "translate_batch", counting)
    monkeypatch.setattr(Translator, "room", lambda *_: (10, 25))

    assert itrans("translate", checkpoint, "in", "-o", "out", "--batch-size", 8).exit_code == 0
    assert sizes == [(2, 800), (2, 800), (1, 800)]
