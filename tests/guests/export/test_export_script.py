"""`translate.py` beside an ONNX file: a colleague without itrans gets what `itrans translate` writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from guests.export.made_checkpoints import RGB, made_checkpoint, picture

from itrans.api import ImageSpec, read_image, write_image

GREY, LABELS = ImageSpec(channels=1), ImageSpec(channels=1, kind="labels", labels=5, ignored=255)
LIGHTNESS, AB = ImageSpec(channels=1, kind="lightness"), ImageSpec(channels=2, kind="ab")


def write_rgb(folder):
    write_image(folder / "odd.png", picture(19, 23))
    write_image(folder / "narrow.png", picture(3, 1))
    write_image(folder / "grey.png", picture(16, 16, 1))
    write_image(folder / "deep.png", picture(12, 20, 3, np.uint16))
    write_image(folder / "clear.png", picture(12, 20, 4))
    cv2.imwrite(str(folder / "photo.jpg"), picture(20, 18))


def write_labels(folder):
    maps = picture(19, 23, 1, below=5)
    maps[:4] = 255
    write_image(folder / "map.png", maps)


def write_small(folder):
    write_image(folder / "grey.png", picture(17, 16, 1))
    write_image(folder / "colour.png", picture(17, 16))


CASES = {
    "colours": (RGB, RGB, write_rgb),
    "grey": (GREY, ImageSpec(channels=1, dtype="uint16"), write_small),
    "label maps": (LABELS, RGB, write_labels),
    "to label maps": (RGB, LABELS, write_small),
    "colouring": (LIGHTNESS, AB, write_small),
    "transparent": (
        ImageSpec(channels=4),
        ImageSpec(channels=4),
        lambda to: write_image(to / "a.png", picture(9, 16, 4)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_writes_what_itrans_translate_writes(itrans, tmp_path, case):
    source, target, write = CASES[case]
    made_checkpoint("G.pt", source=source, target=target, sample="drawn pictures")
    write(tmp_path / "in")
    done = itrans("export", "G.pt", "-o", "out", "--mode", "running", "--pictures", "in")
    assert done.exit_code == 0, done.output
    assert "drawn pictures" in done.stderr
    script = (tmp_path / "out" / "translate.py").read_text(encoding="utf-8")
    assert len(script.splitlines()) <= 60
    assert max(map(len, script.splitlines())) <= 120
    assert "itrans" not in "".join(line for line in script.splitlines() if "import" in line)
    inputs = [str(path) for path in sorted((tmp_path / "in").iterdir())]
    run = subprocess.run(
        [sys.executable, "out/translate.py", *inputs, "-o", "theirs"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "sample data" in run.stdout
    assert itrans("translate", "G.pt", "in", "-o", "ours", "--mode", "running", "--precision", "fp32").exit_code == 0
    assert itrans("translate", "out/model.onnx", "in", "-o", "also").exit_code == 0
    for path in Path("ours").iterdir():
        ours = read_image(path)
        for folder in ("theirs", "also"):
            other = read_image(Path(folder, path.name))
            assert (other.shape, other.dtype) == (ours.shape, ours.dtype), (folder, path.name)
            assert np.abs(other.astype(int) - ours.astype(int)).max() <= np.iinfo(ours.dtype).max / 255, (folder, path)


def test_it_says_what_it_does_not_take(itrans, tmp_path):
    made_checkpoint("G.pt", source=LABELS)
    assert itrans("export", "G.pt", "-o", "out").exit_code == 0
    write_image("colour.png", picture(16, 16))
    write_image("high.png", np.full((16, 16, 1), 7, np.uint8))
    for name in ("colour.png", "high.png", "missing.png"):
        run = subprocess.run(
            [sys.executable, "out/translate.py", name, "-o", "made"], capture_output=True, text=True, check=False
        )
        assert run.returncode == 1
        assert name in run.stderr.splitlines()[-1]


def test_noise_has_a_seed(itrans):
    made_checkpoint("G.pt", "noise_mlp", augment={"size": 8})
    assert itrans("export", "G.pt", "-o", "out").exit_code == 0
    assert len(Path("out/translate.py").read_text(encoding="utf-8").splitlines()) <= 60
    write_image("a.png", picture(8, 8))
    made = {}
    for seed in ("1", "1", "2"):
        command = [sys.executable, "out/translate.py", "a.png", "-o", "made", "--seed", seed]
        subprocess.run(command, check=True)
        before, made[seed] = made.get(seed), read_image("made/a.png")
        assert before is None or np.array_equal(before, made[seed])
    assert not np.array_equal(made["1"], made["2"])


def test_pictures_that_opencv_does_not_write_have_no_script(itrans):
    made_checkpoint("G.pt", source=ImageSpec(channels=5))
    done = itrans("export", "G.pt", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "no translate.py" in done.stdout
    assert [path.name for path in Path("out").iterdir()] == ["model.onnx"]
