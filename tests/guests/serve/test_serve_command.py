"""The command `itrans serve`: what it says, how it ends, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from guests.serve.serving import get, noise, png, post, running

from itrans_serve.desk import Desk
from itrans_serve.served import load_all
from itrans_serve.server import is_loopback, listening_socket


def test_it_serves_until_it_is_interrupted(colours, labels, tmp_path):
    command = [sys.executable, "-m", "itrans", "serve", str(colours), str(labels), "--port", "0", "--seed", "5"]
    (tmp_path / "temporary").mkdir()
    surroundings = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        line = process.stdout.readline()
        assert line.startswith("Serving colours, labels at http://127.0.0.1:"), process.stderr.read()
        address = line.split()[4].rstrip("/")
        assert get(address, "/health").json()["checkpoints"] == ["colours", "labels"]
        content = png(noise())
        assert post(address, content).content == post(address, content, seed=5).content
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == "Ended.\n"
    assert errors == ""
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_server_that_ends_while_a_refused_client_is_sending_has_answered_it(served, caplog):
    with contextlib.ExitStack() as clients, Desk(served, most_bytes=10) as desk, running(desk) as address:
        place = address.removeprefix("http://").split(":")
        client = clients.enter_context(socket.create_connection(place, timeout=10))
        client.sendall(b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        answer = client.recv(100)
    assert answer.startswith(b"HTTP/1.1 413")
    assert "without completing response" not in caplog.text


def test_exported_weights_are_called_after_their_folder(itrans, colours, tmp_path):
    assert itrans("export", colours, "-o", tmp_path / "crayons", "--to", "safetensors").exit_code == 0
    for path in (tmp_path / "crayons", tmp_path / "crayons" / "generator.safetensors"):
        assert list(load_all([str(path)], print)) == ["crayons"]


def test_a_port_in_use_is_one_message(itrans, colours):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = itrans("serve", colours, "--port", port)
    assert done.exit_code == 2
    for word in (f"Port {port}", "127.0.0.1", "--port"):
        assert word in done.output


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_address_of_no_own_is_one_message(itrans, colours, host):
    done = itrans("serve", colours, "--host", host, "--port", 0)
    assert done.exit_code == 2
    assert host in done.output


def test_a_file_that_is_no_checkpoint_is_one_message(itrans, tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"nonsense")
    for name in ("weights.pt", "missing.pt"):
        done = itrans("serve", name, "--port", 0)
        assert done.exit_code == 2
        assert name in done.output
        assert len(done.output.splitlines()) == 1


def test_the_extra_is_named_where_a_library_is_missing(itrans, colours, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = itrans("serve", colours)
    assert done.exit_code == 2
    assert "uvicorn" in done.output
    assert "pip install 'itrans[serve]'" in done.output


def test_runs_of_one_name_get_numbers_and_sample_data_are_announced(itrans, colours, monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr("itrans_serve.server.run", lambda desk, *_, **__: seen.update(desk.served))
    done = itrans("serve", colours, colours, "--port", 0, "--host", "localhost")
    assert done.exit_code == 0, done.output
    assert list(seen) == ["colours", "colours-2"]
    assert "password" not in done.output

    (tmp_path / "sampled.toml").write_text(
        'extends = "tiny.toml"\n[dataset]\nroot = "missing"\n'
        '[sample]\ndataset = { name = "facades_sample", size = 32 }\n'
    )
    (tmp_path / "tiny.toml").write_text((Path(colours).parents[1] / "colours.toml").read_text(encoding="utf-8"))
    assert itrans("run", "sampled.toml", "-o", "sampled").exit_code == 0
    done = itrans("serve", "sampled", "--port", 0, "--host", "0.0.0.0")
    assert done.exit_code == 0, done.output
    assert seen["sampled"].description()["sample"] in done.output
    assert "password" in done.output


def test_who_is_let_in_is_known_by_the_address():
    for host, is_ours in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)):
        with listening_socket(host, 0) as listening:
            assert is_loopback(listening) == is_ours


def test_help_imports_nothing_heavy(tmp_path):
    program = (
        "import sys, json, atexit\n"
        "heavy = {'torch', 'numpy', 'cv2', 'fastapi', 'uvicorn', 'starlette', 'pydantic', 'PIL'}\n"
        "atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) & heavy)), file=sys.stderr))\n"
        "sys.argv = ['itrans', 'serve', '--help']\n"
        "from itrans.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stderr.splitlines()[-1]) == []
