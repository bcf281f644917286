"""Draw the wide picture at the top of the README from runs of the gallery's recipes: sources above, outputs below.

    python docs/gallery/wide.py runs

The pictures were picked, from those that were held out; docs/gallery.md shows evenly spaced ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from strips import IMAGES, LAST, shown, spaced

from itrans.evaluation import evaluate_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICKED = {
    "flat_to_3d": ("flat -> 3D", (3, 4, 15, 17, 16, 68, 61)),
    "lines_to_colour": ("lines -> colour", (8, 9, 28, 6)),
}
"""Runs, what stands above them, and the places of their pictures in the test split."""

BETWEEN, HEADING, TEXT = 22, 30, 22


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="the folder of the runs")
    parser.add_argument("--out", type=Path, default=IMAGES / "gallery.webp", help="[default: docs/images/gallery.webp]")
    arguments = parser.parse_args()
    parts = []
    for name, (heading, places) in PICKED.items():
        rows = evaluate_checkpoint(
            arguments.runs / name / LAST, split="test", keep=max(places) + 1, pairs=max(places) + 1
        ).first
        parts.append(part(heading, [rows[place][:2] for place in places]))
    gap = np.full((parts[0].shape[0], BETWEEN, 3), 255, np.uint8)
    Image.fromarray(np.hstack([piece for one in parts for piece in (gap, one)][1:])).save(
        arguments.out, quality=85, method=6
    )
    print(arguments.out)


def part(heading: str, pairs: list[tuple[NDArray[np.uint8], ...]]) -> NDArray[np.uint8]:
    """Return a task's pictures under its heading."""
    columns = np.hstack([np.vstack([spaced(shown(side)) for side in pair]) for pair in pairs])
    above = Image.new("RGB", (columns.shape[1], HEADING), "white")
    font = ImageFont.load_default(TEXT)
    ImageDraw.Draw(above).text((columns.shape[1] / 2, HEADING / 2), heading, "#444", font, anchor="mm")
    return np.vstack([np.asarray(above), columns])


if __name__ == "__main__":
    main()
