from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from itrans import plugins
from itrans.api import CheckpointError, OutputError, load
from itrans.checkpoint.file import load_checkpoint, save_checkpoint


@pytest.fixture
def checkpoint(train):
    return train("run", "train.steps=1") / "checkpoints/last.pt"


def test_it_is_plain_data_that_torch_reads_with_weights_only(checkpoint):
    record = torch.load(checkpoint, weights_only=True)
    assert (record["format"], record["version"]) == ("itrans-checkpoint", 1)
    assert record["recipe"]["generator"]["filters"] == 4
    components = {(part["kind"], part["name"]): part["distribution"] for part in record["components"]}
    assert components["generator", "unet"] == "itrans"
    assert record["source"] == {
        "channels": 3,
        "kind": "image",
        "labels": None,
        "dtype": "uint8",
        "ignored": None,
        "names": (),
    }
    assert {"networks", "training", "progress", "method"} <= set(record)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_one_is_said_to_be_one(checkpoint, kept):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=r"last\.pt"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"model.weight": torch.zeros(1)}, "bare weights"),
        ({"epoch": 3}, "is not a checkpoint of itrans"),
        ([1, 2], "is not a checkpoint of itrans"),
        ({"format": "itrans-checkpoint", "version": 99, "itrans": "9.0"}, "written by itrans 9.0"),
        ({"format": "itrans-checkpoint", "version": 1}, "not complete"),
    ],
)
def test_a_foreign_or_newer_file_gets_a_sentence(tmp_path, record, said):
    torch.save(record, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(tmp_path / "x.pt")


def test_a_file_with_code_in_it_is_not_opened(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "module.pt")
    with pytest.raises(CheckpointError, match="holds code"):
        load_checkpoint(tmp_path / "module.pt")


@pytest.mark.parametrize("content", [b"hello", b"\x89PNG\r\n", bytes(1000)])
def test_a_file_of_another_kind_is_said_to_be_none(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.pt"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "none.pt")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)


def test_it_is_not_written_over_a_place_that_cannot_be_written(checkpoint, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(tmp_path / "file" / "x.pt", load_checkpoint(checkpoint))


def test_a_part_that_is_no_longer_installed_is_named_with_its_distribution(install, recipe, train):
    site = install(
        "acme-losses",
        "2.1",
        "[itrans.losses]\nhuber = acme_losses:Huber\n",
        acme_losses="""
            class Huber:
                role = "image"
                def __call__(self, translated):
                    return (translated.output - translated.target).abs().mean()
            """,
    )
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "huber"\n')
    path = train("run", "train.steps=1") / "checkpoints/last.pt"
    record = load_checkpoint(path)
    record.checked_recipe(path)
    for file in (site / "acme_losses-2.1.dist-info").iterdir():
        file.unlink()
    plugins.forget()
    with pytest.raises(CheckpointError, match="acme-losses 2.1") as error:
        record.checked_recipe(path)
    load(path)  # translating has no use for a loss
    assert 'no loss "huber"' in str(error.value)


WRITER = """
import sys, torch
from itrans.checkpoint.file import load_checkpoint, save_checkpoint
path = sys.argv[1]
checkpoint = load_checkpoint(path)
checkpoint.networks["ballast"] = {"weight": torch.zeros(30_000_000)}
print("ready", flush=True)
while True:
    save_checkpoint(path, checkpoint)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not of this system")
def test_a_kill_during_a_write_leaves_a_whole_checkpoint(checkpoint):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(checkpoint)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        half_written = list(checkpoint.parent.glob(".*.tmp"))
        if half_written and 0 < half_written[0].stat().st_size < 100_000_000:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(checkpoint.parent.glob(".*.tmp")), "the kill came between two writes"
    assert load_checkpoint(checkpoint).progress.step == 1


def test_flipped_bits_are_noticed(checkpoint):
    content = bytearray(checkpoint.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(byte ^ 255 for byte in content[middle : middle + 50])
    checkpoint.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"last\.pt is damaged|cannot be read"):
        load_checkpoint(checkpoint)


def test_weights_that_are_not_numbers_translate_nothing(checkpoint):
    record = load_checkpoint(checkpoint, mapped=False)
    for value in record.networks["generator"].values():
        if value.is_floating_point():
            value.fill_(float("nan"))
    save_checkpoint(checkpoint, record)
    with pytest.raises(CheckpointError, match="not finite"):
        load(checkpoint).translate(np.zeros((16, 16, 3), np.uint8))
