"""Finding the folder of a split, and dividing data sets without such folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from itrans.api import (
    MissingSplitError,
    Split,
    existing_root,
    find_images,
    layout_advice,
    names_of_split,
    no_pictures,
    split_folders,
)
from itrans.api import part_of as part_of

if TYPE_CHECKING:
    from pathlib import Path

HELD_OUT = 0.1
"""The fraction that is held out of what is not divided, if nothing else is said."""

WANTED = {"root": "{split}"}
"""The folders of a data set that has one for each split."""


def split_files(
    root: str, split: Split, holdout: float, advice: str, *, halves: bool = False
) -> tuple[Path, list[str]]:
    """Return the folder of a split, and the pictures in it as texts, which go to worker processes faster than paths.

    Where `root` has none of the folders `train`, `val` and `test`, and has pictures, a fraction `holdout` of these is
    held out, chosen by their names.

    Args:
        root: the data set's folder.
        split: which part.
        holdout: the fraction.
        advice: what pictures to put there, as a sentence.
        halves: whether a picture has both sides of a pair: then pictures in folders alone are not divided.

    Raises:
        DataError: the folder is missing or has no pictures.
        MissingSplitError: there is no such split.
    """
    base = existing_root(root)
    folders = [path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith(".")]
    is_divided = any(name in folders for name in get_args(Split))
    if not is_divided and folders and (halves or layout_advice(base, WANTED)):
        # Folders that are called Train and Valid, or A and B, are not to be thrown together.
        is_divided = all(path.parts[1:] for path in find_images(base))
    folder = _split_folder(base, split, halves=halves) if is_divided else base
    files = [path.as_posix() for path in find_images(folder)]
    if not files:
        raise no_pictures([folder], advice)
    return folder, files if is_divided else names_of_split(files, holdout, split, root)


def _split_folder(root: Path, split: Split, *, halves: bool) -> Path:
    try:
        (folder,) = split_folders(root, WANTED, split)
    except MissingSplitError as error:
        there = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        said = [f'{root} has no folder "{split}".', f"It has: {', '.join(there)}." if there else "It has no folders."]
        said.append(layout_advice(root, WANTED))
        if halves and said[-1].count("{split}") == 2:
            said.append(
                'Pairs in two folders are another data set: dataset.name = "paired", with dataset.source and '
                "dataset.target for the two."
            )
        raise MissingSplitError(" ".join(filter(None, said))) from error
    return folder


def pairs_of_split(
    found: dict[str, tuple[str, ...]], holdout: float, split: Split, root: str
) -> dict[str, tuple[str, ...]]:
    """Return those pairs of a data set without folders for splits that fall into one, by their names.

    Raises:
        MissingSplitError: there are none.
    """
    return {name: found[name] for name in names_of_split(found, holdout, split, root, "pair")}
