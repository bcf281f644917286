"""The blocks of Python run: components train and translate, scripts reach their end."""

from __future__ import annotations

import tomllib

import cv2
import numpy as np
import pytest
import tomli_w
import torch
from docs.base import laid_over_base, registered
from docs.pages import BLOCKS, wanted


@pytest.mark.parametrize("block", [b for b in wanted("python", files=True) if "/" not in b.name], ids=str)
def test_parts_in_a_file_train_and_translate(block, itrans, workplace, tmp_path, monkeypatch):
    part = next(b for b in wanted("toml", files=False) if b.page == block.page and b.line > block.line)
    monkeypatch.chdir(workplace)
    with registered([block], tmp_path):
        whole = laid_over_base(tomllib.loads(part.text))
    assert block.text.split('register("')[1].split('"')[0] in part.text, f"{part} does not use {block}"
    recipe = tmp_path / "whole.toml"
    recipe.write_text(tomli_w.dumps(whole), encoding="utf-8")
    with registered([], tmp_path):
        done = itrans(
            "run", recipe, "--code", tmp_path / block.name, "-o", tmp_path / "run", "--set", "validation.every=0"
        )
    assert done.exit_code == 0, done.output
    checkpoint = tmp_path / "run" / "checkpoints" / "last.pt"
    channels = torch.load(checkpoint, weights_only=True)["source"]["channels"]
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("picture.png", np.zeros((18, 20, channels), np.uint8).squeeze())
    with registered([], tmp_path):
        done = itrans("translate", checkpoint, "picture.png", "-o", "out", "--code", block.name)
    assert done.exit_code == 0, done.output
    assert cv2.imread("out/picture.png").shape == (18, 20, 3)


@pytest.mark.usefixtures("without_imports")
@pytest.mark.parametrize("block", wanted("python", files=False), ids=str)
def test_scripts_run_and_print_what_is_shown(block, workplace, monkeypatch, capsys):
    monkeypatch.chdir(workplace)
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
    shown = next((b for b in BLOCKS if b.page == block.page and b.line > block.line), None)
    if shown is not None and (shown.language, shown.mark) == ("text", "output"):
        assert capsys.readouterr().out == shown.text
