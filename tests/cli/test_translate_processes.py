"""`torchrun -m itrans translate`: each process translates its share, and the files are those of one process."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from training.ranks import call_in_two


@pytest.fixture
def checkpoint(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1", "--set", "validation.every=0")
    assert done.exit_code == 0, done.output
    return tmp_path / "run"


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures of two sizes."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(7):
        side = 16 if number % 3 else 24
        assert cv2.imwrite(str(folder / f"{number}.png"), random.integers(0, 256, (side, 16, 3), dtype=np.uint8))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_processes_write_the_files_of_one(itrans, checkpoint, pictures, tmp_path):
    options = ["--samples", "2", "--precision", "fp32"]
    assert itrans("translate", checkpoint, pictures, "-o", "one", *options).exit_code == 0
    command = ["translate", str(checkpoint), str(pictures), "-o", str(tmp_path / "two"), *options]
    codes, printed = call_in_two(command, tmp_path)
    assert codes == [0, 0], printed
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert "7 of 7 pictures translated" in printed[0]
    assert "translated" not in printed[1]


def test_what_is_skipped_is_told_once_and_ends_all_alike(checkpoint, pictures, tmp_path):
    for number in (2, 3):  # one of each process
        (pictures / f"{number}.png").write_bytes(b"no picture")
    command = ["translate", str(checkpoint), str(pictures), "-o", str(tmp_path / "two")]
    codes, printed = call_in_two(command, tmp_path)
    assert codes == [2, 2], printed
    assert len(contents(tmp_path / "two")) == 5
    assert "2 inputs were skipped" in printed[0]
    for number in (2, 3):
        assert f"{number}.png" in printed[0]
        assert f"{number}.png" not in printed[1]


def test_what_is_there_already_is_counted_over_all(itrans, checkpoint, pictures, tmp_path):
    assert itrans("translate", checkpoint, pictures, "-o", "two").exit_code == 0
    for number in (0, 1, 5):
        (tmp_path / "two" / f"{number}.png").unlink()
    command = ["translate", str(checkpoint), str(pictures), "-o", str(tmp_path / "two"), "--skip-existing"]
    codes, printed = call_in_two(command, tmp_path)
    assert codes == [0, 0], printed
    assert "4 of 7 inputs have been translated before" in printed[0]
    assert "3 of 3 pictures translated" in printed[0]


def test_one_picture_for_two_processes(checkpoint, pictures, tmp_path):
    shutil.copy(pictures / "1.png", tmp_path / "cat.png")
    command = ["translate", str(checkpoint), str(tmp_path / "cat.png"), "-o", str(tmp_path / "out.png")]
    codes, printed = call_in_two(command, tmp_path)
    assert codes == [0, 0], printed
    assert (tmp_path / "out.png").is_file()
