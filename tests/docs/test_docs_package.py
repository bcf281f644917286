"""The package of docs/plugins.md is installed, listed and used."""

from __future__ import annotations

import json

import cv2
import pytest
from docs.base import add_pictures
from docs.pages import wanted


@pytest.mark.usefixtures("checked_here")
def test_the_package_of_the_plugins_page_is_listed_trains_and_translates(acme, itrans, tmp_path):
    add_pictures(tmp_path)
    listed = {row["name"]: row for row in json.loads(itrans("list-plugins", "--check", "--json").output)}
    for entries in acme["entry-points"].values():
        for name, target in entries.items():
            assert listed[name] == {
                "kind": listed[name]["kind"],
                "name": name,
                "distribution": "itrans-acme",
                "version": "1.0.0",
                "object": target,
                "status": "ok",
            }
    recipe = next(b for b in wanted("toml", files=True) if b.name == "acme.toml")
    (tmp_path / recipe.name).write_text(recipe.text, encoding="utf-8")
    done = itrans("run", recipe.name, "--set", "train.steps=2")
    assert done.exit_code == 0, done.output
    done = itrans("translate", "runs/acme/checkpoints/best.pt", "pictures", "-o", "out")
    assert done.exit_code == 0, done.output
    assert cv2.imread(str(tmp_path / "out" / "cat.png")).shape == (19, 23, 3)
