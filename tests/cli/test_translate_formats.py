"""Outputs in formats that do not hold them, and outputs that are there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from itrans.api import read_image, write_image


def picture(channels=3, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (16, 16, channels)).astype(dtype)


@pytest.fixture
def train(itrans, recipe, tmp_path):
    """Train one step on pairs of some kind of source and target."""

    def trained(source, target):
        for side, image in (("source", source), ("target", target)):
            write_image(tmp_path / "pairs/train" / side / "0.png", image)
        text = recipe.read_text().replace('"aligned"', '"paired"')
        recipe.write_text(
            text.partition("root =")[0] + 'root = "pairs"\n\n[generator]' + text.partition("[generator]")[2]
        )
        done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1", "--set", "train.batch_size=1")
        assert done.exit_code == 0, done.output
        return "run/checkpoints/last.pt"

    return trained


@pytest.mark.parametrize("target", [picture(4), picture(3, np.uint16)], ids=["alpha", "16 bits"])
def test_a_bmp_becomes_a_png_where_it_cannot_hold_the_output(itrans, train, target):
    checkpoint = train(picture(), target)
    write_image("in/a.bmp", picture())
    write_image("in/b.png", picture())
    done = itrans("translate", checkpoint, "in", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "Outputs are .png: .bmp cannot hold" in done.stderr
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "b.png"]
    output = read_image("out/a.png")
    assert (output.shape[2], output.dtype) == (target.shape[2], target.dtype)


def test_a_bmp_stays_one_where_it_holds_the_output(itrans, train):
    checkpoint = train(picture(dtype=np.uint16), picture(dtype=np.uint16))
    write_image("in/a.bmp", picture())
    done = itrans("translate", checkpoint, "in", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "does not hold" not in done.output
    assert read_image("out/a.bmp").dtype == np.uint8


def test_a_picture_that_the_chosen_format_does_not_hold_is_skipped_alone(itrans, train):
    checkpoint = train(picture(), picture())
    for name, image in (("a.png", picture()), ("b.png", picture(dtype=np.uint16)), ("c.png", picture(seed=1))):
        write_image(Path("in", name), image)
    done = itrans("translate", checkpoint, "in", "-o", "out", "--format", "bmp", "--samples", "2")
    assert done.exit_code == 2
    assert "2 of 3 pictures translated" in done.stdout
    assert "in/b.png" in done.stderr
    assert done.stderr.count("cannot hold its translation, 3 channels of uint16") == 1
    assert len(list(Path("out").iterdir())) == 4


def test_what_has_been_translated_is_left_alone(itrans, train):
    checkpoint = train(picture(), picture())
    for name in ("a.png", "b.png"):
        write_image(Path("in", name), picture())
    assert itrans("translate", checkpoint, "in/a.png", "-o", "out").exit_code == 0
    Path("out/a.png").write_bytes(b"mine")
    done = itrans("translate", checkpoint, "in", "-o", "out", "--skip-existing")
    assert done.exit_code == 0, done.output
    assert "1 of 2 inputs have been translated before" in done.stdout
    assert Path("out/a.png").read_bytes() == b"mine"
    assert read_image("out/b.png").shape == (16, 16, 3)
    done = itrans("translate", checkpoint, "in", "-o", "out", "--skip-existing")
    assert "0 of 0 pictures translated" in done.stdout


def test_a_picture_of_which_a_sample_is_missing_is_translated_again(itrans, train):
    checkpoint = train(picture(), picture())
    write_image("in/a.png", picture())
    itrans("translate", checkpoint, "in", "-o", "out", "--samples", "2")
    Path("out/a-2.png").unlink()
    done = itrans("translate", checkpoint, "in", "-o", "out", "--samples", "2", "--skip-existing")
    assert "0 of 1 input" in done.stdout
    assert Path("out/a-2.png").is_file()


def test_a_folder_of_unknown_formats_is_told_what_is_there(itrans, train):
    checkpoint = train(picture(), picture())
    Path("photos").mkdir()
    for name in ("a.heic", "b.heic"):
        Path("photos", name).touch()
    done = itrans("translate", checkpoint, "photos", "-o", "out")
    write_image("photos/c.png", picture())
    with_one = itrans("translate", checkpoint, "photos", "-o", "out")
    assert with_one.exit_code == 0
    assert "2 .heic" in with_one.stderr
    shutil.rmtree("photos")
    assert done.exit_code == 2
    assert "photos holds no pictures" in done.stderr
    assert "2 .heic" in done.stderr


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_is_never_written_under_another_name_than_is_asked_for(itrans, train, dtype):
    checkpoint = train(picture(dtype=dtype), picture(dtype=np.uint16))
    write_image("in.png", picture(dtype=dtype))
    done = itrans("translate", checkpoint, "in.png", "-o", "new/out.bmp")
    assert done.exit_code == 2
    assert "new/out.bmp" in done.stderr.replace("\\", "/")
    assert "3 channels of uint16" in done.stderr
    assert not Path("new").exists()
