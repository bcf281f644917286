"""What is too much, too slow, or no picture: an answer that says so, and a server that goes on."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import select
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from guests.serve.serving import PNG, detail, get, noise, png, post, running
from PIL import Image

from itrans.api import CheckpointError, RoomError
from itrans_serve.desk import Desk


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file of a large picture: grey zeros, which deflate to a thousandth."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 1) * height), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(width: int, height: int) -> bytes:
    """Return a TIFF that says how large it is, and has no pixels; its second page is the large one."""
    pages = [(16, 16), (width, height)]
    body = b"II*\0" + struct.pack("<I", 8)
    for number, (across, down) in enumerate(pages):
        entries = struct.pack("<HHII", 256, 4, 1, across) + struct.pack("<HHII", 257, 4, 1, down)
        following = 0 if number else len(body) + 2 + len(entries) + 4
        body += struct.pack("<H", 2) + entries + struct.pack("<I", following)
    return body


def npy(height: int, width: int) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (height, width, 3)})
    return file.getvalue()


def with_pillow(format_: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("L" if format_ == "GIF" else "RGB", size).save(file, format_)
    return file.getvalue()


@pytest.fixture(scope="module")
def strict(served):
    """Where a server listens that takes few bytes, few pixels and few seconds."""
    with Desk(served, most_bytes=1_000_000, most_pixels=40_000, seconds=1.0) as desk, running(desk) as address:
        yield address
        assert post(address, png(noise())).status_code == 200
        assert list(Path(desk._folder.name).iterdir()) == []


LARGE = {
    "100 megapixels of nothing": bomb(10_000, 10_000),
    "TIFF": tiff(9000, 9000),
    "npy": npy(20_000, 20_000),
    "JPEG": with_pillow("JPEG", (300, 200)),
    "WEBP": with_pillow("WEBP", (300, 200)),
    "BMP": with_pillow("BMP", (300, 200)),
    "GIF": with_pillow("GIF", (300, 200)),
}


@pytest.mark.parametrize("name", LARGE)
def test_pictures_of_too_many_pixels_are_refused_before_they_are_decoded(strict, name):
    began = time.monotonic()
    answer = post(strict, LARGE[name])
    assert answer.status_code == 413
    assert "40,000" in detail(answer)
    assert "--max-pixels" in detail(answer)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("is_said", [True, False])
def test_bodies_of_too_many_bytes_are_refused(strict, is_said):
    content = bytes(1_100_000)
    body = content if is_said else iter([content[:600_000], content[600_000:]])
    answer = httpx.post(f"{strict}/translate", content=body, headers=PNG, timeout=60)
    assert answer.status_code == 413
    assert "--max-bytes" in detail(answer)


def test_an_answer_before_the_body_s_end_spoils_nothing(strict):
    with httpx.Client(timeout=60) as client:
        for _ in range(3):
            answer = client.post(f"{strict}/translate", params={"sed": 1}, content=bytes(900_000), headers=PNG)
            assert answer.status_code == 422
            assert client.get(f"{strict}/health").status_code == 200


@pytest.mark.parametrize("ends", [True, False])
def test_a_body_that_comes_too_slowly_or_never_ends_is_answered(strict, ends):
    """The answer is whole, even if the client reads it late and goes on sending meanwhile."""
    host, port = strict.removeprefix("http://").split(":")
    length = "Content-Length: 1000" if ends else "Transfer-Encoding: chunked"
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(f"POST /translate HTTP/1.1\r\nHost: {host}\r\n{length}\r\n\r\n".encode())
        began, arrived = time.monotonic(), []
        while not arrived and time.monotonic() - began < 10:
            client.sendall(b"x" if ends else b"1\r\nx\r\n")
            arrived = select.select([client], [], [], 0.05)[0]
        for _ in range(4):
            client.sendall(b"x" if ends else b"1\r\nx\r\n")
            time.sleep(0.05)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 408
        assert "slowly" in json.loads(answer.read())["detail"]


def test_a_body_of_too_many_bytes_is_answered_even_if_all_of_it_is_sent_first(strict):
    host, port = strict.removeprefix("http://").split(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as client:
        client.request("POST", "/translate", bytes(20_000_000))
        answer = client.getresponse()
        assert answer.status == 413
        assert "--max-bytes" in json.loads(answer.read())["detail"]
        assert answer.getheader("Connection") == "close"


FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("content", "kind", "status", "word"),
    [
        (b"{}", "application/json", 415, "application/json"),
        (b"hello", "text/plain; charset=utf-8", 415, "text/plain"),
        (b"", "image/png", 422, "empty"),
        (b"hello, this is a text", "image/png", 422, "text"),
        (png(noise())[:-20], "image/png", 422, "truncated"),
        (b"%PDF-1.4", "application/octet-stream", 422, "PDF"),
        (b"\x93NUMPY\x01\x00", "application/octet-stream", 422, "damaged"),
        (b"--x\r\n", "multipart/form-data", 400, "boundary"),
        (b"nonsense", "multipart/form-data; boundary=x", 400, "form"),
        (FIELD, "multipart/form-data; boundary=x", 400, "files"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "no file"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_with_a_sentence(strict, content, kind, status, word):
    answer = httpx.post(f"{strict}/translate", content=content, headers={"Content-Type": kind}, timeout=60)
    assert answer.status_code == status
    assert word in detail(answer)
    assert "itrans-serve-" not in detail(answer), "where the server keeps its files is nobody's business"


def test_a_form_of_too_many_pictures_is_refused(strict):
    files = [("picture", ("a.png", png(noise(2, 2)))) for _ in range(17)]
    answer = httpx.post(f"{strict}/translate", files=files, timeout=60)
    assert answer.status_code == 400
    assert "16" in detail(answer)
    answer = httpx.post(f"{strict}/translate", files=files[:9], params={"samples": 2}, timeout=60)
    assert answer.status_code == 422
    assert "16" in detail(answer)


class Held:
    """Keeps the networks from answering until `let_go` is called."""

    def __init__(self, translator, monkeypatch):
        self._go, self.began = threading.Event(), threading.Event()
        translate = translator.translate_batch
        self.count = 0

        def wait(images, **options):
            self.count += len(images)
            self.began.set()
            assert self._go.wait(30)
            return translate(images, **options)

        monkeypatch.setattr(translator, "translate_batch", wait)

    def let_go(self):
        self._go.set()


@pytest.fixture
def held(served, monkeypatch):
    found = Held(served["colours"].translator, monkeypatch)
    yield found
    found.let_go()


def waiting_pictures(address: str) -> int:
    text = get(address, "/metrics").text
    return int(text.split("\nitrans_queue_length ")[1].split()[0])


def until(condition) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def test_a_full_server_says_so_at_once_and_goes_on(served, held):
    with Desk(served, most_waiting=2) as desk, running(desk) as address, ThreadPoolExecutor(3) as clients:
        first = clients.submit(post, address, png(noise()))
        assert held.began.wait(10)
        too_many = post(address, png(noise()), samples=3)
        second = clients.submit(post, address, png(noise()))
        until(lambda: waiting_pictures(address) == 1)
        refused = post(address, png(noise()))
        for answer in (too_many, refused):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert "again" in detail(answer)
        held.let_go()
        assert first.result().status_code == second.result().status_code == 200
        assert post(address, png(noise())).status_code == 200


def test_a_picture_whose_client_has_gone_is_not_computed(served, held):
    with Desk(served) as desk, running(desk) as address, ThreadPoolExecutor(1) as clients:
        first = clients.submit(post, address, png(noise()))
        assert held.began.wait(10)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/translate", content=png(noise()), headers=PNG, timeout=0.3)
        until(lambda: 'status="499"' in get(address, "/metrics").text)
        held.let_go()
        assert first.result().status_code == 200
        until(lambda: waiting_pictures(address) == 0)
        assert post(address, png(noise())).status_code == 200
        assert "itrans_dropped_total 1\n" in get(address, "/metrics").text
    assert held.count == 2


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (RuntimeError("the kernel is out of luck"), 422, "out of luck"),
        (MemoryError(), 413, "memory"),
        (RoomError("There is no room."), 413, "no room"),
        (CheckpointError("It gives no finite numbers."), 500, "finite"),
    ],
)
def test_a_network_that_fails_does_not_end_the_server(address, served, monkeypatch, error, status, word):
    def fail(*_arguments, **_options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(served["colours"].translator, "translate_batch", fail)
        answer = post(address, png(noise()))
    assert answer.status_code == status
    assert word in detail(answer)
    assert post(address, png(noise())).status_code == 200


def test_a_picture_without_room_is_refused_by_its_size(address, served, monkeypatch):
    monkeypatch.setattr("itrans_serve.worker._SMALL", 1)
    monkeypatch.setattr(served["colours"].translator, "room", lambda image, direction: (5e9, 1_000_000_000))
    answer = post(address, png(noise(16, 24)))
    assert answer.status_code == 413
    for word in ("24 x 16", "5.0 GB", "1.0 GB"):
        assert word in detail(answer)


def test_memory_stays_flat(address):
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("this system does not say how much memory a process has")

    def resident() -> int:
        return int(status.read_text().split()[1]) * 4096

    content = png(noise(64, 64))
    with httpx.Client(timeout=60) as client:

        def ask(count: int) -> None:
            for number in range(count):
                path = "/preview" if number % 3 == 0 else "/translate"
                body = b"no picture" if number % 5 == 0 else content
                client.post(f"{address}{path}", content=body, headers=PNG)

        ask(100)
        before = resident()
        ask(300)
    assert resident() - before < 20_000_000
