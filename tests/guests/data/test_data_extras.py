"""What pairs have besides their pictures, in `itrans data view` and `itrans data check`."""

from __future__ import annotations

import re
from pathlib import Path

import conditional
import pytest
import tomli_w
from browser import browser as browser


@pytest.fixture
def coloured(itrans):
    conditional.register()
    Path("coloured.toml").write_text(tomli_w.dumps(conditional.RECIPE))
    yield "coloured.toml"
    conditional.unregister()


def test_pictures_are_shown_and_other_values_are_told(coloured, itrans):
    done = itrans("data", "view", coloured, "--pairs", 3, "--draws", 2, "--set", "augment.size=8")
    assert done.exit_code == 0, done.output
    page = Path("pairs.html").read_text(encoding="utf-8")
    for text in ("mask of pair-2, as stored", "mask of pair-2, epoch 2", "style of pair-0, as stored"):
        assert f'alt="{text}"' in page
    assert page.count("<figure>") == 3 * 3 * 4
    assert "1x8x8" in page
    for text in ("colour red", "colour green", "age 1.5", "year 1902"):
        assert f" {text}<" in page


def test_the_page_fits_a_telephone(coloured, itrans, browser):
    assert itrans("data", "view", coloured, "--pairs", 2).exit_code == 0
    page = browser.new_page(viewport={"width": 400, "height": 800})
    page.goto(Path("pairs.html").resolve().as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()


def test_the_check_has_a_row_of_each(coloured, itrans):
    done = itrans("data", "check", coloured)
    assert done.exit_code == 0, done.output
    rows = {
        words[1]: line for line in done.output.splitlines() if len(words := line.split()) > 2 and words[0] == "train"
    }
    assert {"source", "target", "colour", "mask", "age", "year", "style"} <= rows.keys()
    assert "red 2, green 2, blue 2" in rows["colour"]
    assert re.search(r"16x30 .*3 x uint8", rows["style"])
    assert "1900 to 1905" in rows["year"]
