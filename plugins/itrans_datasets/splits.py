"""Finding the one folder of a split, and dividing what has no such folders."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from itrans.api import MissingSplitError, split_folders

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import Split


def split_folder(root: Path, split: Split) -> Path:
    """Return the folder of a split; `val` and `test` stand in for each other.

    Raises:
        DataError: the root is missing.
        MissingSplitError: there is none.
    """
    try:
        (folder,) = split_folders(root, {"root": "{split}"}, split)
    except MissingSplitError:
        there = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        listing = f"It has: {', '.join(there)}." if there else "It has no folders."
        raise MissingSplitError(f'{root} has no folder "{split}". {listing}') from None
    return folder


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
