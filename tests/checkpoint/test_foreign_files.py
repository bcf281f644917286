from __future__ import annotations

import io
import json
import zipfile

import pytest
import torch

from itrans.api import CheckpointError
from itrans.checkpoint.file import load_checkpoint


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        (b"<!DOCTYPE html><p>404</p>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\x1f\x8b" + bytes(50), "a gzip archive"),
        (b"PK\x05\x06" + bytes(18), "a zip archive"),
        (zipped("arr_0.npy"), "a zip archive"),
        (zipped("net/data.pkl", "net/constants.pkl", "net/code/net.py"), "TorchScript"),
        (b'[generator]\nname = "unet"\n', "a recipe"),
        (b"hello\n", "a text file"),
        (b"", "an empty file"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, content, said):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "x.pt")
    assert "x.pt is not a checkpoint of itrans, but" in str(error.value)
    assert said in str(error.value)


def test_weights_of_safetensors_are_told_from_a_checkpoint(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(CheckpointError, match=r"x\.safetensors is not a checkpoint of itrans,? but .*itrans import"):
        load_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize("record", [{"conv.weight": torch.zeros(1)}, {"state_dict": {"x": torch.zeros(1)}, "epoch": 1}])
def test_weights_without_their_architecture_are_sent_to_import(tmp_path, record):
    torch.save(record, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"itrans import .*latest_net_G\.pth -o"):
        load_checkpoint(tmp_path / "latest_net_G.pth")
