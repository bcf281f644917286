"""The six archives that were published with the Pix2Pix paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """One published data set, each picture of which holds source and target side by side.

    Attributes:
        name: of the data set, of its folder and, with `.tar.gz`, of its file.
        description: what is translated into what.
        pairs: how many pairs there are to train on, as the paper counts them.
    """

    name: str
    description: str
    pairs: str


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive("cityscapes", "label maps of German streets <-> photos", "2,975"),
        Archive("edges2handbags", "edges of handbags -> photos", "about 137,000"),
        Archive("edges2shoes", "edges of shoes -> photos", "about 50,000"),
        Archive("facades", "label maps of house fronts <-> photos", "400"),
        Archive("maps", "street maps <-> aerial photos", "1,096"),
        Archive("night2day", "photos at night -> the same places by day", "17,823"),
    )
}


def how_to_get(root: str) -> str:
    """Return the command that downloads the archive of this folder; empty if there is none."""
    folder = Path(root)
    if folder.name not in ARCHIVES:
        return ""
    where = "" if folder.parent == Path("datasets") else f" -o {folder.parent}"
    return f"itrans data fetch {folder.name}{where}"
