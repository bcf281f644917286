"""Files that are no checkpoints translate if a package opens them, which it says by their suffix."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itrans.api import DeviceError, ItransError, PluginError, load

SOURCE = """
from types import SimpleNamespace

import torch
from torch import nn

from itrans.api import CheckpointError, ImageSpec
from itrans.commands import CheckpointFile


class Inverse(nn.Module):
    def forward(self, source):
        return -source


class Method:
    generators = ("inverse",)

    def __init__(self):
        self.networks = {"inverse": Inverse()}

    def translate(self, source, direction="forward"):
        return self.networks["inverse"](source)


def inverse(path):
    if path.read_text() != "inverse":
        raise CheckpointError(f"{path} says {path.read_text()}.")
    grey = ImageSpec(channels=1)
    record = CheckpointFile(recipe={"title": "inverse"}, source=grey, target=grey, networks={}, sample="nothing")
    return SimpleNamespace(record=record, method=Method(), mode="running")


def broken(path):
    raise KeyError("lost")
"""


@pytest.fixture
def acme(install, tmp_path):
    entry_points = "[itrans.models]\ninv = acme_models:inverse\nbad = acme_models:broken\n"
    install("acme-models", "1.0", entry_points, acme_models=SOURCE)
    for name in ("a.inv", "b.INV", "a.bad"):
        (tmp_path / name).write_text("inverse")
    return tmp_path


@pytest.mark.parametrize("name", ["a.inv", "b.INV"])
def test_it_translates(acme, name):
    translator = load(acme / name)
    assert (translator.title, translator.sample, translator.mode) == ("inverse", "nothing", "running")
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert np.array_equal(translator.translate(picture), 255 - picture)
    assert torch.equal(translator.generator(torch.ones(1)), -torch.ones(1))
    assert translator.method.generators == ("inverse",)


def test_it_has_one_mode_and_one_precision_and_computes_on_the_cpu(acme):
    load(acme / "a.inv", mode="running", precision="fp32", device="cpu")
    with pytest.raises(ItransError, match="fp32"):
        load(acme / "a.inv", precision="fp16")
    with pytest.raises(DeviceError, match="CPU"):
        load(acme / "a.inv", device="cuda")


def test_what_the_package_says_is_passed_on_and_what_it_raises_names_it(acme):
    (acme / "a.inv").write_text("nothing")
    with pytest.raises(ItransError, match=r"a\.inv says nothing"):
        load(acme / "a.inv")
    with pytest.raises(PluginError, match=r"a\.bad cannot be opened by acme-models 1\.0.*\n.*lost"):
        load(acme / "a.bad")


def test_two_packages_that_open_the_same_files_are_named(acme, install):
    install("zenith-models", "2.0", "[itrans.models]\ninv = acme_models:inverse\n")
    with pytest.raises(PluginError, match=r'a\.inv: "acme-models" and "zenith-models"'):
        load(acme / "a.inv")


def test_the_suffix_of_checkpoints_is_not_to_be_had(acme, install):
    install("zenith-models", "2.0", "[itrans.models]\npt = acme_models:broken\n")
    with pytest.raises(ItransError, match="does not exist"):
        load(acme / "missing.pt")
