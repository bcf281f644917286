"""Finding the folder of a split, and dividing data sets without such folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from itrans.api import (
    MissingSplitError,
    Split,
    existing_root,
    folders_in,
    image_names,
    layout_advice,
    no_pictures,
    split_folders,
    take_split,
)
from itrans.api import part_of as part_of

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import Names

HELD_OUT = 0.1
"""The fraction that is held out of what is not divided, if nothing else is said."""

WANTED = {"root": "{split}"}
"""The folders of a data set that has one for each split."""


def split_files(root: str, split: Split, holdout: float, advice: str, *, halves: bool = False) -> tuple[Path, Names]:
    """Return the folder of a split, and the pictures in it.

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
    folders = folders_in(base)
    is_divided = any(name in folders for name in get_args(Split))
    files = None
    if not is_divided and folders and (halves or layout_advice(base, WANTED)):
        # Folders that are called Train and Valid, or A and B, are not to be thrown together.
        files = image_names(base)
        is_divided = all("/" in file for file in files)
    folder = _split_folder(base, split, halves=halves) if is_divided else base
    if files is None or is_divided:
        files = image_names(folder)
    if not files:
        raise no_pictures([folder], advice)
    return folder, files if is_divided else take_split(files, holdout, split, root)


def _split_folder(root: Path, split: Split, *, halves: bool) -> Path:
    try:
        (folder,) = split_folders(root, WANTED, split)
    except MissingSplitError as error:
        there = folders_in(root)
        said = [f'{root} has no folder "{split}".', f"It has: {', '.join(there)}." if there else "It has no folders."]
        said.append(layout_advice(root, WANTED))
        if halves and said[-1].count("{split}") == 2:
            said.append(
                'Pairs in two folders are another data set: dataset.name = "paired", with dataset.source and '
                "dataset.target for the two."
            )
        raise MissingSplitError(" ".join(filter(None, said))) from error
    return folder
