"""`itrans data prepare`: duplicates, shards, and what is left when something goes wrong."""

from __future__ import annotations

import csv
import os
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from guests.data.folders import files, picture

from itrans.api import DATASETS, write_image

# Duplicates


@pytest.fixture
def alike(photos: Path) -> Path:
    """Three pictures of `photos` again: smaller, as JPEG, and in other splits."""
    cv2.imwrite(str(photos / "v0/f00-again.jpg"), cv2.cvtColor(picture(0), cv2.COLOR_RGB2BGR))
    write_image(photos / "zz/small.png", cv2.resize(picture(4), (16, 12), interpolation=cv2.INTER_AREA))
    write_image(photos / "zz/red.png", np.full((24, 32, 3), (200, 0, 0), np.uint8))
    write_image(photos / "zz/blue.png", np.full((24, 32, 3), (0, 0, 200), np.uint8))
    return photos


def test_duplicates_and_leaks_are_dropped_and_listed(alike, tmp_path, itrans):
    for split, names in (("train", ["v0", "v1"]), ("test", ["v2", "zz"])):
        for name in names:
            (alike / split).mkdir(exist_ok=True)
            (alike / name).rename(alike / split / name)
    done = itrans("data", "prepare", "photos", "-o", "out", "--drop-duplicates")
    assert done.exit_code == 0, done.output
    with (tmp_path / "out/dropped.csv").open(newline="") as file:
        rows = {tuple(row[:4]) for row in list(csv.reader(file))[1:]}
    assert rows == {("train", "v0/f00-again", "v0/f00", "train"), ("train", "v1/f04", "zz/small", "test")}
    assert "2 dropped" in done.output
    assert "1 of them across splits" in done.output
    there = set(files(tmp_path / "out"))
    assert {"test/zz/red.png", "test/zz/blue.png", "test/zz/small.png"} <= there
    assert not {"train/v0/f00-again.jpg", "train/v1/f04.png"} & there


def test_without_the_library_the_message_says_what_to_install(photos, itrans, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = itrans("data", "prepare", "photos", "-o", "out", "--drop-duplicates")
    assert done.exit_code == 2
    assert "pip install 'itrans[data]'" in done.stderr


# Shards


def test_shards_are_tars_that_anybody_reads(sides, tmp_path, itrans):
    done = itrans("data", "prepare", "a", "b", "-o", "sh", "--shards", 3, "--split", "train=0.9,val=0.1")
    assert done.exit_code == 0, done.output
    assert 'name = "shards"' in done.output
    read = {}
    for path in sorted((tmp_path / "sh").glob("*.tar")):
        with tarfile.open(path) as tar:
            names = tar.getnames()
            assert len(names) <= 6
            assert names == sorted(names)
            read |= {name: tar.extractfile(name).read() for name in names}
    assert read["3.target.png"] == (tmp_path / "b/3.png").read_bytes()
    assert len(read) == 16
    shards = DATASETS.build({"name": "shards", "root": str(tmp_path / "sh")}, split="train")
    pair = shards[0]
    assert np.array_equal(pair.source, picture(int(pair.key.rpartition("/")[2])))
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "sh").glob("*.index")}
    assert times
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


@pytest.mark.parametrize("options", [[], ["--shards", 2], ["--join", "--shorter", 10]])
def test_the_same_pictures_give_the_same_bytes(sides, tmp_path, itrans, options):
    options = [*options, "--split", "train=0.5,val=0.5"]
    assert itrans("data", "prepare", "a", "b", "-o", "one", *options).exit_code == 0
    for folder in sides:
        names = sorted(path.name for path in folder.iterdir())
        folder.rename(folder.with_name("old"))
        folder.mkdir()
        for name in reversed(names):
            (folder.with_name("old") / name).rename(folder / name)
            os.utime(folder / name, (0, 0))
        folder.with_name("old").rmdir()
    assert itrans("data", "prepare", "a", "b", "-o", "two", *options).exit_code == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_checking_shards_finds_nothing_left_out(sides, tmp_path, itrans, recipe):
    done = itrans("data", "prepare", "a", "b", "-o", "sh", "--shards", 3)
    assert done.exit_code == 0, done.output
    assert "nothing falls into val and test" in done.output
    text = recipe.read_text().replace('"aligned"', '"shards"').replace((tmp_path / "aligned").as_posix(), "sh")
    (tmp_path / "shards.toml").write_text(text)
    done = itrans("data", "check", "shards.toml")
    assert done.exit_code == 0, done.output
    assert "8 pairs read, 0 of them wrong" in done.output
    assert "Note" not in done.output


