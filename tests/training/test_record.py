"""Logs of runs that were killed, edited or put there by something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from itrans.errors import DataError
from itrans.training.record import read_log

STEP = b'{"event": "step", "step": 1, "losses": {}}\n'


@pytest.mark.parametrize(
    "end", [b'{"ev', b'{"event": "step", "step": 2', b"\0" * 40, b'{"event"\0\0\0', b'{"ev\xc3', b'{"event": "st\n']
)
def test_a_last_line_that_is_only_begun_is_left_out(tmp_path, end):
    (tmp_path / "log.jsonl").write_bytes(STEP + end)
    assert read_log(tmp_path / "log.jsonl") == [json.loads(STEP)]


@pytest.mark.parametrize("path", ["none.jsonl", "file/log.jsonl"])
def test_no_log_has_no_lines(tmp_path, path):
    (tmp_path / "file").touch()
    assert read_log(tmp_path / path) == []


FOREIGN = {
    "a number": b"5",
    "a list": b"[]",
    "null": b"null",
    "no step": b'{"event": "step", "step": null}',
    "a step below zero": b'{"event": "step", "step": -1}',
    "a step that is true": b'{"event": "step", "step": true}',
    "no event": b'{"step": 1}',
    "a validation without metrics": b'{"event": "validation", "step": 1, "better": true}',
    "metrics of texts": b'{"event": "validation", "step": 1, "better": true, "metrics": {"l1": "low"}}',
    "an end without its outcome": b'{"event": "end", "step": 1}',
    "other bytes": b"\xff\xfe\x1b[2J",
    "text": b"hello",
    "a digit for each byte": b"9" * 5000,
    "nested": b"[" * 100_000,
}


@pytest.mark.parametrize("line", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("after", [b"", STEP], ids=["last", "amid"])
def test_a_line_of_something_else_is_named(tmp_path, line, after):
    path = tmp_path / "log.jsonl"
    path.write_bytes(STEP + line + b"\n" + after)
    with pytest.raises(DataError) as caught:
        read_log(path)
    assert f"{path}:2 " in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500 + len(str(path))


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_log(tmp_path)


def spoil(path: Path, how: bytes | None) -> None:
    if how is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(how)


@pytest.mark.parametrize("how", [b"5\n", b"\xff\n", None])
def test_resuming_and_sweeping_name_the_log_and_lose_nothing(itrans, recipe, tmp_path, how):
    assert itrans("run", recipe, "-o", "out/tiny", "--stop-after", 2, "--set", "checkpoint.keep=1").exit_code == 130
    spoil(tmp_path / "out/tiny/log.jsonl", how)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for command in (["run", recipe, "-o", "out/tiny", "--resume"], ["sweep", recipe, "-o", "out"]):
        done = itrans(*command, "--set", "checkpoint.keep=1")
        assert done.exit_code == 2, done.output
        assert "log.jsonl" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
