"""New pictures get what the data set did to those in training: lines, holes, classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plugins.datasets.streets import SHORT

from itrans.api import DATASETS, load, read_image, write_image
from itrans_datasets.edges import line_drawing

PREPARING = """
from itrans.api import DATASETS, ImageSpec, Pair, Preparation
import numpy as np

@DATASETS.register("thirds", replace=True)
class Thirds:
    source = target = ImageSpec(1)

    def __init__(self, *, divisor: int = 3, split: str) -> None:
        pass

    @staticmethod
    def preparation(*, divisor: int = 3):
        def source(image, mask):
            assert mask is None
            if image.max() == 0:
                raise KeyError("black")
            return image[:, :, :1] // divisor

        return Preparation(f"pictures are divided by {divisor}", source, lambda made, *rest: made * 0 + divisor)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        picture = np.full((16, 16, 1), index, np.uint8)
        return Pair(picture, picture, str(index))
"""


def photo(seed=0, height=24, width=40):
    image = np.full((height, width, 3), 220, np.uint8)
    image[6:18, 8:28] = np.random.default_rng(seed).integers(0, 120, 3)
    return image


@pytest.fixture
def train(itrans, tmp_path):
    for index in range(4):
        write_image(tmp_path / f"photos/train/{index}.png", photo(index))

    def trained(dataset, *options):
        Path("made.toml").write_text(f"[dataset]\n{dataset}\n{SHORT}batch_size = 1\n")
        done = itrans("run", "made.toml", "-o", "run", *options)
        assert done.exit_code == 0, done.output
        return Path("run/checkpoints/last.pt")

    return trained


@pytest.mark.parametrize("method", ["canny", "xdog"])
def test_lines_are_drawn_as_the_data_set_draws_them(itrans, train, method):
    checkpoint = train(f'name = "edges"\nroot = "photos"\nsize = 16\nmethod = "{method}"')
    write_image("new.jpg", photo(9))
    done = itrans("translate", checkpoint, "new.jpg", "-o", "out", "--prepare")
    assert done.exit_code == 0, done.output
    drawing = line_drawing(read_image("new.jpg"), size=16, method=method)
    assert np.array_equal(read_image("out/new.png"), load(checkpoint).translate(drawing))


def test_without_the_option_it_is_named_and_a_photo_is_not_sent_to_be_grey(itrans, train):
    checkpoint = train('name = "edges"\nroot = "photos"')
    write_image("photo.png", photo(9))
    write_image("drawing.png", line_drawing(photo(9)))
    done = itrans("translate", checkpoint, "photo.png", "drawing.png", "-o", "out")
    assert "1 of 2 pictures" in done.stdout
    assert done.stderr.count("Pictures are taken as they are. With --prepare,") == 1
    assert "the lines of pictures are drawn" in done.stderr.partition("skipped")[2]
    assert "Convert" not in done.stderr


@pytest.mark.parametrize("mask_channel", ["false", "true"])
@pytest.mark.parametrize("beside", [True, False])
def test_holes_come_from_masks_and_what_is_known_is_kept(itrans, train, mask_channel, beside):
    checkpoint = train(f'name = "inpainting"\nroot = "photos"\nmask_channel = {mask_channel}')
    mask = np.zeros((24, 40, 1), np.uint8)
    mask[4:12, 6:20] = 255
    write_image("in/new.png", photo(9))
    write_image("in/new-mask.png" if beside else "hole.png", mask)
    options = [] if beside else ["--mask", "hole.png"]
    done = itrans("translate", checkpoint, "in", "-o", "out", "--prepare", *options)
    assert done.exit_code == 0, done.output
    assert [path.name for path in Path("out").iterdir()] == ["new.png"]
    output, hole = read_image("out/new.png"), mask[:, :, 0] > 0
    assert np.array_equal(output[~hole], photo(9)[~hole])
    source = photo(9)
    source[hole] = 127
    if mask_channel == "true":
        source = np.concatenate([source, mask], axis=2)
    assert np.array_equal(output[hole], load(checkpoint).translate(source)[hole])


def test_masks_that_are_missing_or_do_not_fit(itrans, train):
    checkpoint = train('name = "inpainting"\nroot = "photos"')
    write_image("in/a.png", photo(1))
    write_image("in/b.png", photo(2))
    write_image("in/b-mask.png", np.zeros((8, 8, 1), np.uint8))
    done = itrans("translate", checkpoint, "in", "-o", "out", "--prepare")
    assert done.exit_code == 2
    assert "a.png has no mask beside it: a-mask.png" in done.stderr
    assert "b.png is 40x24, and its mask in/b-mask.png 8x8" in done.stderr.replace("\\", "/")
    done = itrans("translate", checkpoint, "in/a.png", "-o", "out", "--mask", "in/b-mask.png")
    assert done.exit_code == 2
    assert "--mask" in done.stderr


@pytest.mark.parametrize(
    ("stored", "options"),
    [("values", "values = [0, 255]"), ("colours", "palette = [[0, 0, 0], [255, 0, 0]]"), ("grey", "values = [255, 0]")],
)
def test_classes_are_found_as_the_data_set_finds_them(itrans, train, stored, options):
    classes = np.random.default_rng(0).integers(0, 2, (24, 40, 1)).astype(np.uint8)
    maps = {
        "values": classes * 255,
        "colours": np.array([[0, 0, 0], [255, 0, 0]], np.uint8)[classes[:, :, 0]],
        "grey": 255 - classes * 255,
    }
    write_image("photos/train/photos/a.png", photo())
    write_image("photos/train/labels/a.png", maps[stored])
    checkpoint = train(f'name = "labels"\nroot = "photos"\nclasses = 2\n{options}')
    write_image("new.png", maps[stored])
    done = itrans("translate", checkpoint, "new.png", "-o", "out", "--prepare")
    assert done.exit_code == 0, done.output
    assert np.array_equal(read_image("out/new.png"), load(checkpoint).translate(classes))
    done = itrans("translate", checkpoint, "new.png", "-o", "out")
    assert done.exit_code == 2
    assert "--prepare" in done.stderr.partition("skipped")[2]


def test_index_maps_need_no_preparation(itrans, train):
    write_image("photos/train/photos/a.png", photo())
    write_image("photos/train/labels/a.png", np.zeros((24, 40, 1), np.uint8))
    checkpoint = train('name = "labels"\nroot = "photos"\nclasses = 2')
    done = itrans("translate", checkpoint, "photos/train/labels", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "--prepare" not in done.output
    done = itrans("translate", checkpoint, "photos/train/labels", "-o", "out", "--prepare")
    assert done.exit_code == 2
    assert "--prepare has nothing to do" in done.stderr


def test_a_data_set_of_ones_own_prepares(itrans, train):
    Path("parts.py").write_text(PREPARING)
    checkpoint = train('name = "thirds"\ndivisor = 5', "--code", "parts.py")
    write_image("in/a.png", photo())
    write_image("in/b.png", photo() * 0)
    done = itrans("translate", checkpoint, "in", "-o", "out", "--prepare", "--code", "parts.py")
    DATASETS.unregister("thirds")
    assert done.exit_code == 2
    assert "b.png: it cannot be prepared: KeyError: 'black'" in done.stderr
    assert np.unique(read_image("out/a.png")).tolist() == [5]


def test_pictures_that_have_both_sides_are_noticed(itrans, recipe):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    write_image("in/wide.png", photo(0, 24, 48))
    write_image("in/good.png", photo(0, 24, 24))
    done = itrans("translate", "run/checkpoints/last.pt", "in", "-o", "out")
    assert done.exit_code == 0
    assert "in/wide.png: twice as wide as high" in done.stderr
    Path("in/wide.png").unlink()
    assert "twice" not in itrans("translate", "run/checkpoints/last.pt", "in", "-o", "out").output


def test_a_mask_is_what_it_looks_like_on_black(itrans, train):
    checkpoint = train('name = "inpainting"\nroot = "photos"')
    mask = np.full((24, 40, 4), 255, np.uint8)
    mask[:, 20:, 3] = 0
    for name, image in {"a": mask, "b": mask[:, :, 3:] // 255, "c": np.zeros((24, 40, 1), np.uint8)}.items():
        write_image(f"in/{name}.png", photo(3))
        write_image(f"in/{name}-mask.png", image)
    done = itrans("translate", checkpoint, "in", "-o", "out", "--prepare")
    assert done.exit_code == 2
    assert "2 of 3 pictures" in done.stdout  # nothing of c is missing
    assert "b-mask.png has no white" in done.stderr
    assert np.array_equal(read_image("out/a.png")[:, 20:], photo(3)[:, 20:])
    assert not np.array_equal(read_image("out/a.png")[:, :20], photo(3)[:, :20])
    assert np.array_equal(read_image("out/c.png"), photo(3))
