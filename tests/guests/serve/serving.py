"""Servers for tests: in this process, at a free port, with pictures to send to them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray

from itrans_serve.desk import Desk
from itrans_serve.server import address_of, listening_socket, server_of

PNG = {"Content-Type": "image/png"}


def png(image: NDArray) -> bytes:
    """Return a picture, grey or RGB, as a PNG."""
    stored = image if image.ndim == 2 or image.shape[2] == 1 else image[:, :, ::-1]
    return cv2.imencode(".png", np.ascontiguousarray(stored))[1].tobytes()


def decoded(content: bytes) -> NDArray:
    """Return a PNG's picture, `(H, W)` or RGB."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return image if image.ndim == 2 else image[:, :, ::-1]


def noise(height: int = 16, width: int = 16, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@contextlib.contextmanager
def working(desk: Desk) -> Iterator[None]:
    """Let a desk translate for as long as the block lasts."""
    thread = threading.Thread(target=desk.work)
    thread.start()
    try:
        yield
    finally:
        desk.close()
        thread.join()


@contextlib.contextmanager
def running(desk: Desk) -> Iterator[str]:
    """Serve for as long as the block lasts; yield the address."""
    with working(desk), listening_socket("127.0.0.1", 0) as listening:
        server = server_of(desk)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address_of(listening).rstrip("/")
        finally:
            server.should_exit = True
            thread.join()


def post(address: str, content: bytes, path: str = "/translate", **query: object) -> httpx.Response:
    """Send a picture."""
    return httpx.post(f"{address}{path}", params=query, content=content, headers=PNG, timeout=60)


def get(address: str, path: str, **query: object) -> httpx.Response:
    """Ask for something."""
    return httpx.get(f"{address}{path}", params=query or None, timeout=60)


def detail(answer: httpx.Response) -> str:
    """Return what is wrong, as the server says it."""
    assert answer.headers["content-type"] == "application/json", answer.text
    found = answer.json()
    assert list(found) == ["detail"]
    return found["detail"]
