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
from strips import IMAGES, evaluated, shown, spaced

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICKED: list[dict[str, tuple[str, tuple[int, ...]]]] = [
    {
        "flat_to_3d": ("flat -> 3D", (3, 15, 17, 16, 61)),
        "lines_to_colour": ("lines -> colour", (8, 9, 28, 6)),
    },
    {
        "grey_to_colour": ("grey -> colour", (40, 60, 15)),
        "labels_to_facade": ("labels -> facade", (27, 12)),
        "facade_to_labels": ("facade -> labels", (27, 12)),
        "inpainting": ("inpainting", (51, 42)),
    },
]
"""Of each row the runs, what stands above them, and the places of their pictures in the test split."""

SEEDS = {"labels_to_facade": (0, 7)}
"""Of a run whose outputs vary, the seed of each picture."""

BETWEEN, HEADING, TEXT = 22, 30, 22


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="the folder of the runs")
    parser.add_argument("--out", type=Path, default=IMAGES / "gallery.webp", help="[default: docs/images/gallery.webp]")
    arguments = parser.parse_args()
    rows = [row_of([part(arguments.runs / name, *picked) for name, picked in row.items()]) for row in PICKED]
    width = max(row.shape[1] for row in rows)
    whole = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows])
    Image.fromarray(whole).save(arguments.out, quality=82, method=6)
    print(arguments.out)


def row_of(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return tasks beside each other."""
    gap = np.full((parts[0].shape[0], BETWEEN, 3), 255, np.uint8)
    return np.hstack([piece for one in parts for piece in (gap, one)][1:])


def part(run: Path, heading: str, places: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a task's pictures under its heading, sources above outputs."""
    seeds = SEEDS.get(run.name, (0,) * len(places))
    found = {seed: evaluated(run, "test", max(places) + 1, seed).first for seed in set(seeds)}
    rows = [found[seed][place] for place, seed in zip(places, seeds, strict=True)]
    columns = np.hstack([np.vstack([spaced(shown(side)) for side in row[:2]]) for row in rows])
    above = Image.new("RGB", (columns.shape[1], HEADING), "white")
    font = ImageFont.load_default(TEXT)
    ImageDraw.Draw(above).text((columns.shape[1] / 2, HEADING / 2), heading, "#444", font, anchor="mm")
    return np.vstack([np.asarray(above), columns])


if __name__ == "__main__":
    main()
