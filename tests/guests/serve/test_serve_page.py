"""The page of `itrans serve`, in a browser: one draws, and it answers."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from guests.serve.conftest import add_pairs, trained
from guests.serve.serving import decoded, noise, png, post, running
from numpy.typing import NDArray

from itrans.api import read_label_map
from itrans_serve.desk import Desk
from itrans_serve.served import load_all


class Visitor:
    """Somebody in front of the page."""

    def __init__(self, page, address: str) -> None:
        self.page, self._address, self.complaints = page, address, []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)
        page.goto(address)
        self._is_ready()

    def _note_request(self, request) -> None:
        if not request.url.startswith((self._address, "blob:", "data:")):
            self.complaints.append(f"a request to {request.url}")

    def _is_ready(self) -> None:
        self.page.wait_for_selector("#checkpoint option", state="attached")

    def choose(self, checkpoint: str) -> None:
        self.page.select_option("#checkpoint", checkpoint)

    def stroke(self, *places: tuple[float, float]) -> None:
        """Draw through places, given as parts of the canvas' width and height."""
        box = self.page.locator("#drawing").bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=3)
        self.page.mouse.up()

    def output(self, before: NDArray | None = None) -> NDArray:
        """Return the picture that is shown, in RGB, once it is another one than before and no answer is awaited."""
        for _ in range(200):
            shown = self.page.evaluate(
                "() => { const image = document.getElementById('output');"
                "if (image.hidden || !image.complete) return null;"
                "if (document.getElementById('result').ariaBusy === 'true') return null;"
                "const [width, height] = [image.naturalWidth, image.naturalHeight];"
                "const context = new OffscreenCanvas(width, height).getContext('2d');"
                "context.drawImage(image, 0, 0);"
                "return [height, width, [...context.getImageData(0, 0, width, height).data]]; }"
            )
            if shown is not None:
                height, width, values = shown
                found = np.array(values, np.uint8).reshape(height, width, 4)[:, :, :3]
                if before is None or not np.array_equal(found, before):
                    return found
            self.page.wait_for_timeout(20)
        raise AssertionError(f"no other picture came; {self.page.locator('#problem').text_content()}")

    def source(self) -> bytes:
        """Return the file that "Save source" gives."""
        with self.page.expect_download() as download:
            self.page.click("#save-source")
        return download.value.path().read_bytes()


