"""Draw the figures of docs/explained.md from a page that `itrans inspect RUN --explain PICTURE` made.

    itrans inspect runs/flat_to_3d --explain 1f475 -o explained
    python docs/gallery/explained.py explained/1f475.html

The figures have sizes and numbers in them but no words, so that the page in Chinese shows the same ones.
"""

from __future__ import annotations

import argparse
import html
import io
import re
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent.parent / "images"
STYLE = """
body { background: #fff; color: #444; font: 13px/1.3 sans-serif; margin: 0; width: max-content; padding: 6px }
.row { display: flex; gap: 10px; align-items: flex-start }
figure { margin: 0; text-align: center }
figure > :first-child { display: block; width: var(--side); height: var(--side); image-rendering: pixelated;
                        outline: 1px solid #ddd }
image.pixels { image-rendering: pixelated }
figcaption { padding-top: 3px; min-height: 17px }
.u { display: grid; grid-template-columns: repeat(8, auto); gap: 2px 10px; align-items: center }
.down { text-align: center; color: #888; line-height: 1 }
.bottom { grid-column: 8; grid-row: 1 / 4 }
"""


def main() -> None:
    """Draw the three figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", type=Path, help="what itrans inspect --explain wrote")
    parser.add_argument("--out", type=Path, default=IMAGES, help="[default: docs/images]")
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    bodies = {"levels": levels(page), "skips": skips(page), "logits": logits(page)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(device_scale_factor=1.5)
        for name, body in bodies.items():
            tab.set_content(f"<!doctype html><style>{STYLE}</style><body>{body}</body>")
            shot = Image.open(io.BytesIO(tab.locator("body").screenshot())).convert("RGB")
            shot.save(arguments.out / f"explained_{name}.webp", quality=85, method=6)
        browser.close()


def levels(page: str) -> str:
    """Return the levels as a U: the source, the encoder and its one pixel; below them the output and the decoder."""
    colours = images(page, "principal components")
    sizes = [
        f"{size} · {channels}"
        for size, channels in re.findall(r"<h3>(\d+x\d+), (\d+) channels</h3><p class=.soft.>by", page)
    ]
    half = len(colours) // 2
    down = [figure(image(page, "source"), "128x128 · 3"), *map(figure, colours[:half], sizes)]
    up = [figure(image(page, "output"), "128x128 · 3"), *map(figure, colours[half:][::-1], sizes[half + 1 :][::-1])]
    arrows = ['<div class="down"></div>'] + ['<div class="down">↓</div>'] * half
    bottom = f'<div class="bottom">{figure(image(page, "the values of the only pixel"), sizes[half])}</div>'
    return f'<div class="u" style="--side: 104px">{"".join([*down, bottom, *arrows, *up])}</div>'


def skips(page: str) -> str:
    """Return outputs: all skip connections, no largest one, that alone, no smallest one, none."""
    largest, *_, smallest = re.findall(r'alt="only (\d+x\d+)"', page)
    names = ["full output", f"without {largest}", f"only {largest}", f"without {smallest}", "no skip connection"]
    return row(160, *(figure(image(page, name), f"L1 {distance(page, name)}") for name in names))


def distance(page: str, name: str) -> str:
    """Return how far the image of a name is from the target."""
    found = re.search(rf'alt="{name}".*?L1 from the target: ([\d.]+)', page, re.DOTALL)
    if found is None:
        raise SystemExit("The page has no distances: --explain needs a picture with a target.")
    return found[1]


def logits(page: str) -> str:
    """Return the logits over output and target, the gradient of one, its patch, what it asks for, and a step to it."""
    shares = re.findall(r"(\d+ %) of the patches taken for real", page)
    before, after = re.findall(r"<span class=.soft.>logit ([\u2212\d.]+)", page)
    return row(
        160,
        figure(drawing(page, "logits over the output"), f"&gt; 0: {shares[0]}"),
        figure(drawing(page, "logits over the target"), f"&gt; 0: {shares[1]}"),
        figure(drawing(page, "its gradient on the output"), ""),
        figure(image(page, "the patch"), f"logit {before}"),
        figure(image(page, "what it asks for"), ""),
        figure(image(page, "the patch, moved"), f"logit {after}"),
    )


def images(page: str, name: str) -> list[str]:
    """Return the page's images of one name."""
    return re.findall(rf'<img src="[^"]+" alt="{re.escape(html.escape(name))}"[^>]*>', page)


def image(page: str, name: str) -> str:
    """Return the page's first image of a name."""
    found = images(page, name)
    if not found:
        raise SystemExit(f"The page has no picture called {name!r}.")
    return found[0]


def drawing(page: str, label: str) -> str:
    """Return the page's drawing of one label."""
    found = re.search(rf'<svg [^>]*aria-label="{re.escape(label)}">.*?</svg>', page, re.DOTALL)
    if found is None:
        raise SystemExit(f"The page has no drawing of {label}: was it made with a discriminator?")
    return found[0]


def figure(image: str, caption: str) -> str:
    """Return an image over its caption."""
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def row(side: int, *figures: str) -> str:
    """Return figures side by side, each `side` pixels wide."""
    return f'<div class="row" style="--side: {side}px">{"".join(figures)}</div>'


if __name__ == "__main__":
    main()
