"""Write the tables and the pictures of `docs/tables.md` from what two sweeps have measured; the page says which.

    python docs/tables/report.py runs/tables runs/tables_labels

Without folders the tables are written anew from the measurements that are kept in this folder.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PAGE = HERE.parent / "tables.md"
METRICS = ("accuracy", "class_accuracy", "class_iou")
HEADINGS = ("per-pixel accuracy", "per-class accuracy", "class IoU")
PICTURES = 3


class Line(NamedTuple):
    """A line of a table: what it says, the recipe whose runs it is of, and the paper's scores, if it has them."""

    title: str
    recipe: str
    paper: tuple[float, float, float] | None


REAL = "real photos"
TABLES = {  # Isola et al., arXiv 1611.07004v3: Cityscapes
    "1": [
        Line("L1", "l1", (0.42, 0.15, 0.11)),
        Line("GAN", "gan", (0.22, 0.05, 0.01)),
        Line("cGAN", "cgan", (0.57, 0.22, 0.16)),
        Line("L1 + GAN", "gan_l1", (0.64, 0.20, 0.15)),
        Line("L1 + cGAN", "cgan_l1", (0.66, 0.23, 0.17)),
        Line("L2 (not in the paper's table)", "l2", None),
        Line(REAL, REAL, (0.80, 0.26, 0.21)),
    ],
    "2": [
        Line("encoder-decoder, L1", "encoder_decoder_l1", (0.35, 0.12, 0.08)),
        Line("encoder-decoder, L1 + cGAN", "encoder_decoder_cgan_l1", (0.29, 0.09, 0.05)),
        Line("U-Net, L1", "l1", (0.48, 0.18, 0.13)),
        Line("U-Net, L1 + cGAN", "cgan_l1", (0.55, 0.20, 0.14)),
    ],
    "3": [
        Line("1x1", "patch1", (0.39, 0.15, 0.10)),
        Line("16x16", "patch16", (0.65, 0.21, 0.17)),
        Line("70x70", "cgan_l1", (0.66, 0.23, 0.17)),
        Line("286x286", "patch286", (0.42, 0.16, 0.11)),
    ],
    "6": [
        Line("L1", "l1", (0.86, 0.42, 0.35)),
        Line("cGAN", "cgan", (0.74, 0.28, 0.22)),
        Line("L1 + cGAN", "cgan_l1", (0.83, 0.36, 0.29)),
    ],
}
COMPARISONS = {
    "losses": ["l1", "l2", "gan", "cgan", "gan_l1", "cgan_l1"],
    "generators": ["encoder_decoder_l1", "l1", "encoder_decoder_cgan_l1", "cgan_l1"],
    "patches": ["patch1", "patch16", "cgan_l1", "patch286"],
    "labels": ["l1", "cgan", "cgan_l1"],
}


def page(text: str, photos: list[dict[str, Any]], labels: list[dict[str, Any]]) -> str:
    """Return the page with its tables written anew.

    Args:
        text: the page as it is.
        photos: the members of the sweep over `recipes/lineage`.
        labels: those of the sweep over `recipes/lineage_labels`.
    """
    for name, lines in TABLES.items():
        prefix, members = ("", labels) if name == "6" else ("fcn_", photos)
        written = table(lines, members, prefix)
        marked = rf"(<!-- table {name} -->\n).*?(<!-- end -->)"
        text = re.sub(marked, rf"\g<1>{written}\n\g<2>", text, flags=re.DOTALL)
    return text


def table(lines: list[Line], members: list[dict[str, Any]], prefix: str) -> str:
    """Return a table in Markdown, measured and the paper's side by side, and in how many pairs their order agrees."""
    measured = {line.recipe: scores(line.recipe, members, prefix) for line in lines}
    rows = [
        ["", *(cell for heading in HEADINGS for cell in (heading, "paper"))],
        ["---"] * 7,
        *(
            [
                line.title,
                *(
                    cell
                    for index in range(3)
                    for cell in (
                        shown(measured[line.recipe][index]),
                        f"{line.paper[index]:.2f}" if line.paper is not None else "",
                    )
                ),
            ]
            for line in lines
        ),
    ]
    told = "; ".join(
        f"{heading} {agreeing(lines, {name: means[index] for name, means in measured.items()}, index)}"
        for index, heading in enumerate(HEADINGS)
    )
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nPairs of systems whose order is the paper's: {told}."


def scores(recipe: str, members: list[dict[str, Any]], prefix: str) -> list[list[float]]:
    """Return a recipe's values with each seed, for each metric; those of real photos are all the same."""
    if recipe == REAL:
        return [[members[0]["real"][f"fcn_{metric}"]] for metric in METRICS]
    runs = [member["metrics"] for member in members if member["name"] == recipe]
    return [[run[f"{prefix}{metric}"] for run in runs] for metric in METRICS]


def shown(values: list[float]) -> str:
    """Return a mean and, of several, the standard deviation."""
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{deviation}"


def agreeing(lines: list[Line], measured: dict[str, list[float]], index: int) -> str:
    """Return of how many pairs of systems, that the paper does not score alike, the better one is the paper's."""
    agreed = counted = 0
    for one, other in combinations([line for line in lines if line.paper is not None and line.recipe != REAL], 2):
        theirs = one.paper[index] - other.paper[index]  # type: ignore[index]
        ours = statistics.fmean(measured[one.recipe]) - statistics.fmean(measured[other.recipe])
        if theirs:
            counted += 1
            agreed += theirs * ours > 0
    return f"{agreed} of {counted}"


def members_of(path: Path) -> list[dict[str, Any]]:
    """Return the members of a sweep that have ended."""
    members = json.loads(path.read_text(encoding="utf-8"))["members"]
    return [member for member in members if member["state"] == "finished"]


def draw(folder: Path, members: list[dict[str, Any]], name: str) -> None:
    """Draw what some recipes make of the first held-out pictures, with the first seed of each."""
    from itrans.api import write_image
    from itrans_evaluate.comparison import comparison_picture

    found: dict[str, Path] = {}
    for member in members:
        run = folder / Path(member["folder"]).name / "checkpoints"
        found.setdefault(member["name"], run / "best.pt")
    chosen = {recipe: found[recipe] for recipe in COMPARISONS[name]}
    write_image(
        HERE.parent / "images" / f"tables_{name}.jpg", comparison_picture(chosen, split="val", pictures=PICTURES)
    )


def keep(members: list[dict[str, Any]], name: str) -> None:
    """Keep the measurements of a sweep in this folder."""
    kept = [
        {key: member[key] for key in ("name", "recipe", "seed", "state", "steps", "metrics", "real", "sample")}
        for member in members
    ]
    (HERE / f"{name}.json").write_text(json.dumps({"members": kept}, indent=1) + "\n", encoding="utf-8")


def main(folders: list[Path]) -> None:
    """Write what is new."""
    for folder, name in zip(folders, ("photos", "labels"), strict=False):
        members = members_of(folder / "results.json")
        keep(members, name)
        for drawn in ("labels",) if name == "labels" else ("losses", "generators", "patches"):
            draw(folder, members, drawn)
    text = page(PAGE.read_text(encoding="utf-8"), *(members_of(HERE / f"{name}.json") for name in ("photos", "labels")))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
