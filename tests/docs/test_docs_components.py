"""The components that the documentation shows are what itrans asks of their kinds."""

from __future__ import annotations

import re

import pytest
from docs.base import registered
from docs.pages import wanted

import itrans.testing
from itrans.registry import GENERATORS, REGISTRIES

BLOCKS = [block for block in wanted("python", files=True) if "/" not in block.name]
ARGUMENTS = {
    "first": {"inner": {"name": "aligned", "root": "datasets/mine"}, "count": 3},
    "taught": {"teacher": {"name": "unet", "depth": 2, "filters": 2}},
    "tinted": {"root": "datasets/mine"},
    "METHODS.tinting": {
        "extras": {"tint": ("none", "red", "blue")},
        "build_generator": lambda *channels: GENERATORS.get("tinting")(
            in_channels=channels[0], out_channels=channels[1]
        ),
    },
    "distilled": {"teacher": "runs/mine"},
    "grey_to_colour": {"root": "datasets/mine"},
    "wgan_gp": {"critic_steps": 2},
}


@pytest.mark.usefixtures("without_imports")
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_they_pass_their_checks(block, workplace, tmp_path, monkeypatch):
    monkeypatch.chdir(workplace)
    kinds = {f"{kind.upper()}S" if kind != "loss" else "LOSSES": kind for kind in REGISTRIES}
    found = re.findall(r'^@([A-Z]+)\.register\("(\w+)"\)', block.text, flags=re.MULTILINE)
    assert found
    with registered([block], tmp_path):
        for registry, name in found:
            getattr(itrans.testing, f"check_{kinds[registry]}")(
                name, **(ARGUMENTS.get(f"{registry}.{name}") or ARGUMENTS.get(name, {}))
            )
