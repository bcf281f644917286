"""What the pages on data and on label maps tell: which data sets there are, and how label maps are made for them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from docs.pages import ROOT, wanted
from plugins.datasets.streets import classes, palette_png, photo

from itrans.api import read_image, write_image
from itrans.recipe.load import load_recipe

COLOURS = np.random.default_rng(0).integers(0, 256, (13, 3)).tolist()


def run(text: str) -> None:
    """Run the script of the page on label maps that has this text in it."""
    (block,) = (b for b in wanted("python", files=False) if b.page.name == "labels.md" and text in b.text)
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})


def test_the_page_lists_every_data_set_of_itrans(itrans):
    listed = json.loads(itrans("list-plugins", "dataset", "--json").output)
    head, _, table = (
        (ROOT / "docs" / "data.md").read_text(encoding="utf-8").partition("| data set | its pairs | more |")
    )
    assert head

    told = re.findall(r"^\| `(\w+)` ", table.partition("\n\n")[0], flags=re.MULTILINE)

    assert sorted(told) == sorted(row["name"] for row in listed if row["distribution"] == "itrans")


@pytest.mark.parametrize("name", ["segmenter_facades", "lineage_labels/l1"])
def test_the_label_maps_of_facades_become_what_recipes_want(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for number in range(11):
        write_image(tmp_path / "base" / f"cmp_b{number + 1:04d}.jpg", photo(number))
        indices = 1 + classes(number, count=12)
        (tmp_path / "base" / f"cmp_b{number + 1:04d}.png").write_bytes(palette_png(indices, COLOURS))

    run("facade_maps")

    recipe = load_recipe(ROOT / "recipes" / f"{name}.toml")
    assert not recipe.is_sample
    train, val = (recipe.build("dataset", split=split) for split in ("train", "val"))
    assert (len(train), len(val)) == (9, 2)
    assert [pair.key for pair in val] == ["cmp_b0001", "cmp_b0011"]
    np.testing.assert_array_equal(train[0].target, classes(1, count=12))


def test_colours_become_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    indices = classes(3, count=3)
    colours = np.array([[128, 64, 128], [70, 70, 70], [107, 142, 35]], np.uint8)
    write_image(tmp_path / "maps" / "a.png", colours[indices[:, :, 0]])

    run('Path("maps")')

    np.testing.assert_array_equal(read_image(tmp_path / "values" / "a.png"), indices)
