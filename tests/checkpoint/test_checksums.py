"""Checksums that are begun early are those that would be computed later."""

from __future__ import annotations

import os
import zipfile

import pytest
import torch

from itrans.checkpoint.checksums import begin_checksums, is_whole
from itrans.checkpoint.torch_files import read_torch_file
from itrans.errors import CheckpointError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.arange(1000.0), "größe": torch.ones(3)}, path)
    return path


def flip(path):
    content = bytearray(path.read_bytes())
    place = content.index(torch.arange(1000.0).numpy().tobytes()) + 2000
    content[place] ^= 1
    path.write_bytes(content)


def test_a_good_file_is_told_once_and_only_if_it_was_begun(path):
    assert not is_whole(path)
    begin_checksums(path)
    assert is_whole(path)
    assert not is_whole(path)


def test_a_damaged_value_is_found(path):
    flip(path)
    begin_checksums(path)
    with pytest.raises(CheckpointError, match="checksum of its part"):
        read_torch_file(path, refusal="")


def test_a_file_that_has_changed_since_is_looked_at_anew(path):
    begin_checksums(path)
    flip(path)
    os.utime(path, ns=(0, 0))  # clocks of files are coarse
    with pytest.raises(CheckpointError, match="checksum of its part"):
        read_torch_file(path, refusal="")


@pytest.mark.parametrize("kind", ["compressed", "header", "text", "empty", "missing"])
def test_what_is_unusual_is_left_to_what_reads_it(path, kind):
    if kind == "compressed":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("weights/data/0", b"0" * 100)
    elif kind == "header":
        content = path.read_bytes()
        path.write_bytes(content.replace(b"weights/data.pkl", b"weights/data.pkk", 1))
    else:
        path.write_bytes({"text": b"no zip file"}.get(kind, b""))
    if kind == "missing":
        path.unlink()
        begin_checksums(path)
        return
    begin_checksums(path)
    assert not is_whole(path)


@pytest.mark.parametrize("place", range(30))
def test_every_byte_of_a_parts_header_counts_or_does_not_matter(path, place):
    content = bytearray(path.read_bytes())
    start = content.index(b"weights/data/0") - 30
    content[start + place] ^= 1
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        try:
            is_good = archive.testzip() is None
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            is_good = False
    begin_checksums(path)
    assert is_good or not is_whole(path)
