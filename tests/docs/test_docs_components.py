"""The components that the documentation shows are what itrans asks of their kinds."""

from __future__ import annotations

import re

import pytest
from docs.base import registered
from docs.pages import wanted

import itrans.testing
from itrans.registry import REGISTRIES

BLOCKS = [block for block in wanted("python", files=True) if "/" not in block.name]
ARGUMENTS = {
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
            getattr(itrans.testing, f"check_{kinds[registry]}")(name, **ARGUMENTS.get(name, {}))
