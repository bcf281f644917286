"""`itrans data view`: a page of pairs as networks get them."""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path

import numpy as np
from browser import browser as browser
from PIL import Image

from itrans.api import training_pair
from itrans.commands import build_dataset, load_recipe

PICTURE = re.compile(r'<img[^>]* src="data:image/\w+;base64,([^"]+)"[^>]* alt="([^"]+)"')


def pictures(page: Path) -> dict[str, np.ndarray]:
    found = PICTURE.findall(page.read_text(encoding="utf-8"))
    return {html.unescape(text): np.array(Image.open(io.BytesIO(base64.b64decode(code)))) for code, text in found}


def test_pairs_are_shown_as_a_run_draws_them(recipe, tmp_path, itrans):
    done = itrans(
        "data", "view", recipe, "--pairs", 3, "--draws", 2, "--set", "augment.crop=8", "--set", "augment.mirror=true"
    )
    assert done.exit_code == 0, done.output
    assert "pairs.html" in done.output
    shown = pictures(tmp_path / "pairs.html")
    assert len(shown) == 3 * 3 * 2
    loaded = load_recipe(recipe, overrides=["augment.crop=8", "augment.mirror=true"])
    dataset = build_dataset(loaded, "train")
    for epoch in (0, 1):
        pair = training_pair(loaded, dataset, 2, epoch)
        assert np.array_equal(shown[f"source of {pair.key}, epoch {epoch + 1}"], pair.source)
        assert np.array_equal(shown[f"target of {pair.key}, epoch {epoch + 1}"], pair.target)
    assert np.array_equal(shown[f"source of {dataset[2].key}, as stored"], dataset[2].source)
    text = (tmp_path / "pairs.html").read_text(encoding="utf-8")
    assert "3x8x8" in text
    assert "crop 8" in text


def test_the_range_and_the_shares_are_those_of_the_pictures(recipe, tmp_path, itrans):
    assert itrans("data", "view", recipe, "--pairs", 8, "--draws", 1).exit_code == 0
    dataset = build_dataset(load_recipe(recipe), "train")
    low, high = (choose(pair.source) / 127.5 - 1 for choose, pair in ((np.min, dataset[0]), (np.max, dataset[0])))
    assert f"{low:.2f} to {high:.2f}" in (tmp_path / "pairs.html").read_text(encoding="utf-8")


def test_label_maps_are_shown_in_the_colours_of_their_classes(tmp_path, itrans, recipe):
    text = recipe.read_text().replace('name = "aligned"', 'name = "facades_sample"\nsize = 32\ncount = 4')
    (tmp_path / "labels.toml").write_text("\n".join(line for line in text.splitlines() if not line.startswith("root")))
    done = itrans("data", "view", "labels.toml", "-o", "new/labels.html", "--pairs", 2, "--draws", 1)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "new/labels.html").read_text(encoding="utf-8")
    dataset = build_dataset(load_recipe(tmp_path / "labels.toml"), "train")
    for name in dataset.source.names:
        assert f">{name}<" in re.sub(r"<i [^>]*></i>", "", page)
    share = np.mean(
        [
            (training_pair(load_recipe(tmp_path / "labels.toml"), dataset, place, 0).source == 0).mean()
            for place in (0, 2)
        ]
    )
    assert f"{share:.1%}" in page
    assert pictures(tmp_path / "new/labels.html")[f"source of {dataset[0].key}, as stored"].shape == (32, 32, 3)


def test_a_pair_that_cannot_be_shown_is_named_and_the_others_are_there(recipe, aligned, tmp_path, itrans):
    (aligned / "train/00.png").write_bytes(b"nothing")
    done = itrans("data", "view", recipe, "--pairs", 8)
    assert done.exit_code == 2
    assert "00.png" in done.stderr
    assert len({text.split(",")[0] for text in pictures(tmp_path / "pairs.html")}) == 2 * 7
    done = itrans("data", "view", recipe, "--set", "augment.crop=99", "-o", "other.html")
    assert done.exit_code == 2
    assert not (tmp_path / "other.html").exists()


def test_names_are_texts_and_nothing_is_fetched(recipe, aligned, tmp_path, itrans):
    (aligned / "train/00.png").rename(aligned / "train/<b>&.png")
    recipe.write_text(recipe.read_text().replace('"tiny"', '"<script>alert(1)</script>"'))
    assert itrans("data", "view", recipe, "--pairs", 8).exit_code == 0
    page = (tmp_path / "pairs.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.png" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_a_page_is_written_over_no_other_kind_of_file(recipe, itrans):
    before = recipe.read_bytes()
    done = itrans("data", "view", recipe, "-o", recipe)
    assert (done.exit_code, ".html" in done.stderr) == (2, True)
    assert recipe.read_bytes() == before


def test_it_fits_a_telephone_and_a_browser_finds_nothing_wrong(recipe, tmp_path, itrans, browser):
    assert itrans("data", "view", recipe, "--pairs", 2).exit_code == 0
    said: list[str] = []
    for width in (400, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "pairs.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        page.close()
    assert said == []
