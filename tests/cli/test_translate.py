from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from itrans.api import load, read_image, write_image
from itrans.translating.translator import Translator


@pytest.fixture
def checkpoint(itrans, recipe):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    return Path("run/checkpoints/last.pt").resolve()


def picture(height, width, dtype=np.uint8, channels=3):
    values = np.random.default_rng(height * width).random((height, width, channels), dtype=np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.fixture
def pictures(tmp_path, checkpoint):
    folder = tmp_path / "in"
    for name, image in {
        "a.png": picture(16, 16),
        "b.jpg": picture(16, 16),
        "deep/c.png": picture(33, 21, np.uint16),
        "deep/d.tif": picture(8, 40, np.float32),
        "deep/e.npy": picture(9, 9, np.uint16),
    }.items():
        write_image(folder / name, image)
    return folder


def test_a_folder_keeps_names_places_sizes_and_depths(itrans, checkpoint, pictures):
    done = itrans("translate", checkpoint, pictures, "-o", "out")
    assert done.exit_code == 0, done.output
    assert "5 of 5 pictures translated into out (mode paper, seed 0)" in done.output
    outputs = {path.relative_to("out").as_posix(): read_image(path) for path in Path("out").rglob("*.*")}
    assert {name: (image.shape, image.dtype.name) for name, image in outputs.items()} == {
        "a.png": ((16, 16, 3), "uint8"),
        "b.png": ((16, 16, 3), "uint8"),
        "deep/c.png": ((33, 21, 3), "uint16"),
        "deep/d.tif": ((8, 40, 3), "float32"),
        "deep/e.npy": ((9, 9, 3), "uint16"),
    }


def test_files_and_patterns(itrans, checkpoint, pictures):
    done = itrans("translate", checkpoint, "in/a.png", "in/deep/*.png", "-o", "out")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]


def test_the_output_does_not_depend_on_the_company_and_equals_the_python_api(itrans, checkpoint, pictures):
    for index in range(5):
        write_image(pictures / f"more{index}.png", picture(16, 16 + index % 2))
    for size in (1, 3, "auto"):
        itrans("translate", checkpoint, pictures, "-o", f"out{size}", "--batch-size", size)
    reference = load(checkpoint).translate(read_image(pictures / "a.png"))
    for size in (1, 3, "auto"):
        output = read_image(f"out{size}/a.png").astype(int)
        assert np.abs(output - reference.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("side", "more", "expected"),
    [
        (16, [], [16, 4]),
        (512, [], [4] * 5),
        (16, ["--batch-size", 7], [7, 7, 6]),
        (16, ["--batch-size", "auto"], [16, 4]),
    ],
)
def test_a_batch_has_a_million_pixels_and_not_too_many_pictures(itrans, checkpoint, monkeypatch, side, more, expected):
    for index in range(20):
        write_image(Path(f"some/{index}.png"), picture(side, side))
    sizes = []
    monkeypatch.setattr(Translator, "translate_batch", lambda _, images, **__: sizes.append(len(images)) or [*images])
    assert itrans("translate", checkpoint, "some", "-o", "out", *more).exit_code == 0
    assert sizes == expected


@pytest.mark.parametrize("wrong", ["0", "-1", "many"])
def test_a_batch_of_no_size_is_refused(itrans, checkpoint, pictures, wrong):
    done = itrans("translate", checkpoint, pictures, "-o", "out", "--batch-size", wrong)
    assert done.exit_code == 2
    assert "--batch-size" in done.output


def test_the_same_seed_gives_the_same_file_and_modes_and_seeds_differ(itrans, recipe, pictures):
    # at a depth of 5 the generator has dropout, and its batch norm has seen no more than a step
    itrans("run", recipe, "-o", "deep", "--set", "generator.depth=5", "--set", "train.steps=1")
    contents = {}
    for name, options in {
        "one": [],
        "again": ["--mode", "paper", "--seed", "0"],
        "seed": ["--seed", "1"],
        "running": ["--mode", "running"],
        "running-seed": ["--mode", "running", "--seed", "1"],
    }.items():
        done = itrans("translate", "deep/checkpoints/last.pt", "in/a.png", "-o", name, *options)
        assert done.exit_code == 0, done.output
        contents[name] = Path(name, "a.png").read_bytes()
    assert contents["one"] == contents["again"]
    assert contents["running"] == contents["running-seed"]
    assert len({contents[name] for name in ("one", "seed", "running")}) == 3


