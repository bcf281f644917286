"""What is here already is not fetched again, unless it may be of another file."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from types import SimpleNamespace

import pytest
from guests.data.mirror import FILES, PICTURE, Recorder, begin, names, tar_gz

from itrans.errors import DataError, OutputError
from itrans_data import fetch as fetching
from itrans_data.fetch import fetch


@pytest.mark.parametrize("etag_is_told", [True, False])
def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path, etag_is_told):
    server.etag_is_told = etag_is_told
    have = begin(server, tmp_path)
    assert 0 < have < len(server.body)
    assert not (tmp_path / "facades").exists()
    progress = Recorder()
    fetch("facades", tmp_path, url=server.url, progress=progress)
    [(_, wanted, condition)] = server.requests
    assert wanted == f"bytes={have}-"
    assert condition == ('"one"' if etag_is_told else "Tue, 01 Nov 2016 10:00:00 GMT")
    assert progress.counts[0] == ("downloading", have, len(server.body))
    assert names(tmp_path) == sorted(FILES)
    assert (tmp_path / "facades/train/2.jpg").read_bytes() == PICTURE[::-1]


def test_an_interruption_says_what_is_kept(server, tmp_path):
    progress = Recorder("downloading", 1000)
    with pytest.raises(KeyboardInterrupt):
        fetch("facades", tmp_path, url=server.url, progress=progress)
    assert re.search(r"kept in .*facades\.tar\.gz\.part; the same command continues", progress.lines[-1])


def test_an_interruption_of_the_unpacking_costs_no_second_download(server, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fetch("facades", tmp_path, url=server.url, progress=Recorder("unpacking"))
    assert names(tmp_path) == ["facades.tar.gz.part", "facades.tar.gz.part.json"]
    assert not (tmp_path / ".facades.unpacking").exists()
    server.requests.clear()
    fetch("facades", tmp_path, url=server.url)
    assert not server.requests
    assert names(tmp_path) == sorted(FILES)


def test_what_a_killed_process_left_is_removed(server, tmp_path):
    (tmp_path / ".facades.unpacking/facades/train").mkdir(parents=True)
    (tmp_path / ".facades.unpacking/facades/train/half.jpg").write_bytes(b"half")
    fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == sorted(FILES)


@pytest.mark.parametrize(
    ("change", "requests"),
    [
        pytest.param({"ranges": False}, 1, id="ranges ignored"),
        pytest.param({"etag": '"two"'}, 1, id="changed"),
        pytest.param({"etag": '"two"', "ignores_if_range": True}, 2, id="changed, If-Range ignored"),
        pytest.param({"shift": -1}, 2, id="another range than asked for"),
        pytest.param({"body": tar_gz({"facades/train/3.jpg": b"3"})}, 2, id="shorter"),
        pytest.param({"body": tar_gz({**FILES, "facades/train/3.jpg": b"3"})}, 2, id="longer"),
    ],
)
def test_a_download_that_cannot_be_resumed_starts_again(server, tmp_path, change, requests):
    begin(server, tmp_path)
    vars(server).update(change)
    progress = Recorder()
    fetch("facades", tmp_path, url=server.url, progress=progress)
    assert [wanted is not None for _, wanted, _ in server.requests] == [True, False][:requests]
    assert progress.counts[0] == ("downloading", 0, len(server.body))
    with tarfile.open(fileobj=io.BytesIO(server.body)) as archive:
        assert names(tmp_path) == sorted(archive.getnames())


@pytest.mark.parametrize("etag", ['W/"one"', None])
def test_two_halves_are_not_put_together_without_a_validator(server, tmp_path, etag):
    server.etag = etag
    begin(server, tmp_path)
    fetch("facades", tmp_path, url=server.url)
    assert [wanted for _, wanted, _ in server.requests] == [None]
    assert names(tmp_path) == sorted(FILES)


SPOILT = [
    "",
    "[]",
    "[" * 100_000,
    '{"url": 1}',
    '{"url": 1, "size": 2, "etag": 3, "modified": 4}',
    '{"url": "URL", "size": "x", "etag": "y", "modified": null}',
    '{"url": "URL", "size": null, "etag": ["y"], "modified": null}',
    '{"url": "URL", "size": null, "etag": "a\\r\\nX: b", "modified": null}',
    '{"url": "URL", "size": null, "etag": "\\u2603", "modified": null}',
    '{"url": "URL", "size": null, "etag": null, "modified": 5}',
]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_note_about_the_partial_file_starts_again(server, tmp_path, spoilt):
    begin(server, tmp_path)
    (tmp_path / "facades.tar.gz.part.json").write_text(spoilt.replace("URL", f"{server.url}/facades.tar.gz"))
    fetch("facades", tmp_path, url=server.url)
    assert [wanted for _, wanted, _ in server.requests] == [None]
    assert names(tmp_path) == sorted(FILES)


def test_another_mirror_starts_again(server, tmp_path):
    begin(server, tmp_path)
    fetch("facades", tmp_path, url=server.url + "/mirror")
    assert server.requests == [("/pix2pix/datasets/mirror/facades.tar.gz", None, None)]


def test_a_dropped_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.drops = [10_000, 30_000]
    progress = Recorder()
    fetch("facades", tmp_path, url=server.url, progress=progress)
    assert [wanted for _, wanted, _ in server.requests] == [None, "bytes=10000-", "bytes=30000-"]
    assert progress.text.count("Trying again") == 2
    assert names(tmp_path) == sorted(FILES)


def test_a_connection_that_always_drops_is_given_up_and_kept(server, tmp_path):
    server.drops = [10_000, *[0] * 10]
    with pytest.raises(
        DataError, match=r"ended after 10\.0 kB of .* \(after 5 attempts\)(.|\n)*10\.0 kB are kept"
    ) as got:
        fetch("facades", tmp_path, url=server.url)
    assert len(server.requests) == 5
    assert f"{tmp_path / 'facades'} with the folders train/ and val/" in str(got.value)
    assert (tmp_path / "facades.tar.gz.part").read_bytes() == server.body[:10_000]


def test_a_download_that_makes_headway_is_not_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_HEADWAY", 5_000)
    server.drops = [6_000 * drop for drop in range(1, 11)]
    fetch("facades", tmp_path, url=server.url)
    assert len(server.requests) == 11


def test_all_of_a_file_of_unknown_size_may_be_here_already(server, tmp_path):
    server.tells_length = False
    with pytest.raises(KeyboardInterrupt):
        fetch("facades", tmp_path, url=server.url, progress=Recorder("unpacking"))
    server.requests.clear()
    fetch("facades", tmp_path, url=server.url)
    assert [wanted for _, wanted, _ in server.requests] == [f"bytes={len(server.body)}-"]
    assert names(tmp_path) == sorted(FILES)


def test_what_is_here_already_needs_no_room(server, tmp_path, monkeypatch):
    begin(server, tmp_path, after=60_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * len(server.body)))
    fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == sorted(FILES)


def test_a_disk_that_fills_up_while_unpacking_costs_no_second_download(server, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", full)
        with pytest.raises(OutputError, match="cannot be written: No space left on device"):
            fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == ["facades.tar.gz.part", "facades.tar.gz.part.json"]
    server.requests.clear()
    fetch("facades", tmp_path, url=server.url)
    assert not server.requests
