"""An archive is unpacked whole and inside its folder, or not at all."""

from __future__ import annotations

import gzip
import random
import shutil
import tarfile

import pytest
from guests.data.mirror import FILES, PICTURE, special, tar_gz

from itrans.errors import DataError, OutputError
from itrans_data import archives
from itrans_data.fetch import fetch
from itrans_data.unpacking import unpack


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("../x", tarfile.REGTYPE), r"'\.\./x' is outside"),
        (special("facades/../../x", tarfile.REGTYPE), "is outside"),
        (special("/tmp/x", tarfile.REGTYPE), "'/tmp/x' is outside"),
        (special("/facades/x", tarfile.REGTYPE), "'/facades/x' is outside"),
        (special("facades/..\\..\\x", tarfile.REGTYPE), "is outside"),
        (special("maps/train/1.jpg", tarfile.REGTYPE), "'maps/train/1.jpg' is outside the folder facades/"),
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
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([special("facades/x.jpg", tarfile.LNKTYPE, "facades/gone.jpg")], "'facades/gone.jpg', which is not there"),
        ([special(f"facades/{'d/' * 2000}x", tarfile.DIRTYPE)], "is nested too deeply"),
        ([special(f"facades/{'n' * 256}", tarfile.REGTYPE)], "too long a name"),
        ([special("facades/train/1.jpg/x", tarfile.REGTYPE)], "both a file and a folder"),
        ([special("facades/train", tarfile.REGTYPE)], "both a file and a folder"),
        ([special("facades/train/1.jpg", tarfile.DIRTYPE)], "both a file and a folder"),
    ],
)
def test_an_archive_that_cannot_be_unpacked_is_not_kept_as_complete(server, tmp_path, members, reason):
    server.body = tar_gz(FILES, *members)
    with pytest.raises(DataError, match=reason):
        fetch("facades", tmp_path / "new", url=server.url)
    assert list(tmp_path.iterdir()) == []
    server.body = tar_gz()
    assert fetch("facades", tmp_path / "new", url=server.url).is_dir()


def test_an_archive_that_makes_far_more_of_itself_is_refused_before_it_fills_the_disk(server, tmp_path):
    server.body = tar_gz({**FILES, "facades/train/3.jpg": bytes(120_000_000)})
    with pytest.raises(DataError, match=r"makes more than 120\.\d MB") as got:
        fetch("facades", tmp_path, url=server.url)
    assert server.url in str(got.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_the_room_there_is_is_told_before_it_is_written(tmp_path, monkeypatch):
    archive = tmp_path / "facades.tar.gz"
    archive.write_bytes(tar_gz({**FILES, "facades/train/3.jpg": random.randbytes(101_000_000)}))
    free = shutil.disk_usage(tmp_path)._replace(free=50_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(OutputError, match=r"facades\.tar\.gz: 50\.0 MB are free"):
        unpack(archive, "facades", tmp_path / "facades", lambda _: None)
    assert list(tmp_path.iterdir()) == [archive]


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


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1500, "1.5 kB"), (30168306, "30.2 MB"), (8.6e9, "8.6 GB")]
)
def test_sizes_are_told_in_decimal_units(count, text):
    assert archives.size_text(count) == text
