"""What `itrans translate` takes for an input, and where it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from itrans.api import read_image, write_image
from itrans.errors import DataError, OutputError
from itrans.translating.jobs import find_jobs


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Return the inputs and outputs of jobs, among files that are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("in/a.png", "in/b.jpg", "a[1]/c.png", "a[1]/[x]/d.png", "a1/e.png", "home/f.png", "dir.png/g.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()

    def jobs(*inputs, output="out", **options):
        made = find_jobs(inputs, Path(output), **options)
        return {job.source.as_posix(): [path.as_posix() for path in job.outputs] for job in made}

    return jobs


def test_a_folder_with_brackets_in_its_name_is_meant_where_it_is_there(found):
    assert list(found("a[1]/*.png")) == ["a[1]/c.png"]
    assert list(found("a[1]/[x]/*")) == ["a[1]/[x]/d.png"]
    assert list(found("a[12]/*.png")) == ["a1/e.png"]


def test_the_home_folder_is_known(found, tmp_path):
    assert list(found("~/f.png")) == [f"{tmp_path.as_posix()}/home/f.png"]
    assert list(found("~/*.png")) == [f"{tmp_path.as_posix()}/home/f.png"]


def test_an_empty_input_is_not_the_current_folder(found):
    with pytest.raises(DataError, match="empty"):
        found("")


@pytest.mark.parametrize(
    ("inputs", "output", "options", "written"),
    [
        (["in/a.png"], "new/out.png", {}, [["new/out.png"]]),
        (["in/a.png"], "out.JPG", {}, [["out.JPG"]]),
        (["in/a.png"], "dir.png", {}, [["dir.png/a.png"]]),  # a folder
        (["in"], "dir.png", {}, [["dir.png/a.png"], ["dir.png/b.png"]]),
        (["in/a.png"], "version1.2", {}, [["version1.2/a.png"]]),
    ],
)
def test_one_picture_may_be_given_the_name_of_its_output(found, inputs, output, options, written):
    assert list(found(*inputs, output=output, **options).values()) == written


@pytest.mark.parametrize(
    ("inputs", "output", "options"),
    [
        (["in/a.png"], "out.png", {"samples": 2}),
        (["in/a.png", "in/b.jpg"], "out.png", {}),
        (["in"], "out.png", {}),
        (["in/*.jpg"], "out.TIF", {}),
        (["in/a.png"], "out.gif", {}),  # which is read, and not written
    ],
)
def test_no_folder_is_made_with_the_name_of_a_picture(found, inputs, output, options):
    with pytest.raises(OutputError, match=output):
        found(*inputs, output=output, **options)


def test_a_picture_is_written_where_it_is_asked_for(itrans, recipe, aligned):
    assert itrans("run", recipe, "-o", "run", "--set", "train.steps=1").exit_code == 0
    checkpoint, source = "run/checkpoints/last.pt", aligned / "val/00.png"
    done = itrans("translate", checkpoint, source, "-o", "new/out.png")
    assert done.exit_code == 0, done.output
    assert read_image("new/out.png").shape == (16, 32, 3)
    assert itrans("translate", "none.pt", source, "-o", "newer/out.png").exit_code == 2
    assert not Path("newer").exists()


def test_long_names_and_loops_of_links_do_not_stop_the_others(itrans, recipe, aligned):
    assert itrans("run", recipe, "-o", "run", "--set", "train.steps=1").exit_code == 0
    long = "x" * 251 + ".png"
    for name in ("a.png", long):
        write_image(Path("in", name), read_image(aligned / "val/00.png"))
    Path("in/loop.png").symlink_to("loop.png")
    done = itrans("translate", "run", "in", "-o", "out")
    assert done.exit_code == 2
    assert "2 of 3 pictures translated" in done.stdout
    assert "loop.png" in done.stderr
    assert {path.name for path in Path("out").iterdir()} == {"a.png", long}
    done = itrans("translate", "run", "in", "-o", "several", "--samples", "2")
    assert "1 of 3 pictures translated" in done.stdout
    assert "too long" in done.stderr


@pytest.mark.parametrize(
    ("checkpoint", "picture", "said"),
    [
        ("x.pt", "nowhere.png", "nowhere.png does not exist"),
        ("x.pt", "a.png", "x.pt does not exist"),
        (".", "a.png", "no run has left a checkpoint there"),
    ],
)
def test_what_is_not_there_is_told_before_torch_is_imported(tmp_path, checkpoint, picture, said):
    (tmp_path / "a.png").touch()
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        f"sys.argv = ['itrans', 'translate', {checkpoint!r}, {picture!r}, '-o', 'out', '--tile', '512']\n"
        "from itrans.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("augment", "size", "is_told"), [("resize=16", 32, True), ("resize=16", 20, False), ("", 32, False)]
)
def test_pictures_of_another_scale_than_training_had_are_told(itrans, recipe, tmp_path, augment, size, is_told):
    settings = ["--set", "train.steps=1", *(["--set", f"augment.{augment}"] if augment else [])]
    assert itrans("run", recipe, "-o", "out", *settings).exit_code == 0
    write_image(tmp_path / "large.png", np.zeros((size, size, 3), np.uint8))
    done = itrans("translate", "out", "large.png", "-o", "made")
    assert done.exit_code == 0, done.output
    assert ("large.png is 32x32, and training scaled its pictures to 16x16" in done.stderr) == is_told