def test_a_data_set_in_folders_becomes_shards_split_by_split(sides, tmp_path, itrans):
    assert itrans("data", "prepare", "a", "b", "-o", "two", "--split", "train=0.5,val=0.5").exit_code == 0
    done = itrans("data", "prepare", "two/{split}/source", "two/{split}/target", "-o", "sh", "--shards", 100)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "sh").glob("*.tar")) == ["train-000000.tar", "val-000000.tar"]


# What goes wrong


def test_bad_pictures_are_named_and_the_others_written(photos, tmp_path, itrans):
    (photos / "v0/f01.png").write_bytes(b"nothing")
    done = itrans("data", "prepare", "photos", "-o", "out", "--shorter", 8)
    assert done.exit_code == 2
    assert "v0/f01.png" in done.stderr
    assert len(files(tmp_path / "out")) == 11


def test_what_is_there_is_never_changed(photos, tmp_path, itrans):
    (tmp_path / "out").mkdir()
    assert itrans("data", "prepare", "photos", "-o", "out").exit_code == 0
    before = files(tmp_path / "out")
    done = itrans("data", "prepare", "photos", "-o", "out", "--shorter", 8)
    assert (done.exit_code, "out already exists" in done.stderr) == (2, True)
    assert files(tmp_path / "out") == before
    done = itrans("data", "prepare", "photos", "-o", "photos/out")
    assert (done.exit_code, "photos/out" in done.stderr) == (2, True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("options", [[], ["--shards", 2]])
def test_nothing_half_written_is_left(sides, tmp_path, itrans, monkeypatch, error, options):
    from itrans_data.steps import Picture

    whole, calls = Picture.encoded, []

    def encoded(*arguments):
        calls.append(arguments)
        if len(calls) > 6:
            raise error
        return whole(*arguments)

    monkeypatch.setattr(Picture, "encoded", encoded)
    done = itrans("data", "prepare", "a", "b", "-o", "new/out", *options)
    assert done.exit_code == (130 if error is KeyboardInterrupt else 2), done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is not there"),
        (["a", "b", "a"], "3 folders"),
        (["a", "./a"], "one folder"),
        (["a", "b", "--halve"], "--halve"),
        (["a", "--join"], "--join"),
        (["a", "--shards", "5"], "--shards"),
        (["a", "--labels", "source"], "--labels all"),
        (["a", "--edges", "canny", "--halve"], "--edges"),
        (["a", "--split", "train=0.5,vla=0.5"], '"val"'),
        (["a", "--split", "train=0.5,val=0.4"], "0.9"),
        (["a", "--split", "train=all"], '"all"'),
        (["a", "--split", "train=1", "--group", "("], "--group"),
        (["a", "--split", "train=1", "--group", "x"], '"0"'),
        (["a", "--split", "train=0.5,val=0.5", "--group", "folder"], "one group"),
        (["a", "--group", "folder"], "--split"),
        (["a", "--overlap", "3"], "--tile"),
        (["a", "--tile", "3", "--overlap", "3"], "--overlap"),
        (["a", "--shorter", "3", "--longer", "3"], "--shorter"),
        (["a", "--resize", "0x3"], "--resize"),
        (["a", "--alike", "3"], "--drop-duplicates"),
        (["a/{split}", "b"], "{split}"),
        (["c/{split}"], "c/{split}"),
        (["empty"], "no pictures"),
    ],
)
def test_options_that_do_not_fit(sides, tmp_path, itrans, arguments, message):
    (tmp_path / "empty").mkdir()
    done = itrans("data", "prepare", *arguments, "-o", "out")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
