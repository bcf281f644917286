"""Fetching data sets of several files: MNIST's, but small ones, from a server on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from click.testing import CliRunner
from guests.data.mirror import PICTURE, Recorder, names

from itrans.api import DATASETS, DataError
from itrans_data import fetch_files as fetching
from itrans_data.command import data
from itrans_data.fetch_files import fetch_files
from itrans_datasets.published import FILE_SETS

NAMES = sorted(FILE_SETS["mnist"].files)


@pytest.fixture
def small(server, monkeypatch):
    """Let every file of MNIST be what the server has."""
    server.body = PICTURE
    checksum = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(fetching.FILE_SETS, "mnist", replace(FILE_SETS["mnist"], files=dict.fromkeys(NAMES, checksum)))
    return server


def test_all_files_are_there_and_nothing_else(small, tmp_path):
    done = CliRunner().invoke(data, ["fetch", "mnist", "-o", str(tmp_path), "--url", small.url])
    assert done.exit_code == 0, done.output
    assert names(tmp_path) == [f"mnist/{name}" for name in NAMES]
    assert {path for path, *_ in small.requests} == {f"/pix2pix/datasets/mnist/{name}" for name in NAMES}
    assert "4 files" in done.output
    again = Recorder()
    assert fetch_files("mnist", tmp_path, url=small.url, progress=again) == tmp_path / "mnist"
    assert "already exists" in again.text


def test_an_interrupted_fetch_goes_on_where_it_stopped(small, tmp_path):
    small.drops = [len(PICTURE), 20_001]
    with pytest.raises(KeyboardInterrupt):
        fetch_files("mnist", tmp_path, url=small.url, progress=Stopping())
    assert not (tmp_path / "mnist").exists()
    small.requests.clear()
    fetch_files("mnist", tmp_path, url=small.url)
    assert [(path.rpartition("/")[2], start) for path, start, _ in small.requests] == [
        (NAMES[1], "bytes=20001-"),
        (NAMES[2], None),
        (NAMES[3], None),
    ]
    assert names(tmp_path) == [f"mnist/{name}" for name in NAMES]


class Stopping(Recorder):
    """Is where Ctrl-C arrives, in the second file."""

    def advance(self, stage, done, total):
        super().advance(stage, done, total)
        if len([count for count in self.counts if count[1] == 0]) == 2 and done > 20_000:
            raise KeyboardInterrupt


def test_a_file_that_is_not_the_published_one_is_refused_and_removed(server, tmp_path):
    with pytest.raises(DataError, match=r"(?s)train-images-idx3-ubyte\.gz: its MD5 checksum is .*The file is removed"):
        fetch_files("mnist", tmp_path, url=server.url)
    assert names(tmp_path) == []


def test_a_server_that_has_none_is_told_with_what_to_put_there(server, tmp_path):
    server.statuses = [404]
    with pytest.raises(DataError, match=r"(?s)404.*by hand: .*mnist with the files train-images-idx3-ubyte\.gz"):
        fetch_files("mnist", tmp_path, url=server.url)


def test_what_is_like_a_name_is_offered(tmp_path):
    done = CliRunner().invoke(data, ["fetch", "mnits", "-o", str(tmp_path)])
    assert done.exit_code != 0
    assert '"mnist"' in str(done.exception)


def test_a_recipe_whose_files_are_missing_says_how_to_get_them():
    assert DATASETS.get("idx").how_to_get("datasets/mnist") == "itrans data fetch mnist"
