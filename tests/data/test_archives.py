"""An archive is unpacked whole and inside its folder, or not at all."""

from __future__ import annotations

import gzip
import tarfile

import pytest
from data.mirror import FILES, PICTURE, special, tar_gz

from itrans.data import archives
from itrans.data.fetch import fetch
from itrans.errors import DataError


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("../x", tarfile.REGTYPE), r"'\.\./x' lies outside"),
        (special("facades/../../x", tarfile.REGTYPE), "lies outside"),
        (special("/tmp/x", tarfile.REGTYPE), "'/tmp/x' lies outside"),
        (special("/facades/x", tarfile.REGTYPE), "'/facades/x' lies outside"),
        (special("facades/..\\..\\x", tarfile.REGTYPE), "lies outside"),
        (special("maps/train/1.jpg", tarfile.REGTYPE), "'maps/train/1.jpg' lies outside the folder facades/"),
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
    assert list(tmp_path.rglob("*")) == [tmp_path / "a", folder]


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
