"""Fetching: what is there afterwards, and what is said where it fails."""

from __future__ import annotations

import shutil
import socket
from types import SimpleNamespace

import pytest
from guests.data.mirror import FILES, PICTURE, Recorder, names

from itrans.errors import DataError, OutputError
from itrans_data import archives
from itrans_data import fetch as fetching
from itrans_data.fetch import fetch


def test_the_data_set_is_whole_and_nothing_else_is_left(server, tmp_path):
    progress = Recorder()
    folder = fetch("facades", tmp_path / "datasets", url=server.url + "/", progress=progress)
    assert folder == tmp_path / "datasets" / "facades"
    assert names(tmp_path / "datasets") == sorted(FILES)
    assert (folder / "train/1.jpg").read_bytes() == PICTURE
    assert server.requests == [("/pix2pix/datasets/facades.tar.gz", None, None)]
    size = len(server.body)
    assert archives.size_text(size) in progress.lines[0]
    assert progress.counts[0] == ("downloading", 0, size)
    assert ("downloading", size, size) in progress.counts
    assert progress.counts[-1] == ("unpacking", size, size)
    assert "2 train, 1 val pictures" in progress.lines[-1]


def test_the_mirror_may_come_from_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("ITRANS_DATASETS_URL", server.url)
    assert (fetch("facades", tmp_path) / "val/1.jpg").is_file()


def test_the_archive_may_be_kept(server, tmp_path):
    fetch("facades", tmp_path, url=server.url, keep=True)
    assert names(tmp_path) == sorted([*FILES, "facades.tar.gz"])
    assert (tmp_path / "facades.tar.gz").read_bytes() == server.body


def test_what_is_there_already_is_left_alone(server, tmp_path):
    (tmp_path / "facades").mkdir()
    (tmp_path / "facades/mine.txt").write_text("mine")
    progress = Recorder()
    assert fetch("facades", tmp_path, url=server.url, progress=progress) == tmp_path / "facades"
    assert "already exists" in progress.text
    assert names(tmp_path) == ["facades/mine.txt"]
    assert not server.requests


def test_an_empty_folder_is_filled_and_a_link_is_followed(server, tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "facades").symlink_to(tmp_path / "big")
    fetch("facades", tmp_path, url=server.url)
    assert (tmp_path / "facades").is_symlink()
    assert (tmp_path / "big/train/1.jpg").read_bytes() == PICTURE


def test_a_file_in_the_way_is_an_error(server, tmp_path):
    (tmp_path / "facades").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        fetch("facades", tmp_path, url=server.url)
    with pytest.raises(OutputError, match=r"cannot be (written|made)"):
        fetch("maps", tmp_path / "facades", url=server.url)
    assert (tmp_path / "facades").read_text() == "mine"


def test_a_server_that_promises_too_much_is_a_truncated_download(server, tmp_path):
    server.length_error, server.ranges = 100, False
    with pytest.raises(DataError, match="the connection ended after"):
        fetch("facades", tmp_path, url=server.url)
    assert not (tmp_path / "facades").exists()


def test_a_server_that_promises_too_little_is_a_truncated_archive(server, tmp_path):
    server.length_error = -100
    with pytest.raises(DataError, match="truncated or corrupt"):
        fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == []


def test_a_server_that_tells_no_size(server, tmp_path):
    server.tells_length = False
    progress = Recorder()
    fetch("facades", tmp_path, url=server.url, progress=progress)
    assert "unknown size" in progress.lines[0]
    assert progress.counts[0] == ("downloading", 0, None)
    assert names(tmp_path) == sorted(FILES)


def test_a_missing_file_is_said_at_once(server, tmp_path):
    server.statuses = [404]
    with pytest.raises(DataError, match=r"facades\.tar\.gz: the server answers 404 Not Found\.\n.*by hand"):
        fetch("facades", tmp_path, url=server.url)
    assert len(server.requests) == 1
    assert names(tmp_path) == []


def test_an_overloaded_server_is_asked_again(server, tmp_path):
    server.statuses = [503, 502]
    fetch("facades", tmp_path, url=server.url)
    assert len(server.requests) == 3


def test_an_unreachable_host_is_said_at_once(server, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening: nobody can connect to it
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DataError, match=rf"{url}/facades\.tar\.gz: the host refuses the connection"):
            fetch("facades", tmp_path, url=url)


def test_a_server_that_never_answers_times_out(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_TIMEOUT", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DataError, match=r"has not answered for 0\.1 s"),
    ):
        fetch("facades", tmp_path, url=f"http://127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///tmp", "datasets", "http://127.0.0.1:port", "http://a b"])
def test_what_is_no_address_is_said(server, tmp_path, url):
    with pytest.raises(DataError, match=r"not the URL of a mirror|not valid HTTP"):
        fetch("facades", tmp_path, url=url)


def test_an_unknown_name_lists_the_archives(tmp_path):
    with pytest.raises(DataError, match=r'no data set "facade".*Did you mean "facades"') as got:
        fetch("facade", tmp_path)
    assert all(name in str(got.value) for name in archives.ARCHIVES)


def test_no_room_is_said_before_the_download(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * len(server.body)))
    with pytest.raises(OutputError, match="not enough room"):
        fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * len(server.body)))
    fetch("facades", tmp_path, url=server.url)
