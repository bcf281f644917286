"""Fetching from a server on this machine that can misbehave in the ways servers do."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import shutil
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from itrans.data import archives
from itrans.data import fetch as fetching
from itrans.data.fetch import fetch
from itrans.errors import DataError, OutputError

PICTURE = hashlib.shake_256(b"a picture, and as little compressible as one").digest(40_000)
FILES = {"facades/train/1.jpg": PICTURE, "facades/train/2.jpg": PICTURE[::-1], "facades/val/1.jpg": PICTURE[:999]}


def tar_gz(files=FILES, *members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return packed.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.server.script
        script.requests.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        status = script.statuses.pop(0) if script.statuses else 200
        if status != 200:
            return self.answer(status, {"Content-Length": "0"})
        body, etag = script.body, script.etag
        if etag is None:
            headers = {}
        else:
            headers = {"ETag": etag} if script.etag_is_told else {"Last-Modified": "Tue, 01 Nov 2016 10:00:00 GMT"}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start, length = 0, len(body) + script.length_error
        heeds = script.ignores_if_range or self.headers.get("If-Range") in headers.values()
        if wanted and script.ranges and heeds:
            start = int(wanted[1]) + script.shift
            if start >= len(body):
                return self.answer(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            length -= start
        if script.tells_length:
            headers["Content-Length"] = str(length)
        self.answer(206 if start else 200, headers)
        stop = script.drops.pop(0) if script.drops else len(body)
        self.wfile.write(body[start:stop])
        return None

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Be silent about clients that went away, which is what some tests do."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(fetching, "_PAUSES", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ITRANS_DATASETS_URL", raising=False)
    with Server(("127.0.0.1", 0), Handler) as http:
        http.script = SimpleNamespace(
            body=tar_gz(), etag='"one"', etag_is_told=True, ranges=True, shift=0, ignores_if_range=False,
            tells_length=True, length_error=0, drops=[], statuses=[], requests=[],
        )  # fmt: skip
        http.script.url = f"http://127.0.0.1:{http.server_port}/pix2pix/datasets"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield http.script
        finally:
            http.shutdown()
            thread.join()


class Recorder:
    """A progress that remembers what it is told and, if asked to, is where Ctrl-C arrives."""

    def __init__(self, interrupt_in=None, after=0):
        self.lines, self.counts = [], []
        self.interrupt_in, self.after = interrupt_in, after

    def say(self, line):
        self.lines.append(line)

    def advance(self, stage, done, total):
        self.counts.append((stage, done, total))
        if stage == self.interrupt_in and done > self.after:
            raise KeyboardInterrupt

    @property
    def text(self):
        return "\n".join(self.lines)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def begin(server, folder, after=20_000):
    """Leave the first part of a download, as an interruption does; return how many bytes of it there are."""
    server.drops = [after + 1]
    with pytest.raises(KeyboardInterrupt):
        fetch("facades", folder, url=server.url, progress=Recorder("downloading", after))
    server.requests.clear()
    return (folder / "facades.tar.gz.part").stat().st_size


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
    assert "is there already" in progress.text
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
    with pytest.raises(OutputError, match="cannot be written"):
        fetch("maps", tmp_path / "facades", url=server.url)
    assert (tmp_path / "facades").read_text() == "mine"


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
    assert re.search(r"kept in .*facades\.tar\.gz\.part; the same command goes on", progress.lines[-1])


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


@pytest.mark.parametrize("spoilt", ["", "[]", '{"url": 1}', '{"url": 1, "size": 2, "etag": 3, "modified": 4}'])
def test_a_spoilt_note_about_the_partial_file_starts_again(server, tmp_path, spoilt):
    begin(server, tmp_path)
    (tmp_path / "facades.tar.gz.part.json").write_text(spoilt)
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


def test_all_of_a_file_of_unknown_size_may_be_here_already(server, tmp_path):
    server.tells_length = False
    with pytest.raises(KeyboardInterrupt):
        fetch("facades", tmp_path, url=server.url, progress=Recorder("unpacking"))
    server.requests.clear()
    fetch("facades", tmp_path, url=server.url)
    assert [wanted for _, wanted, _ in server.requests] == [f"bytes={len(server.body)}-"]
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
    with pytest.raises(DataError, match=r"no URL of a mirror|not valid HTTP"):
        fetch("facades", tmp_path, url=url)


def test_an_unknown_name_lists_the_archives(tmp_path):
    with pytest.raises(DataError, match=r'no archive "facade".*Did you mean "facades"') as got:
        fetch("facade", tmp_path)
    assert all(name in str(got.value) for name in archives.ARCHIVES)


def test_no_room_is_said_before_the_download(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * len(server.body)))
    with pytest.raises(OutputError, match="not enough room"):
        fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * len(server.body)))
    fetch("facades", tmp_path, url=server.url)


def test_what_is_here_already_needs_no_room(server, tmp_path, monkeypatch):
    begin(server, tmp_path, after=60_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * len(server.body)))
    fetch("facades", tmp_path, url=server.url)
    assert names(tmp_path) == sorted(FILES)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("../x", tarfile.REGTYPE), r"'\.\./x' lies outside"),
        (special("facades/../../x", tarfile.REGTYPE), "lies outside"),
        (special("/tmp/x", tarfile.REGTYPE), "'/tmp/x' lies outside"),
        (special("/facades/x", tarfile.REGTYPE), "'/facades/x' lies outside"),
        (special("facades/..\\..\\x", tarfile.REGTYPE), "lies outside"),
        (special("maps/train/1.jpg", tarfile.REGTYPE), "'maps/train/1.jpg' lies outside the folder facades/"),
        (special("facades/x", tarfile.SYMTYPE, "../../x"), r"'facades/x' is a symbolic link to '\.\./\.\./x'"),
        (special("facades/x", tarfile.SYMTYPE, "/etc"), "is a symbolic link to '/etc'"),
        (special("facades/x", tarfile.LNKTYPE, "../x"), r"link to '\.\./x', outside"),
        (special("facades/x", tarfile.CHRTYPE), "'facades/x' is a device"),
        (special("facades/x", tarfile.BLKTYPE), "'facades/x' is a device"),
        (special("facades/x", tarfile.FIFOTYPE), "'facades/x' is a named pipe"),
        (special("facades/\x1b[2J", tarfile.FIFOTYPE), r"'facades/\\x1b\[2J' is a named pipe"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(server, tmp_path, member, reason):
    server.body = tar_gz(FILES, member)
    folder = tmp_path / "a/b"
    with pytest.raises(DataError, match=reason) as got:
        fetch("facades", folder, url=server.url)
    assert server.url in str(got.value)
    assert list(tmp_path.rglob("*")) == [tmp_path / "a", folder]


def test_folders_and_hard_links_inside_are_let_through(server, tmp_path):
    server.body = tar_gz(
        {f"./{name}": content for name, content in FILES.items()},
        special(".", tarfile.DIRTYPE),
        special("./facades/test", tarfile.DIRTYPE),
        special("./facades/test/1.jpg", tarfile.LNKTYPE, "./facades/train/1.jpg"),
    )
    assert (fetch("facades", tmp_path, url=server.url) / "test/1.jpg").read_bytes() == PICTURE


def flipped(packed: bytes, position: int) -> bytes:
    return packed[:position] + bytes([packed[position] ^ 255]) + packed[position + 1 :]


WHOLE = tar_gz()
TAR = gzip.decompress(WHOLE)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>Sign in to this network</html>", id="a web page"),
        pytest.param(WHOLE[:-2000], id="truncated"),
        pytest.param(WHOLE[:-8], id="without its checksum"),
        pytest.param(flipped(WHOLE, len(WHOLE) // 2), id="a flipped byte"),
        pytest.param(flipped(WHOLE, len(WHOLE) - 6), id="a wrong checksum"),
        pytest.param(gzip.compress(TAR[:30_000]), id="a tar truncated in a picture"),
        pytest.param(gzip.compress(TAR[: 512 + 40_448]), id="a tar truncated between two pictures"),
        pytest.param(gzip.compress(flipped(TAR, 512 + 40_448 + 150)), id="a tar with a bad header"),
        pytest.param(gzip.compress(b"no tar" * 1000), id="no tar"),
        pytest.param(tar_gz({}), id="nothing in it"),
        pytest.param(tar_gz({"facades/val/1.jpg": PICTURE}), id="no train"),
        pytest.param(tar_gz({"facades/train/readme.txt": b"text"}), id="no picture"),
        pytest.param(tar_gz({"facades": b"text"}), id="no folder"),
    ],
)
def test_an_archive_that_is_no_whole_data_set_leaves_nothing(server, tmp_path, body):
    server.body = body
    with pytest.raises(DataError, match=r"truncated or corrupt|is truncated|is corrupt|no pictures in facades/train/"):
        fetch("facades", tmp_path, url=server.url)
    assert list(tmp_path.iterdir()) == []
    server.body = WHOLE
    assert (fetch("facades", tmp_path, url=server.url) / "train").is_dir()


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


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1500, "1.5 kB"), (30168306, "30.2 MB"), (8.6e9, "8.6 GB")]
)
def test_sizes_are_told_in_decimal_units(count, text):
    assert archives.size_text(count) == text
