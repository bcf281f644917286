"""What a run's page does in a browser: values under the pointer, the slider, the wipe, and that it stays by itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import browser  # noqa: F401
from click.testing import CliRunner
from made_runs import made_run

from itrans.cli import cli
from itrans.commands import RunFolder

RECIPE = """\
title = "a <b>small</b> run"
[dataset]
name = "aligned"
root = "{root}"
[generator]
name = "unet"
depth = 3
filters = 4
[[loss]]
name = "l1"
[train]
batch_size = 2
epochs = 3
precision = "fp32"
[log]
every = 1
pictures = 2
"""
SIZES = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")]


def call(*words: object) -> None:
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run on pictures of noise, with its page."""
    place = tmp_path_factory.mktemp("shown")
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 5)):
        (place / "data" / split).mkdir(parents=True)
        for index in range(count):
            source = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            cv2.imwrite(str(place / "data" / split / f"{index}.png"), np.hstack([source, 255 - source]))
    (place / "small.toml").write_text(RECIPE.format(root=(place / "data").as_posix()), encoding="utf-8")
    call("run", place / "small.toml", "-o", place / "run")
    return place / "run"


@pytest.fixture(scope="module")
def comparison(run) -> Path:
    made_run(run.parent / "made", epochs=30)
    call("report", run, run.parent / "made", "-o", run.parent / "both.html")
    return run.parent / "both.html"


@pytest.fixture
def shown(browser):  # noqa: F811
    """Open pages, and see to it that they report no error and ask for nothing."""
    complaints, pages = [], []

    def open_page(file: Path, width: int = 1280, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        own = ("data:", file.as_uri())
        page.on("request", lambda request: request.url.startswith(own) or complaints.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("footer")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_page_fits_and_says_how_the_run_went(shown, run, width, scheme):
    page = shown(run / "index.html", width, scheme)
    assert page.inner_text("h1") == "a <b>small</b> run"
    assert page.inner_text(".state") == "finished"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    assert light == (scheme == "light")


@pytest.mark.parametrize("width", [1280, 400])
def test_a_comparison_fits(shown, comparison, width):
    page = shown(comparison, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("h3", has_text="l1, held-out pairs").count() == 1
    assert page.locator("td", has_text="generator.filters").count() == 1
    assert page.locator("table.pictures td.grid img").count() == 2  # the runs have no held-out pair in common


def test_values_are_shown_under_the_pointer_and_by_the_arrow_keys(shown, run):
    page = shown(run / "index.html")
    chart, tip = page.locator(".chart-body svg").first, page.locator(".tip").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert not tip.is_visible()
    page.mouse.move(box["x"] + box["width"] - 15, box["y"] + 60)
    assert "step 6 · epoch 3" in tip.inner_text()
    assert "generator.l1" in tip.inner_text()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    assert "step 1 " in tip.inner_text()
    page.mouse.move(0, 0)
    assert not tip.is_visible()
    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "step 2 " in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_run_has_no_value_beyond_its_end(shown, comparison):
    page = shown(comparison)
    chart, tip = page.locator(".chart-body svg").first, page.locator(".tip").first
    chart.focus()
    page.keyboard.press("End")
    assert "step 300" in tip.inner_text()
    assert "made" in tip.inner_text()
    assert "run" not in tip.inner_text()
    page.keyboard.press("Home")
    assert "run" in tip.inner_text()
    assert "made" not in tip.inner_text()


def test_a_curve_can_be_hidden_and_the_scale_changed_and_both_outlast_a_reload(shown, run):
    page = shown(run / "index.html")
    card = page.locator("section.card").first
    card.locator(".chart-body svg path").first.wait_for(state="attached")
    curves = card.locator("svg path").count()
    card.locator("button.key").first.click()
    assert card.locator(".chart-body svg path").count() < curves
    card.get_by_role("button", name="log").click()
    page.evaluate("location.reload()")
    page.wait_for_selector("footer")
    assert card.locator("button.key").first.get_attribute("aria-pressed") == "false"
    assert card.get_by_role("button", name="log").get_attribute("aria-pressed") == "true"


def test_the_slider_changes_the_picture(shown, run):
    page = shown(run / "index.html")
    image, label = page.locator(".grid-picture"), page.locator(".film b")
    last = image.get_attribute("src")
    assert label.inner_text() == "epoch 3"
    page.get_by_label("Grid of samples").focus()
    page.keyboard.press("ArrowLeft")
    assert label.inner_text() == "epoch 2"
    assert image.get_attribute("src") != last
    page.keyboard.press("Home")
    assert label.inner_text() == "before the first step"
    page.get_by_role("button", name="Play").click()
    page.locator(".film b", has_text="epoch 3").wait_for()
    assert image.evaluate("image => image.complete && image.naturalWidth > 0")


def test_the_wipe_follows_the_pointer_and_the_keys(shown, run):
    page = shown(run / "index.html")
    stage = page.locator(".wipe .stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()

    def cut() -> float:
        return float(stage.evaluate("stage => getComputedStyle(stage).getPropertyValue('--cut')").rstrip("%"))

    assert cut() == 50
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert cut() == pytest.approx(20, abs=1.5)
    before = cut()
    page.keyboard.press("ArrowRight")
    assert cut() > before
    page.get_by_role("button", name="source | output").click()
    assert page.locator(".wipe .tag.left").first.inner_text() == "source"
    assert page.locator(".wipe img").first.evaluate("image => image.complete")


def test_the_page_of_a_run_that_goes_on_loads_itself_again_and_stays_in_its_place(shown, run):
    folder = made_run(run.parent / "going", epochs=5, outcome=None)
    with RunFolder(folder).locked(lambda _: None):
        call("report", folder)
    page = shown(folder / "index.html")
    page.clock.install()
    page.reload()
    assert page.inner_text(".state") == "running"
    assert page.get_by_role("progressbar").is_visible()
    page.get_by_label("Grid of samples").focus()
    page.keyboard.press("Home")
    page.evaluate("scrollTo(0, 300); document.title = 'old'")
    page.clock.fast_forward(5000)
    assert page.title() == "old"
    with page.expect_navigation():
        page.clock.fast_forward(20_000)
    page.wait_for_selector("footer")
    assert page.title() == "made"
    assert page.locator(".film b").inner_text() == "epoch 1"
    assert page.evaluate("scrollY") == 300
