"""What is exported as safetensors is a checkpoint: it translates, is measured, served and trained on from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from guests.export.made_checkpoints import made_checkpoint, picture
from safetensors import safe_open
from safetensors.torch import save_file

from itrans.api import CheckpointError, load, write_image
from itrans.checkpoint.file import load_checkpoint, save_checkpoint


@pytest.fixture
def exported(itrans, tmp_path, monkeypatch):
    """A folder with exported weights, and the checkpoint that they are of."""
    monkeypatch.chdir(tmp_path)

    def export(*options, generator="unet", **tables):
        checkpoint = made_checkpoint(tmp_path / "made" / "it.pt", generator, **tables)
        done = itrans("export", checkpoint, "-o", "out", "--to", "safetensors", *options)
        assert done.exit_code == 0, done.output
        return tmp_path / "out", checkpoint

    return export


def test_it_translates_as_its_checkpoint_does(exported, itrans):
    folder, checkpoint = exported()
    image = picture(24, 40)
    expected = load(checkpoint).translate(image)
    for path in (folder, folder / "generator.safetensors"):
        np.testing.assert_array_equal(load(path).translate(image), expected)
    write_image("in.png", image)
    assert itrans("translate", folder, "in.png", "-o", "made.png").exit_code == 0
    assert itrans("inspect", folder).exit_code == 0


def test_weights_of_16_bits_are_rounded_and_half_as_large(exported):
    folder, checkpoint = exported("--half")
    whole, half = (load_checkpoint(path).networks["generator"] for path in (checkpoint, folder))
    assert {tensor.dtype for tensor in half.values() if tensor.is_floating_point()} == {torch.float16}
    assert all(torch.equal(tensor, whole[name].to(tensor.dtype)) for name, tensor in half.items())
    image = picture(24, 40)
    apart = load(folder).translate(image).astype(int) - load(checkpoint).translate(image)
    assert np.abs(apart).max() <= 4


def test_a_run_begins_with_it(exported, recipe, itrans):
    folder, _ = exported(arguments={"depth": 3, "filters": 2})
    arguments = ["--set", "generator.depth=3", "--set", "generator.filters=2", "--set", "train.steps=1"]
    done = itrans("run", recipe, *arguments, "--from", folder, "-o", "run")
    assert done.exit_code == 0, done.output


def test_its_header_names_the_recipe_and_the_classes_of_pictures(exported):
    folder, checkpoint = exported()
    found, wanted = load_checkpoint(folder), load_checkpoint(checkpoint)
    assert (found.recipe, found.source, found.target) == (wanted.recipe, wanted.source, wanted.target)
    assert (found.training, found.method) == ({}, {})


def test_networks_lie_beside_each_other_and_one_that_is_missing_is_named(itrans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = {"method": {"name": "cyclegan"}, "loss": [{"name": "cycle"}, {"name": "gan"}]}
    tables["discriminator"] = {"name": "patchgan", "filters": 2}
    checkpoint = made_checkpoint(tmp_path / "it.pt", "resnet", **tables)
    assert itrans("export", checkpoint, "-o", "out", "--to", "safetensors").exit_code == 0
    first, second = sorted((tmp_path / "out").glob("*.safetensors"))
    image = picture(16, 16)
    expected = load(checkpoint).translate(image)
    first.rename(tmp_path / "out" / "zebra.safetensors")  # what they are called does not matter
    for path in (tmp_path / "out", tmp_path / "out" / "zebra.safetensors", second):
        np.testing.assert_array_equal(load(path).translate(image), expected)
    second.unlink()
    with pytest.raises(CheckpointError, match=r"zebra\.safetensors is one of 2 networks, and the file of generator_"):
        load(tmp_path / "out" / "zebra.safetensors")


def test_a_file_that_was_renamed_has_its_own_weights(exported, itrans, tmp_path):
    folder, checkpoint = exported()
    image = picture(16, 16)
    save_file({"a": torch.zeros(1)}, folder / "adapter.safetensors")  # of another program, and the first in the folder
    np.testing.assert_array_equal(load(folder).translate(image), load(checkpoint).translate(image))
    mine = (folder / "generator.safetensors").rename(folder / "MINE.SAFETENSORS")
    other = made_checkpoint(tmp_path / "made" / "other.pt", "encoder_decoder")
    assert itrans("export", other, "-o", "other", "--to", "safetensors").exit_code == 0
    (tmp_path / "other" / "generator.safetensors").rename(folder / "generator.safetensors")
    np.testing.assert_array_equal(load(mine).translate(image), load(checkpoint).translate(image))


def test_an_exported_file_under_another_suffix_is_called_what_it_is(exported):
    folder, _ = exported()
    other = (folder / "generator.safetensors").rename(folder / "generator.pt")
    with pytest.raises(
        CheckpointError, match=r"generator\.pt is not a checkpoint of itrans, but an exported one: .*\.safe"
    ):
        load_checkpoint(other)


def test_what_was_altered_and_no_longer_fits_is_named(exported):
    folder, _ = exported()
    path = folder / "generator.safetensors"
    with safe_open(path, framework="pt") as file:
        header, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    name = next(name for name, tensor in weights.items() if tensor.is_floating_point())
    for altered, said in (
        (weights | {name: weights[name].to(torch.int16)}, f"{name} is of torch.int16"),
        ({other: tensor for other, tensor in weights.items() if other != name}, f'Missing key.*"{name}"'),
    ):
        save_file(altered, path, metadata=header)
        with pytest.raises(CheckpointError, match=rf"generator\.safetensors does not fit the networks[^\n]*{said}"):
            load(folder)


def test_importing_it_is_of_no_use(exported, itrans):
    folder, _ = exported()
    done = itrans("import", folder / "generator.safetensors", "-o", "again.pt")
    assert (done.exit_code, "is a checkpoint of itrans already" in done.stderr) == (2, True)


def test_importing_it_truncated_tells_that_it_is(exported, itrans):
    folder, _ = exported()
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    done = itrans("import", path, "-o", "again.pt")
    assert (done.exit_code, "a safetensors file that is truncated or damaged" in done.stderr) == (2, True)


def test_weights_that_16_bits_cannot_hold_stay_as_they_are(exported, tmp_path, itrans):
    _, checkpoint = exported()
    record = load_checkpoint(checkpoint, mapped=False)
    weights = record.networks["generator"]
    large, small = [name for name in weights if name.endswith("conv.weight")][:2]
    weights[large] *= 1e7
    weights[small] *= 1e-8
    save_checkpoint(tmp_path / "odd.pt", record)
    assert itrans("export", "odd.pt", "-o", "odd", "--to", "safetensors", "--half").exit_code == 0
    found = load_checkpoint(tmp_path / "odd").networks["generator"]
    assert {name for name, tensor in found.items() if tensor.dtype == torch.float32} == {large, small}
    assert torch.equal(found[large], weights[large])


def test_a_run_is_not_written_between_exported_files(exported, recipe, itrans):
    folder, _ = exported()
    done = itrans("run", recipe, "-o", folder)
    assert done.exit_code == 2
    assert "out holds an exported checkpoint" in done.output


@pytest.mark.parametrize("record", ["{", "[]", "{}", '{"networks": "generator"}', '{"networks": [1]}'])
def test_a_record_that_is_none_is_refused(tmp_path, record):
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"itrans.checkpoint": record})
    with pytest.raises(CheckpointError, match="is damaged, or was altered"):
        load_checkpoint(path)


def test_a_file_that_is_cut_off_and_one_of_a_newer_itrans_are_refused(exported):
    folder, _ = exported()
    path = folder / "generator.safetensors"
    with safe_open(path, "pt") as file:
        texts = dict(file.metadata())
    record = json.loads(texts["itrans.checkpoint"]) | {"version": 99}
    save_file({"a": torch.zeros(1)}, folder / "newer.safetensors", {"itrans.checkpoint": json.dumps(record)})
    with pytest.raises(CheckpointError, match="pip install --upgrade itrans"):
        load_checkpoint(folder / "newer.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"generator\.safetensors cannot be read: it is truncated or damaged"):
        load_checkpoint(path)
