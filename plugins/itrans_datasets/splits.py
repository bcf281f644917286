"""Finding the folder of a split, and dividing what has no such folders."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import DataError, MissingSplitError

if TYPE_CHECKING:
    from itrans.api import Split

_STAND_IN: dict[str, Split] = {"val": "test", "test": "val"}
"""Many published data sets have one held-out part, called either way."""


def existing_root(root: str) -> Path:
    """Return the folder of a data set.

    Raises:
        DataError: it is not there, or is no folder.
    """
    path = Path(root)
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "is not there"
        raise DataError(f"The data set's folder {path} {what}. Set dataset.root to where the pictures are.")
    return path


def candidates(split: Split) -> list[Split]:
    """Return a split and what may stand in for it: `val` and `test` stand in for each other."""
    return [split, _STAND_IN[split]] if split in _STAND_IN else [split]


def split_folder(root: Path, split: Split) -> Path:
    """Return the folder of a split.

    Raises:
        MissingSplitError: there is none.
    """
    for name in candidates(split):
        if (root / name).is_dir():
            return root / name
    there = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    listing = f"It has: {', '.join(there)}." if there else "It has no folders."
    raise MissingSplitError(f'{root} has no folder "{split}". {listing}')


def part_of(name: str, held_out: float) -> Split:
    """Return the split that a name falls into: a fixed random choice, half of what is held out `val`, half `test`.

    Args:
        name: what is divided; equal names fall into the same split.
        held_out: the fraction that is not for training.
    """
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place >= held_out:
        return "train"
    return "val" if place < held_out / 2 else "test"