@pytest.fixture(scope="module")
def context(browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as found:
        yield found


@pytest.fixture
def visitor(context, address):
    found = Visitor(context.new_page(), address)
    yield found
    found.page.close()
    assert found.complaints == []


def test_a_stroke_changes_the_output_which_is_that_of_the_api(visitor, address):
    visitor.stroke((0.2, 0.2), (0.8, 0.8))
    first = visitor.output()
    visitor.stroke((0.8, 0.2), (0.2, 0.8))
    second = visitor.output(first)
    source = visitor.source()
    assert decoded(source).shape == (16, 16, 3)
    assert (decoded(source) < 128).any()
    assert np.array_equal(second, decoded(post(address, source).content))
    with visitor.page.expect_download() as download:
        visitor.page.click("#save")
    assert download.value.suggested_filename == "colours-0.png"
    assert download.value.path().read_bytes() == post(address, source).content


def test_undo_redo_clear_and_eraser(visitor):
    blank = visitor.source()
    assert visitor.page.locator("#undo").is_disabled()
    visitor.stroke((0.1, 0.5), (0.9, 0.5))
    drawn = visitor.source()
    assert drawn != blank
    visitor.page.click("#undo")
    assert visitor.source() == blank
    visitor.page.click("#redo")
    assert visitor.source() == drawn
    visitor.page.click("[data-tool=eraser]")
    visitor.page.fill("#width", "20")
    visitor.stroke((0.1, 0.5), (0.9, 0.5))
    assert visitor.source() == blank
    visitor.page.keyboard.press("Control+z")
    assert visitor.source() == drawn
    visitor.page.click("#clear")
    assert visitor.source() == blank


def test_fill_ends_at_lines(visitor):
    visitor.page.fill("#width", "2")
    visitor.stroke((0.5, 0.0), (0.5, 0.999))
    visitor.page.click("[data-tool=fill]")
    visitor.page.get_by_role("radio", name="#e23b3b").click()
    visitor.stroke((0.1, 0.5))
    picture = decoded(visitor.source())
    assert picture[8, 1].tolist() == [0xE2, 0x3B, 0x3B]
    assert picture[8, 14].tolist() == [255, 255, 255]


def test_label_maps_are_painted_exactly(visitor, address, tmp_path):
    visitor.choose("labels")
    names = visitor.page.locator("#inks button").all_inner_texts()
    assert names == ["sky", "wall", "roof", "window", "door", "balcony", "cornice", "shop"]
    visitor.page.get_by_role("radio", name="window").click()
    visitor.page.fill("#width", "5")
    visitor.stroke((0.1, 0.3), (0.9, 0.61))
    visitor.page.click("[data-tool=fill]")
    visitor.page.keyboard.press("8")
    visitor.stroke((0.5, 0.95))
    (tmp_path / "map.png").write_bytes(visitor.source())
    indices = read_label_map(tmp_path / "map.png")
    assert indices.shape == (32, 32, 1)
    assert set(np.unique(indices)) == {3, 7}  # sky was filled, and no value lies between two classes
    expected = post(address, (tmp_path / "map.png").read_bytes(), checkpoint="labels")
    assert np.array_equal(visitor.output(), decoded(expected.content))


def test_label_maps_that_are_uploaded_can_be_drawn_on(visitor, tmp_path):
    indices = np.random.default_rng(0).integers(0, 8, (20, 28, 1), dtype=np.uint8)
    (tmp_path / "map.png").write_bytes(png(indices))
    visitor.choose("labels")
    visitor.page.set_input_files("#file", tmp_path / "map.png")
    visitor.output()
    (tmp_path / "saved.png").write_bytes(visitor.source())
    assert np.array_equal(read_label_map(tmp_path / "saved.png"), indices)


def test_it_is_used_by_keyboard_alone(visitor):
    page = visitor.page
    page.focus("#drawing")
    for key in ("Space", *["ArrowRight"] * 5, *["ArrowDown"] * 3, "Space"):
        page.keyboard.press(key)
    first = visitor.output()
    picture = decoded(visitor.source())
    assert (picture[8, 9:12] < 200).all()
    page.keyboard.press("f")
    assert page.locator("[data-tool=fill]").get_attribute("aria-pressed") == "true"
    page.focus("#inks [aria-checked=true]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.focus("#drawing")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    visitor.output(first)
    page.keyboard.press("c")
    assert (decoded(visitor.source()) == 255).all()
    for _ in range(40):  # everything can be reached, and is named
        page.keyboard.press("Tab")
        named = page.evaluate(
            "() => { const at = document.activeElement;"
            "return at === document.body || Boolean(at.getAttribute('aria-label') || at.textContent.trim()"
            "|| at.labels?.length || at.querySelector('img')?.alt); }"
        )
        assert named, page.evaluate("document.activeElement.outerHTML")


def test_pictures_are_uploaded_dropped_and_pasted(visitor, tmp_path):
    visitor.page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": png(noise(40, 80))})
    uploaded = visitor.output()
    height, width = decoded(visitor.source()).shape[:2]
    assert (width, height) == (23, 16)  # of the same shape, and no smaller than a stroke; about 16 x 16 pixels
    for event, seed in (("drop", 1), ("paste", 2)):
        visitor.page.evaluate(
            """([event, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], "b.png", { type: "image/png" }));
                const init = { bubbles: true, cancelable: true };
                document.dispatchEvent(event === "drop"
                    ? new DragEvent("drop", { ...init, dataTransfer: transfer })
                    : new ClipboardEvent("paste", { ...init, clipboardData: transfer }));
            }""",
            [event, list(png(noise(16, 16, seed)))],
        )
        uploaded = visitor.output(uploaded)
        assert np.array_equal(decoded(visitor.source()), noise(16, 16, seed))


def test_the_camera_takes_a_picture(visitor):
    visitor.page.evaluate(
        """() => {
            const context = Object.assign(document.createElement("canvas"), { width: 32, height: 32 }).getContext("2d");
            setInterval(() => { context.fillStyle = "#20a060"; context.fillRect(0, 0, 32, 32); }, 20);
            navigator.mediaDevices.getUserMedia = async () => context.canvas.captureStream();
        }"""
    )
    visitor.page.click("#camera")
    visitor.page.wait_for_selector("#video")
    while visitor.page.evaluate("document.getElementById('video').readyState") < 2:
        visitor.page.wait_for_timeout(20)
    visitor.page.click("#shoot")
    visitor.output()
    picture = decoded(visitor.source())
    assert np.abs(picture[8, 8].astype(int) - [0x20, 0xA0, 0x60]).max() < 12
    assert visitor.page.locator("#camera-dialog").is_hidden()


def test_what_is_no_picture_is_said_and_the_drawing_stays(visitor):
    visitor.stroke((0.2, 0.2), (0.8, 0.8))
    before = visitor.source()
    text = {"name": "a.png", "mimeType": "image/png", "buffer": b"hello, this is a text"}
    visitor.page.set_input_files("#file", text)
    visitor.page.wait_for_selector("#problem:not(:empty)")
    assert "text" in visitor.page.text_content("#problem")
    assert visitor.source() == before
    visitor.complaints.clear()  # the browser notes the answer 422


def test_samples_and_seeds(visitor, address):
    visitor.stroke((0.2, 0.2), (0.8, 0.8))
    first = visitor.output()
    visitor.page.fill("#seed", "7")
    visitor.page.press("#seed", "Enter")
    seventh = visitor.output(first)
    visitor.page.select_option("#count", "4")
    visitor.page.wait_for_selector("#samples button:nth-child(4)")
    assert visitor.page.locator("#samples button").all_inner_texts() == ["seed 7", "seed 8", "seed 9", "seed 10"]
    visitor.page.click("#samples button:nth-child(3)")
    assert np.array_equal(visitor.output(seventh), decoded(post(address, visitor.source(), seed=9).content))


def test_examples_of_the_run_are_offered(visitor, place):
    visitor.page.wait_for_selector("#example-strip button")
    assert visitor.page.locator("#example-strip button").count() == 3
    visitor.page.click("#example-strip button:nth-child(2)")
    visitor.output()
    held_out = decoded((place / "pairs" / "val" / "1.png").read_bytes())[:, :16]
    assert np.array_equal(decoded(visitor.source()), held_out)


def test_the_pressure_of_a_pen_makes_lines_wider(visitor):
    def dark(pressure: float) -> int:
        visitor.page.click("#clear")
        box = visitor.page.locator("#drawing").bounding_box()
        for name, x in (("pointerdown", 0.2), ("pointermove", 0.8), ("pointerup", 0.8)):
            place = {"clientX": box["x"] + x * box["width"], "clientY": box["y"] + box["height"] / 2}
            kind = {"pointerType": "pen", "pressure": pressure, "isPrimary": True, "pointerId": 1, "button": 0}
            visitor.page.dispatch_event("#drawing", name, {**place, **kind, "bubbles": True})
        return int((decoded(visitor.source()) < 128).sum())

    visitor.page.evaluate("Element.prototype.setPointerCapture = () => {}")  # there is no such pen to capture
    visitor.page.fill("#width", "4")
    assert dark(0.9) > dark(0.5) > dark(0.2)
    visitor.page.uncheck("#pressure")
    assert dark(0.9) == dark(0.2)


def test_what_cannot_be_drawn_is_uploaded(context, place):
    add_pairs(place / "wide", np.uint16)
    run = trained(place, "wide", f'name = "aligned"\nroot = "{(place / "wide").as_posix()}"')
    picture = np.random.default_rng(0).integers(0, 65536, (16, 16, 3), dtype=np.uint16)
    with Desk(load_all([str(run)], lambda _: None)) as desk, running(desk) as address:
        visitor = Visitor(context.new_page(), address)
        assert visitor.page.locator("#rail").is_hidden()
        assert "16 bits" in visitor.page.text_content("#why-not")
        file = {"name": "deep.png", "mimeType": "image/png", "buffer": png(picture)}
        visitor.page.set_input_files("#file", file)
        first = visitor.output()
        with visitor.page.expect_download() as download:
            visitor.page.click("#save")
        assert decoded(download.value.path().read_bytes()).dtype == np.uint16
        visitor.page.wait_for_selector("#example-strip button")
        visitor.page.click("#example-strip button")
        visitor.output(first)
        assert visitor.complaints == []


def test_a_phone_shows_drawing_and_translation_at_once(browser, address):
    with browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, color_scheme="dark") as context:
        visitor = Visitor(context.new_page(), address)
        visitor.choose("labels")
        assert visitor.page.evaluate("document.documentElement.scrollWidth") == 400
        boxes = [visitor.page.locator(f"{section} .stage").bounding_box() for section in ("#source", "#result")]
        assert boxes[0]["y"] + boxes[0]["height"] < boxes[1]["y"]
        assert boxes[1]["y"] + boxes[1]["height"] <= 800
        assert min(box["width"] for box in boxes) > 240
        for box in visitor.page.locator("button:visible").all():
            assert box.bounding_box()["height"] >= 36
        visitor.page.touchscreen.tap(boxes[0]["x"] + 100, boxes[0]["y"] + 100)
        visitor.output()
        screenshot = cv2.imdecode(np.frombuffer(visitor.page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert screenshot[-1, -1].max() < 60
        assert visitor.complaints == []


def test_the_page_of_the_api_is_shown(context, address):
    page = context.new_page()
    page.goto(f"{address}/docs")
    assert page.get_by_role("heading", name="POST /translate").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert io.StringIO(page.content()).getvalue().count("<script") == 0
