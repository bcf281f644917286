"""Matching the pictures of two folders by their names, also where the two are one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import match_images, split_folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itrans.api import Split


def match_sides(
    root: str, names: Mapping[str, str], endings: Mapping[str, str | None], split: Split
) -> tuple[list[Path], dict[str, tuple[str, ...]]]:
    """Return the two folders of a split, and the pictures in them that belong together; see `match_images`.

    Args:
        root: the data set's folder.
        names: the name of each folder in it, by the argument of the data set that gives the name.
        endings: what the names of pictures in each end in, likewise. Where the two are one folder, both are needed.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or the two do not match.
        MissingSplitError: there is no such split.
        ValueError: the two are one folder, and its pictures are not told apart.
    """
    folders = split_folders(root, names, split)
    one, other = folders
    if not one.samefile(other):
        return folders, match_images(folders, endings)
    together = f"{_both(names)} are the same folder, {one}"
    examples = _both({f"_{option.removesuffix('_ending')}": None for option in endings})
    remedy = f'set {_both(endings)} to what the names of each end in, such as {examples}, or ".png" and ".jpg"'
    if not all(endings.values()):
        raise ValueError(f"{together}: {remedy}")
    found = match_images(folders, endings)
    if twice := next((first for first, second in found.values() if first == second), None):
        raise ValueError(f"{together}, and {twice} has both endings: {remedy}")
    return folders, found


def _both(names: Mapping[str, object]) -> str:
    return " and ".join(f'"{name}"' for name in names)
