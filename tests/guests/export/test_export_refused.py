"""What cannot be exported, or opened, gets one message, and nothing half-written is left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from guests.export.made_checkpoints import made_checkpoint, picture

from itrans.api import DataError, DeviceError, ItransError, load, write_image


def left_over(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.fixture
def checkpoint(itrans):
    return made_checkpoint("runs/G.pt")


def refused(done, *texts):
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    for text in texts:
        assert text in done.stderr


def test_an_unknown_format(itrans, checkpoint):
    refused(itrans("export", checkpoint, "-o", "out", "--to", "tflite"), "tflite", "safetensors")


@pytest.mark.parametrize("to", ["onnx", "pt2", "safetensors"])
def test_what_is_no_checkpoint(itrans, tmp_path, to):
    Path("notes.pt").write_text("words")
    refused(itrans("export", "notes.pt", "-o", "out", "--to", to), "notes.pt")
    refused(itrans("export", "missing.pt", "-o", "out", "--to", to), "missing.pt")
    assert left_over(tmp_path) == ["notes.pt"]


@pytest.mark.parametrize("to", ["onnx", "pt2", "safetensors"])
def test_a_folder_that_holds_something_stays_as_it_is(itrans, checkpoint, tmp_path, to):
    Path("out").mkdir()
    Path("out/mine.txt").write_text("precious")
    refused(itrans("export", checkpoint, "-o", "out", "--to", to), "out", "empty")
    refused(itrans("export", checkpoint, "-o", "out/mine.txt", "--to", to), "mine.txt")
    assert left_over("out") == ["mine.txt"]
    assert left_over(tmp_path) == ["out", "runs"]


@pytest.mark.parametrize("name", ["net.onnx", "net.PT2", "net.safetensors"])
def test_the_name_of_a_file_is_refused_as_a_folder_is_made(itrans, checkpoint, tmp_path, name):
    refused(itrans("export", checkpoint, "-o", name), "folder", "-o net\n")
    assert left_over(tmp_path) == ["runs"]


def test_an_empty_folder_will_do(itrans, checkpoint):
    Path("out").mkdir()
    assert itrans("export", checkpoint, "-o", "out", "--to", "safetensors").exit_code == 0
    assert left_over("out") == ["generator.safetensors", "recipe.json"]


@pytest.mark.parametrize("to", ["onnx", "pt2", "safetensors"])
def test_a_disk_that_is_full(itrans, checkpoint, tmp_path, to):
    resource = pytest.importorskip("resource")
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))  # no file may be larger, as if the disk were full
    try:
        done = itrans("export", checkpoint, "-o", "deep/out", "--to", to)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    refused(done, "deep/out cannot be written")
    assert left_over(tmp_path) == ["runs"]


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root writes anywhere")
def test_a_folder_in_which_nothing_may_be_written(itrans, checkpoint):
    Path("shut").mkdir(mode=0o500)
    refused(itrans("export", checkpoint, "-o", "shut/out", "--to", "safetensors"), "shut/out cannot be")


@pytest.mark.parametrize(
    ("to", "module"),
    [("onnx", "onnx"), ("onnx", "onnxscript"), ("onnx", "onnxruntime"), ("safetensors", "safetensors")],
)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    itrans, checkpoint, tmp_path, monkeypatch, to, module
):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    refused(itrans("export", checkpoint, "-o", "out", "--to", to), "pip install 'itrans[export]'")
    assert left_over(tmp_path) == ["runs"]


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--half",), ("--half", "safetensors")),
        (("--to", "safetensors", "--mode", "running"), ("--mode",)),
        (("--to", "safetensors", "--size", "64"), ("--size",)),
        (("--size", "big"), ("big", "512x256")),
        (("--size", "0"), ("0", "512x256")),
        (("--pictures", "nowhere"), ("nowhere",)),
        (("--pictures", "runs"), ("--pictures runs", "no pictures")),
        (("--pictures", "two.png"), ("two.png", "2 channels")),
        (("--direction", "back"), ("back", "forward")),
    ],
)
def test_options_that_do_not_go_together(itrans, checkpoint, tmp_path, arguments, texts):
    np.save("two.npy", picture(8, 8, 2))
    Path("two.npy").rename("two.png") if "two.png" in arguments else None
    done = itrans("export", checkpoint, "-o", "out", *arguments)
    refused(done, *(texts if "two.png" not in arguments else ("two.png",)))
    assert "out" not in left_over(tmp_path)


class TestOpening:
    """`itrans translate model.onnx`."""

    @pytest.fixture
    def exported(self, itrans, checkpoint):
        assert itrans("export", checkpoint, "-o", "out", "--mode", "running").exit_code == 0
        write_image("in/a.png", picture(20, 40))
        return Path("out/model.onnx")

    def test_what_makes_no_sense_is_refused(self, itrans, exported):
        refused(itrans("translate", exported, "in", "-o", "made", "--mode", "paper"), "mode running", "--mode paper")
        refused(itrans("translate", exported, "in", "-o", "made", "--precision", "bf16"), "fp32", "bf16")
        refused(itrans("translate", exported, "in", "-o", "made", "--direction", "back"), "back", "forward")
        refused(itrans("translate", exported.parent, "in", "-o", "made"), f"Name its file: {exported}")
        assert not Path("made").exists()
        done = itrans("translate", exported, "in", "-o", "made", "--mode", "running")
        assert done.exit_code == 0, done.output
        assert "mode running" in done.stdout
        with pytest.raises(DeviceError, match="CPU"):
            load(exported, device="cuda")

    def test_it_translates_in_tiles_where_each_tile_is_normalised_alike(self, itrans, exported, checkpoint):
        done = itrans("translate", exported, "in", "-o", "made", "--tile", 16)
        assert done.exit_code == 0, done.output
        arguments = ("--mode", "running", "--precision", "fp32", "--tile", 16)
        assert itrans("translate", checkpoint, "in", "-o", "expected", *arguments).exit_code == 0
        translator = load(exported)
        assert translator.mode == "running"
        image = picture(20, 40)
        expected = load(checkpoint, mode="running", precision="fp32").translate(image, tile=16)
        assert np.abs(translator.translate(image, tile=16).astype(int) - expected.astype(int)).max() <= 1

    def test_a_damaged_file_and_one_of_another_program_are_refused(self, itrans, exported):
        Path("bad.onnx").write_bytes(exported.read_bytes()[:1000])
        Path("words.onnx").write_text("words")
        model = onnx.load(exported)
        kept = [entry for entry in model.metadata_props if not entry.key.startswith("itrans.")]
        altered = [(entry.key, entry.value) for entry in model.metadata_props if entry.key.startswith("itrans.")]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)
        onnx.save(model, "foreign.onnx")
        for name, wrong in (("newer", "99"), ("odd", '"x"'), ("cut", "{")):
            onnx.helper.set_model_props(model, dict(altered) | {"itrans.version": wrong})
            onnx.save(model, f"{name}.onnx")
        onnx.helper.set_model_props(model, dict(altered) | {"itrans.source": "[]"})
        onnx.save(model, "source.onnx")
        for name in ("bad", "words", "foreign", "newer", "odd", "cut", "source", "missing"):
            refused(itrans("translate", f"{name}.onnx", "in", "-o", "made"), f"{name}.onnx")
        refused(itrans("translate", "foreign.onnx", "in", "-o", "made"), "itrans export")
        refused(itrans("translate", "newer.onnx", "in", "-o", "made"), "pip install --upgrade itrans")
        assert not Path("made").exists()


def test_tiles_are_refused_where_each_would_be_normalised_by_itself(itrans, checkpoint):
    assert itrans("export", checkpoint, "-o", "out").exit_code == 0
    with pytest.raises(DataError, match="tiles"):
        load("out/model.onnx").translate(picture(20, 40), tile=16)
    with pytest.raises(ItransError, match="mode paper only"):
        load("out/model.onnx", mode="running")
