"""The command `itrans data fetch`, against a server on this machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from itrans.cli import console
from itrans.errors import DataError, OutputError
from itrans_data import archives, command
from itrans_data.command import data


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ITRANS_DATASETS_URL", raising=False)
    published = tmp_path / "published"
    published.mkdir()
    with tarfile.open(published / "facades.tar.gz", "w:gz") as archive:
        for split in ("train", "val"):
            member = tarfile.TarInfo(f"facades/{split}/1.jpg")
            member.size = 100_000
            archive.addfile(member, io.BytesIO(os.urandom(member.size)))
    (published / "maps.tar.gz").write_bytes(b"no archive")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=published)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*args):
    return CliRunner().invoke(data, ["fetch", *map(str, args)])


def test_the_data_set_lands_in_datasets(url, here):
    result = run("facades", "--url", url)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in here.rglob("*")) == ["1.jpg", "1.jpg", "datasets", "facades", "train", "val"]
    lines = result.output.splitlines()
    assert lines[0].startswith(f"{url}/facades.tar.gz: 200.")
    assert lines[1].startswith("downloading")
    assert any(line.startswith("downloading 100 % of 200.") for line in lines)
    assert any(line.startswith("unpacking 100 % of 200.") for line in lines)
    assert lines[-1] == 'A recipe finds it by dataset.root = "datasets/facades".'


def test_another_folder_and_the_archive_kept(url, here):
    result = run("facades", "--url", url, "-o", "elsewhere", "--keep-archive")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (here / "elsewhere").iterdir()) == ["facades", "facades.tar.gz"]


def test_the_mirror_may_come_from_the_environment(url, here, monkeypatch):
    monkeypatch.setenv("ITRANS_DATASETS_URL", url)
    assert run("facades").exit_code == 0


def test_a_second_fetch_says_so_and_does_nothing(url, here):
    run("facades", "--url", url)
    result = run("facades", "--url", url)
    assert result.exit_code == 0
    assert "already exists: nothing is fetched" in result.output
    assert "downloading" not in result.output


def test_without_a_name_the_archives_are_listed(here):
    result = run()
    assert result.exit_code == 0
    assert all(archive.name in result.output for archive in archives.ARCHIVES.values())
    assert "2,975 pairs to train on" in result.output
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("edge2shoes", DataError, 'Did you mean "edges2shoes"'),
        ("night2day", DataError, "the server answers 404"),
        ("maps", DataError, "truncated or corrupt"),
    ],
)
def test_what_goes_wrong_is_an_error_of_itrans(url, here, name, kind, message):
    result = run(name, "--url", url)
    assert isinstance(result.exception, kind)
    assert result.exception.exit_code == 2
    assert message in str(result.exception)


def test_a_file_in_the_way_is_left_alone(url, here):
    (here / "datasets").write_text("mine")
    result = run("facades", "--url", url)
    assert isinstance(result.exception, OutputError)
    assert (here / "datasets").read_text() == "mine"


def test_the_group_takes_further_commands():
    assert set(data.commands) >= {"fetch"}
    assert "Fetch, prepare, check and view data sets." in CliRunner().invoke(data, ["--help"]).output


def test_help_needs_neither_rich_nor_torch():
    code = (
        "import sys; from itrans_data.command import data; data(['fetch', '--help'], standalone_mode=False);"
        "sys.exit(sum(name in sys.modules for name in ('rich', 'torch', 'cv2', 'itrans_data.fetch')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--keep-archive" in done.stdout


def test_lines_come_at_tenths_and_tell_the_time_left(capsys, monkeypatch):
    clock = iter(range(100, 1000, 10))
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    lines = command.LineProgress()
    for done in range(40_000_000, 100_000_001, 1_000_000):  # 40 MB are here already
        lines.advance("downloading", done, 100_000_000)
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 6
    # 10 MB in 10 s, so the other 50 MB take 50 s.
    assert shown[0] == "downloading  50 % of 100.0 MB, 1.0 MB/s, 0:50 left"
    assert shown[-1] == "downloading 100 % of 100.0 MB, 1.0 MB/s"


def test_lines_of_a_size_that_nobody_knows(capsys):
    lines = command.LineProgress()
    for done in range(0, 250_000_001, 50_000_000):
        lines.advance("downloading", done, None)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in shown] == ["downloading 100.0 MB", "downloading 200.0 MB"]


def test_a_download_that_starts_again_counts_from_there(capsys):
    lines = command.LineProgress()
    for done in (0, 50, 90, 0, 50, 100):
        lines.advance("downloading", done, 100)
    shown = [line.split("%")[0].split()[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["50", "90", "50", "100"]


def test_a_terminal_gets_a_bar_with_size_and_rate(url, here, monkeypatch):
    monkeypatch.setattr(console, "is_terminal", lambda _stream=None: True)
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "120", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    result = run("facades", "--url", url)
    assert result.exit_code == 0, result.output
    assert f"{url}/facades.tar.gz: 200." in result.output
    assert "downloading" in result.output
    assert "unpacking" in result.output
    assert "kB" in result.output
