from __future__ import annotations

import pytest
import torch

from itrans.checkpoint.torch_files import read_torch_file
from itrans.errors import CheckpointError


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 8]) + content[middle + 8 :]


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_both_formats_of_torch_are_read(tmp_path, zipped, mapped):
    written = {"weight": torch.arange(6.0), "name": "a"}
    torch.save(written, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "x.pt", refusal="is refused.", mapped=mapped)
    assert torch.equal(found["weight"], written["weight"])
    assert found["name"] == "a"


@pytest.mark.parametrize("content", [torch.nn.Linear(1, 1), b"hello"])
def test_code_and_other_kinds_of_files_are_refused_in_the_caller_s_words(tmp_path, content):
    if isinstance(content, bytes):
        (tmp_path / "x.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"x\.pt (is refused\.|is not a PyTorch file, but a text file\.)"):
        read_torch_file(tmp_path / "x.pt", refusal="is refused.")


def test_damage_is_told_from_its_checksum(tmp_path):
    torch.save({"weight": torch.zeros(4000)}, tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes(flipped((tmp_path / "x.pt").read_bytes()))
    with pytest.raises(CheckpointError, match=r"x\.pt is damaged: the checksum of its part .* is wrong"):
        read_torch_file(tmp_path / "x.pt", refusal="is refused.")


def test_what_the_system_says_is_passed_on(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read: .* file at all \(.+\)\."):
        read_torch_file(tmp_path, refusal="is refused.")
