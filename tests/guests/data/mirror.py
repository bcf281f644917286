"""A server on this machine that can misbehave in the ways servers do, and what it has."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from itrans_data.fetch import fetch

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
