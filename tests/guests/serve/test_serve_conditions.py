"""Options and extras of a checkpoint: described, given with requests, and asked for by the page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import conditional
import httpx
import numpy as np
import pytest
from guests.serve.serving import decoded, detail, get, noise, png, post, running

from itrans.api import load, train
from itrans_serve.desk import Desk
from itrans_serve.served import load_all

GIVEN = {"with": "colour=blue"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    conditional.register()
    yield train(conditional.RECIPE, output=tmp_path_factory.mktemp("conditional") / "painted", progress=False).folder
    conditional.unregister()


@pytest.fixture(scope="module")
def painted(run):
    served = load_all([str(run)], lambda _: None, precision="fp32", device="cpu")
    with Desk(served) as desk, running(desk) as address:
        yield address


@pytest.fixture(scope="module")
def translator(run):
    return load(run, precision="fp32", device="cpu")


def mask(seed=3, height=16, width=16):
    return noise(height, width, seed)[:, :, :1]


def send(address, image, query=GIVEN, **files):
    parts = [("picture", ("a.png", png(image))), *((name, (name, png(one))) for name, one in files.items())]
    return httpx.post(f"{address}/translate", params=query, files=parts, timeout=60)


def test_the_description_lists_options_and_extras(painted):
    [found] = get(painted, "/checkpoints").json()
    gain, finish = found["options"]
    assert (gain["name"], gain["kind"], gain["default"], gain["minimum"]) == ("gain", "number", 1.0, 0)
    assert (finish["name"], finish["kind"], finish["default"]) == ("finish", "choice", "matt")
    assert finish["choices"] == ["matt", "gloss"]
    extras = {entry["name"]: (entry["kind"], entry["choices"], entry["required"]) for entry in found["extras"]}
    assert extras == {
        "colour": ("choice", ["red", "green", "blue"], True),
        "mask": ("picture", None, True),
        "style": ("picture", None, False),
    }
    assert found["directions"][0]["random"]


def test_a_picture_is_translated_with_what_is_given(painted, translator):
    image = noise()
    answer = send(painted, image, {"option": ["gain=0.5", "finish=gloss"], "with": "colour=blue"}, mask=mask())
    assert answer.status_code == 200, answer.text
    expected = translator.translate(image, colour="blue", mask=mask(), gain=0.5, finish="gloss")
    assert np.array_equal(decoded(answer.content), expected)
    styled = send(painted, image, mask=mask(), style=noise(9, 7, seed=5))
    expected = translator.translate(image, colour="blue", mask=mask(), style=noise(9, 7, seed=5))
    assert np.array_equal(decoded(styled.content), expected)


def test_requests_of_several_values_at_once_are_what_they_are_alone(painted, translator):
    asked = [(seed, gain, colour) for seed in range(4) for gain in (0.5, 1.0) for colour in ("red", "blue")]

    def made(one):
        seed, gain, colour = one
        query = {"option": f"gain={gain}", "with": f"colour={colour}"}
        return decoded(send(painted, noise(seed=seed), query, mask=mask(seed)).content)

    with ThreadPoolExecutor(8) as threads:
        outputs = [*threads.map(made, asked)]
    for (seed, gain, colour), output in zip(asked, outputs, strict=True):
        expected = translator.translate(noise(seed=seed), colour=colour, mask=mask(seed), gain=gain)
        assert np.abs(output.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("query", "files", "texts"),
    [
        ({}, {"mask": mask()}, ['"colour"', "with=colour=red|green|blue"]),
        (GIVEN, {}, ['"mask"', "file of the form"]),
        ({"with": "colour=rde"}, {"mask": mask()}, ['"colour"', 'Did you mean "red"']),
        ({"with": ["colour=red", "mask=a.png"]}, {}, ['"mask"', "file of a form"]),
        ({**GIVEN, "option": "gian=2"}, {"mask": mask()}, ['"gian"', '"gain"']),
        ({**GIVEN, "option": "gain=-1"}, {"mask": mask()}, ['"gain"']),
        ({**GIVEN, "option": "gain=inf"}, {"mask": mask()}, ['"gain"', "finite"]),
        ({**GIVEN, "option": "gain"}, {"mask": mask()}, ["option gain", "NAME=VALUE"]),
        (GIVEN, {"mask": mask(height=8)}, ['"mask"', "16x8"]),
    ],
)
def test_what_is_wrong_is_told_by_name(painted, query, files, texts):
    answer = send(painted, noise(), query, **files)
    assert answer.status_code == 422, answer.text
    for text in texts:
        assert text in detail(answer)


def test_a_checkpoint_without_any_takes_none(address):
    assert "takes no" in detail(post(address, png(noise()), option="gain=2"))
    assert get(address, "/checkpoints").json()[0]["options"] == []


@pytest.fixture
def page(browser, painted):
    page = browser.new_page(viewport={"width": 400, "height": 800})
    page.goto(painted)
    page.wait_for_selector("#conditions select")
    yield page
    page.close()


def test_the_page_asks_for_them(page, tmp_path):
    (tmp_path / "mask.png").write_bytes(png(mask()))
    page.click("#clear")
    page.wait_for_selector("#problem:has-text('mask')")
    with page.expect_response(lambda answer: "/translate" in answer.url) as first:
        page.set_input_files("#conditions input[type=file] >> nth=0", tmp_path / "mask.png")
    assert first.value.status == 200, first.value.text()
    page.wait_for_selector("#output:visible")
    assert page.text_content("#problem") == ""
    with page.expect_response(lambda answer: "colour%3D%22green%22" in answer.url) as second:
        page.get_by_label("colour", exact=True).select_option("green")
    assert second.value.status == 200, second.value.text()
    with page.expect_response(lambda answer: "gain%3D0.5" in answer.url) as third:
        page.get_by_label("gain", exact=True).fill("0.5")
        page.get_by_label("gain", exact=True).blur()
    assert third.value.status == 200, third.value.text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