def test_inputs_that_cannot_be_used_are_reported_and_skipped(itrans, checkpoint, pictures):
    (pictures / "broken.png").write_bytes((pictures / "a.png").read_bytes()[:60])
    (pictures / "text.jpg").write_text("no picture")
    write_image(pictures / "grey.png", picture(16, 16, channels=1))
    done = itrans("translate", checkpoint, pictures, "-o", "out", "--strict")
    assert done.exit_code == 2
    assert "5 of 8 pictures translated" in done.output
    for name in ("broken.png", "text.jpg", "grey.png"):
        assert done.stderr.count(name) == 1
    assert "1 channel (grey), but this checkpoint's generator takes 3 channels (RGB)" in done.stderr
    assert len(list(Path("out").rglob("*.*"))) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.png", "-o", "out"], "nowhere.png does not exist"),
        (["*.gif", "-o", "out"], "matches no file"),
        (["empty", "-o", "out"], "holds no pictures"),
        (["in", "-o", "in"], "over an input"),
        (["in/a.png", "other/a.png", "-o", "out"], "would both be written to"),
        (["in/a.png", "-o", "in/a.png/below"], "cannot be made"),
        (["in/a.png", "-o", "out", "--direction", "BtoA"], "BtoA"),
        (["in/a.png", "-o", "out", "--device", "cuda:99"], "cuda:99"),
        (["in/a.png", "-o", "out", "--mode", "other"], "running"),
    ],
)
def test_bad_input_gets_a_message_and_exit_code_2(itrans, checkpoint, pictures, tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    write_image(tmp_path / "other/a.png", picture(8, 8))
    before = {path: path.read_bytes() for path in pictures.rglob("*.*")}
    done = itrans("translate", checkpoint, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert {path: path.read_bytes() for path in pictures.rglob("*.*")} == before
    assert not list(tmp_path.glob("out/*"))


LABELS_RECIPE = """
[dataset]
name = "labels"
root = "streets"
classes = 3
ignored = 255
[generator]
name = "unet"
depth = 2
filters = 4
[[loss]]
name = "l1"
[train]
steps = 1
[validation]
every = 0
"""


def test_what_is_no_label_map_is_told_what_one_is(itrans, tmp_path):
    write_image("streets/train/labels/a.png", np.arange(64, dtype=np.uint8).reshape(8, 8, 1) % 3)
    write_image("streets/train/photos/a.png", picture(8, 8))
    Path("labels.toml").write_text(LABELS_RECIPE)
    assert itrans("run", "labels.toml", "-o", "run").exit_code == 0
    write_image("in/good.png", np.full((8, 8, 1), 2, np.uint8))
    write_image("in/wrong.png", np.full((8, 8, 1), 3, np.uint8))
    write_image("in/photo.png", picture(8, 8))
    write_image("in/floats.tif", picture(8, 8, np.float32, channels=1))
    done = itrans("translate", "run/checkpoints/last.pt", "in", "-o", "out")
    assert done.exit_code == 2
    assert "1 of 4 pictures translated" in done.output
    said = {line.split(":")[0].strip(): line for line in done.stderr.splitlines()[1:]}
    wanted = "takes label maps: one channel of integers, which are class indices from 0 to 2, or 255 for no class."
    assert "3 channels (RGB) of uint8" in said["in/photo.png"]
    assert "1 channel (grey) of float32" in said["in/floats.tif"]
    assert wanted in said["in/photo.png"]
    assert wanted in said["in/floats.tif"]
    assert "The label map has the value 3" in said["in/wrong.png"]
    assert "Convert" not in done.stderr


def test_a_checkpoint_that_is_none_is_named(itrans, pictures):
    done = itrans("translate", "in/a.png", "in/a.png", "-o", "out")
    assert done.exit_code == 2
    assert "in/a.png is not a checkpoint of itrans" in done.stderr


class TestPython:
    def test_any_size_and_kind_of_array(self, checkpoint):
        translator = load(checkpoint)
        for height, width in ((1, 1), (3, 50), (16, 16), (31, 17)):
            for dtype in (np.uint8, np.uint16, np.float32):
                output = translator.translate(picture(height, width, dtype))
                assert (output.shape, output.dtype) == ((height, width, 3), dtype)

    def test_a_wrong_array_is_refused(self, checkpoint):
        from itrans.api import DataError

        translator = load(checkpoint)
        with pytest.raises(DataError, match="4 channels"):
            translator.translate(picture(8, 8, channels=4))
        with pytest.raises(DataError, match="shape"):
            translator.translate(np.zeros((8, 8), np.uint8))
        with pytest.raises(DataError, match="int64"):
            translator.translate(np.zeros((8, 8, 3), np.int64))

    def test_sixteen_bits_are_not_rounded_to_eight(self, checkpoint):
        output = load(checkpoint).translate(picture(16, 16, np.uint16))
        assert len(np.unique(output)) > 256

    def test_a_trained_generator_translates_what_it_was_trained_for(self, itrans, recipe, aligned):
        # long enough for the inversion of colours to be learnt roughly
        options = ["--set", "train.epochs=60", "--set", "optimizer.lr=2e-3", "--set", "validation.every=0"]
        itrans("run", recipe, "-o", "long", *options)
        translator = load("long/checkpoints/last.pt", mode="running")
        image = cv2.imread(str(aligned / "train" / "00.png"))[:, :, ::-1]
        source, target = image[:, :16], image[:, 16:].astype(int)
        error = np.abs(translator.translate(np.ascontiguousarray(source)).astype(int) - target).mean()
        assert error < 0.5 * np.abs(source.astype(int) - target).mean()
