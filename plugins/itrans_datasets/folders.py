"""Two folders whose pictures belong together by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from itrans.api import DataError, MissingSplitError, Split, find_images
from itrans_datasets.splits import candidates

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray

_MOST_NAMED = 10
PLACEHOLDER = "{split}"
"""Stands for the split in the name of a folder."""


def split_folders(
    base: Path, source: str, target: str, split: Split, options: tuple[str, str] = ("source", "target")
) -> tuple[Path, Path]:
    """Return the two folders of a split.

    Args:
        base: the data set's folder.
        source: one folder in it; with `{split}` there is one for each split, and `val` and `test` stand in for each
            other where one of them has neither folder.
        target: the other one.
        split: which part.
        options: the arguments of the data set that name the two, for messages.

    Raises:
        DataError: one of them is missing.
        MissingSplitError: both are missing for this split.
    """

    def folders(name: str) -> tuple[Path, Path]:
        return base / source.replace(PLACEHOLDER, name), base / target.replace(PLACEHOLDER, name)

    if PLACEHOLDER in source:
        there = [name for name in get_args(Split) if any(folder.is_dir() for folder in folders(name))]
        chosen = next((name for name in candidates(split) if name in there), None)
        if chosen is None:
            listing = f"It has: {', '.join(there)}." if there else f"It has no {source} and {target}."
            raise MissingSplitError(f'{base} has no folders for the split "{split}". {listing}')
    else:
        chosen = split
    missing = [str(folder) for folder in folders(chosen) if not folder.is_dir()]
    if missing:
        named = " and ".join(f"dataset.{option}" for option in options)
        raise DataError(f"No folder {' and no folder '.join(missing)}; {named} name them.")
    return folders(chosen)


def matched(source: Path, target: Path) -> list[tuple[str, str]]:
    """Return the pairs' two files, each relative to its folder, sorted by their common names.

    Raises:
        DataError: the folders are empty, two files have one name, or a picture has no partner.
    """
    sources, targets = _byname_of(source), _byname_of(target)
    if not sources and not targets:
        raise DataError(f"{source} and {target} hold no pictures. Put pictures of the same names in both.")
    lacking = [
        f"{len(names)} missing in {folder}: {_named(names)}"
        for folder, names in (
            (target, sorted(sources.keys() - targets.keys())),
            (source, sorted(targets.keys() - sources.keys())),
        )
        if names
    ]
    if lacking:
        raise DataError("\n".join(["The two folders do not match (names are compared without suffix):", *lacking]))
    return [(sources[name], targets[name]) for name in sorted(sources)]


def _named(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")


def _byname_of(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in find_images(folder):
        name = name_of(path.as_posix())
        if name in found:
            raise DataError(
                f"{folder / found[name]} and {folder / path} have the same name: which of them is meant is not clear."
            )
        found[name] = path.as_posix()
    return found


def name_of(file: str) -> str:
    """Return what both files of a pair are called: a relative path without its suffix.

    `find_images` finds only files that have one.
    """
    return file[: file.rindex(".")]


def check_same_size(path: Path, image: ImageArray, other_path: Path, other: ImageArray) -> None:
    """Compare the two pictures of a pair.

    Raises:
        DataError: they have different sizes.
    """
    (height, width), (other_height, other_width) = image.shape[:2], other.shape[:2]
    if (height, width) != (other_height, other_width):
        raise DataError(
            f"{path} is {width}x{height}, but {other_path} is {other_width}x{other_height} (width x height): the two "
            "pictures of a pair must have the same size."
        )
