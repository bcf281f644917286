"""Draw label maps in the styles of several houses, from a run of recipes/gallery/labels_to_facade.toml.

    python docs/gallery/styles.py runs/labels_to_facade

The houses above are evenly spaced over the test split; so are the label maps on the left.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from strips import IMAGES, LAST, SIZE, shown, spaced

from itrans.api import kind_of, load
from itrans.commands import build_dataset, load_checkpoint

STYLES, MAPS = 7, 3


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--out", type=Path, default=IMAGES / "gallery_styles.webp", help="[default: %(default)s]")
    arguments = parser.parse_args()
    file = arguments.run / LAST
    translator, data = load(file), build_dataset(load_checkpoint(file).checked_recipe(file), "test")
    pairs = [data[int(place)] for place in np.linspace(0, len(data) - 1, STYLES + MAPS).round()]
    houses, labels = [pair.target for pair in pairs[:STYLES]], [pair.source for pair in pairs[STYLES:]]
    coloured = kind_of(data.source).shown(labels, data.source, labels)
    drawn = [[np.full((SIZE, SIZE, 3), 255, np.uint8), *houses]]
    for label, colours in zip(labels, coloured, strict=True):
        drawn.append([colours, *(translator.translate(label, reference=house) for house in houses)])
    picture = np.vstack([np.hstack([spaced(shown(cell)) for cell in row]) for row in drawn])
    Image.fromarray(picture).save(arguments.out, quality=82, method=6)
    print(arguments.out)


if __name__ == "__main__":
    main()
