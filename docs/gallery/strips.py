"""Draw the pictures of docs/gallery.md from runs of the gallery's recipes, and print what was measured.

    python docs/gallery/strips.py runs/lines_to_colour runs/flat_to_3d ...

Of each run's test pairs, which nothing was chosen by, `docs/images/gallery_NAME.webp` shows some evenly spaced ones
and, behind a line, the two farthest from their targets. The source is above, below it the output, then the target.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from itrans.evaluation import evaluate_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.api import Split
    from itrans.commands import Row
    from itrans.evaluation import Evaluation

IMAGES = Path(__file__).parent.parent / "images"
LAST = Path("checkpoints", "last.pt")
PAIRS = {"unpaired": 'dataset={name="paired", root="datasets/fluent", source="flat/{split}", target="3d/{split}"}'}
"""Of runs that were trained without pairs, the pairs that their outputs are laid beside."""

EVEN, WORST = 8, 2
SIZE, GAP, LINE = 128, 6, 20


def main() -> None:
    """Draw a strip for each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, nargs="+", help="a run's folder")
    parser.add_argument("--split", default="test", choices=["test", "val"])
    parser.add_argument("--out", type=Path, default=IMAGES, help="[default: docs/images]")
    arguments = parser.parse_args()
    for run in arguments.run:
        found = evaluated(run, arguments.split)
        even = np.linspace(0, len(found.first) - 1, EVEN).round().astype(int)
        file = arguments.out / f"gallery_{run.name}.webp"
        Image.fromarray(strip([found.first[place] for place in even], found.worst[:WORST])).save(
            file, quality=82, method=6
        )
        scores = ", ".join(
            f"{name} {score.value:.4f}" for name, score in found.scores.items() if score.value is not None
        )
        print(f"{run.name}: {found.pictures} {arguments.split} pairs at step {found.step}, {scores}; {file}")
        print(f"  {seconds(run) / 60:.0f} min, {found.attribution}")


def evaluated(run: Path, split: Split, pairs: int | None = None, seed: int = 0) -> Evaluation:
    """Return what the last checkpoint of a run makes of a split, or of its first pairs, which are kept."""
    overrides = [PAIRS[run.name]] if run.name in PAIRS else []
    return evaluate_checkpoint(
        run / LAST, split=split, keep=pairs or 10_000, pairs=pairs, overrides=overrides, seed=seed
    )


def strip(even: Sequence[Row], worst: Sequence[Row]) -> NDArray[np.uint8]:
    """Return a picture of pairs side by side: source above output above target."""
    columns = [np.vstack([spaced(shown(side)) for side in row[:3]]) for row in (*even, *worst)]
    gap = np.full((columns[0].shape[0], LINE, 3), 255, np.uint8)
    gap[:, LINE // 2 - 1 : LINE // 2] = 160
    return np.hstack([*columns[: len(even)], gap, *columns[len(even) :]])


def shown(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return any picture as `(SIZE, SIZE, 3)` of uint8."""
    scale = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}[str(image.dtype)]
    values = np.rint(np.asarray(image, np.float32) * scale).clip(0, 255).astype(np.uint8)
    values = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return np.asarray(cv2.resize(values, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def spaced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with white around it."""
    return np.pad(picture, ((GAP, GAP), (GAP // 2, GAP // 2), (0, 0)), constant_values=255)


def seconds(run: Path) -> float:
    """Return how long a run took, in all its sittings."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    starts = [place for place, event in enumerate(events) if event["event"] == "start"] + [len(events)]
    return float(sum(events[end - 1]["seconds"] for end in starts[1:]))


if __name__ == "__main__":
    main()
