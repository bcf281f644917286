"""`--code`: parts in a file of the user's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from itrans.api import DATASETS

DATA = """\
import numpy as np
from itrans.api import DATASETS, ImageSpec, Pair


@DATASETS.register("noise")
class Noise:
    source = target = ImageSpec(3)
    attribution = ""

    def __init__(self, *, split):
        self.split = split

    def __len__(self):
        return 4

    def __getitem__(self, index):
        picture = np.full((16, 16, 3), 60 * index, np.uint8)
        return Pair(picture, picture, str(index))
"""

# What multiprocessing does by itself on Windows and macOS; what Linux does from Python 3.14 on brings no more along.
STARTED_ANEW = """\
import sys
import torch.multiprocessing

torch.multiprocessing.set_start_method("spawn")
from itrans.cli import main

main()
"""


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "my data.v2.py"
    path.write_text(DATA)
    return path


def test_workers_that_are_started_anew_know_the_data_set_of_a_file(tmp_path, recipe, code):
    settings = ["dataset={name='noise'}", "train.workers=1", "train.epochs=1", "validation.every=0"]
    options = [part for setting in settings for part in ("--set", setting)]
    command = [
        sys.executable,
        "-c",
        STARTED_ANEW,
        "run",
        str(recipe),
        "-o",
        "out",
        "--code",
        str(code),
        *options,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/checkpoints/last.pt").is_file()


def test_files_of_one_name_in_two_folders_are_two_modules(itrans, recipe, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        text = DATA.replace('"noise"', f'"noise_{name}"')
        (tmp_path / name / "data.py").write_text(text)
    files = ["--code", "one/data.py", "--code", "two/data.py"]
    done = itrans("run", recipe, *files, "--set", "dataset={name='noise_one'}", "--check")
    assert done.exit_code == 0, done.output
    module = sys.modules[DATASETS.get("noise_one").__module__]
    assert module.Noise is DATASETS.get("noise_one")  # as pickle looks for it


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.py", None, "no such file"),
        ("data.txt", DATA, "not a Python file"),
        ("fails.py", "1 / 0", "ZeroDivisionError"),
        ("ends.py", "raise SystemExit(0)", "SystemExit"),
        ("syntax.py", "def", "SyntaxError"),
        ("nul.py", "a = '\0'", "fails"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(itrans, recipe, tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    done = itrans("run", recipe, "--check", "--code", name)
    assert (done.exit_code, type(done.exception)) == (2, SystemExit)
    assert name in done.stderr
    assert said in done.stderr
