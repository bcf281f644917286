"""What the tests share: a mirror without pauses, to fetch from, and pictures to prepare."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from guests.data.folders import picture
from guests.data.mirror import Handler, Server, tar_gz

from itrans.api import write_image
from itrans_data import fetch as fetching


@pytest.fixture
def server(monkeypatch):
    """The script of a server that is up: what it has, how it misbehaves, and what it was asked for."""
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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(12):
        write_image(tmp_path / f"photos/v{number // 3}/f{number:02d}.png", picture(number))
    return tmp_path / "photos"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    for number in range(8):
        write_image(tmp_path / f"a/{number}.png", picture(number))
        write_image(tmp_path / f"b/{number}.png", picture(number + 50))
    return tmp_path / "a", tmp_path / "b"
