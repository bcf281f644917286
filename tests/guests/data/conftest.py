"""What the tests of fetching share: a mirror, and no pauses."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from guests.data.mirror import Handler, Server, tar_gz

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
