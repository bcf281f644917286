"""Draw label maps in the styles of several houses, from a run of recipes/gallery/labels_to_facade.toml.

    python docs/gallery/styles.py runs/labels_to_facade

The houses above are evenly spaced over the test split; so are the label maps on the left.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from strips import IMAGES, LAST, SIZE, evaluated, shown, spaced

from itrans.api import DATASETS, load

STYLES, MAPS = 7, 3


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--out", type=Path, default=IMAGES / "gallery_styles.webp", help="[default: %(default)s]")
    arguments = parser.parse_args()
    translator, rows = load(arguments.run / LAST), evaluated(arguments.run, "test").first
    data = DATASETS.build({"name": "facades_sample", "size": SIZE, "count": 1000}, split="test")
    places = [int(place) for place in np.linspace(0, len(rows) - 1, STYLES + MAPS).round()]
    houses = [data[place].target for place in places[:STYLES]]
    drawn = [[np.full((SIZE, SIZE, 3), 255, np.uint8), *houses]]
    for place in places[STYLES:]:
        label = data[place].source
        drawn.append([rows[place][0], *(translator.translate(label, reference=house) for house in houses)])
    picture = np.vstack([np.hstack([spaced(shown(cell)) for cell in row]) for row in drawn])
    Image.fromarray(picture).save(arguments.out, quality=82, method=6)
    print(arguments.out)


if __name__ == "__main__":
    main()
