"""Weights that timm has to download: what is said of it, and what where there is no network."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from itrans.api import GENERATORS


def test_weights_that_cannot_be_downloaded_name_the_way_without(tmp_path):
    program = (
        "from itrans_timm.generators import TimmUNet\n"
        "try:\n    TimmUNet(in_channels=3, out_channels=3, backbone='resnet18', pretrained=True)\n"
        "except ValueError as error:\n    print(error)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    paths = ":".join(str(Path(__file__).parents[3] / name) for name in (".", "plugins"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    address = "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors"
    assert f'The weights of the backbone "resnet18" cannot be downloaded from {address}' in done.stdout
    assert "weights_file" in done.stdout


def test_a_download_is_announced_once_and_what_libraries_say_of_it_is_not_repeated(monkeypatch, capfd):
    said = []

    def retried(*_, **__):
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s [Retry 1/5].")
        print("Downloading: model.safetensors")
        raise OSError("no network")

    monkeypatch.setattr("timm.models._builder.load_pretrained", retried)
    monkeypatch.setattr(logging.getLogger("itrans"), "info", lambda text, *values: said.append(text % values))
    level = logging.getLogger("huggingface_hub").level
    with pytest.raises(Exception, match=re.escape("(no network). Without a network, fetch that file elsewhere")):
        GENERATORS.build(
            {"name": "timm_unet", "backbone": "resnet18", "pretrained": True}, in_channels=3, out_channels=3
        )
    assert capfd.readouterr() == ("", "")
    assert len(said) == 1
    assert "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors" in said[0]
    assert logging.getLogger("huggingface_hub").level == level
