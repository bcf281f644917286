"""Data sets of several folders: finding those of a split, and dividing those that have none for splits."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

import numpy as np

from itrans.data.layouts import PLACEHOLDER, folders_there, layout_advice
from itrans.data.matches import Matches, match_names
from itrans.errors import DataError, MissingSplitError
from itrans.files import expanded, is_there
from itrans.pictures.names import Names
from itrans.records import Split
from itrans.scales import is_scaled

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from itrans.pictures.spec import ImageArray

_STAND_IN: dict[Split, Split] = {"val": "test", "test": "val"}
"""Many published data sets have one held-out part, called either way."""

_MOST_TRIED = 20
_WHOLE = 2.0**64
"""One more than the largest number of eight bytes."""

Read = TypeVar("Read")

Divided = TypeVar("Divided", Names, Matches)


def existing_root(root: str | os.PathLike[str]) -> Path:
    """Return the folder of a data set; a leading `~` is the home folder.

    Raises:
        DataError: it is not there, or is no folder.
    """
    path = expanded(root)
    if not is_there(path) or not path.is_dir():
        what = "is a file, not a folder" if is_there(path) else "is not there"
        raise DataError(f"The data set's folder {path} {what}. Set dataset.root to where the pictures are.")
    return path


def split_folders(root: str | os.PathLike[str], folders: Mapping[str, str], split: Split) -> list[Path]:
    """Return the folders of a split, in the order in which they are given.

    `val` and `test` stand in for each other where one of them has none of its folders.

    Args:
        root: the data set's folder.
        folders: the name of each folder in it, by the argument of the data set that gives the name. `{split}` in a name
            stands for the split; where no name has it, all splits have the same folders.
        split: which part.

    Raises:
        DataError: the root is missing, or only some of the split's folders are.
        MissingSplitError: all of them are missing for this split.
        ValueError: some of the names have `{split}`, and others have not.
    """
    base = existing_root(root)
    names = list(folders.values())
    divided = [PLACEHOLDER in name for name in names]
    if any(divided) and not all(divided):
        options = " and ".join(f'"{option}"' for option in folders)
        raise ValueError(f'"{PLACEHOLDER}" belongs in each of {options}, or in none')

    def paths(split: Split) -> list[Path]:
        return [base / name.replace(PLACEHOLDER, split) for name in names]

    chosen = measured_split(base, folders, split)
    if any(divided):
        there = [name for name in get_args(Split) if any(path.is_dir() for path in paths(name))]
        if chosen not in there:
            listing = f"It has: {', '.join(there)}." if there else f"It has no {' and no '.join(names)}."
            advice = layout_advice(base, folders)
            if not there and not advice and (found := folders_there(base)):
                advice = f"What is there: {found}."
            raise MissingSplitError(f'{base} has no folders for the split "{split}". {listing} {advice}'.rstrip())
    if missing := [str(path) for path in paths(chosen) if not path.is_dir()]:
        options = " and ".join(f"dataset.{option}" for option in folders)
        told = f"No folder {' and no folder '.join(missing)}; {options} name them."
        raise DataError(f"{told} {layout_advice(base, folders)}".rstrip())
    return paths(chosen)


def measured_split(root: str | os.PathLike[str], folders: Mapping[str, str], split: Split) -> Split:
    """Return the split whose folders `split_folders` takes: another one, where that stands in.

    Args:
        root: the data set's folder.
        folders: see `split_folders`.
        split: which part.
    """
    names = [name for name in folders.values() if PLACEHOLDER in name]

    def is_there(split: Split) -> bool:
        return any((Path(root) / name.replace(PLACEHOLDER, split)).is_dir() for name in names)

    other = _STAND_IN.get(split, split)
    return other if is_there(other) and not is_there(split) else split


def match_images(
    folders: Sequence[Path], endings: Mapping[str, str | None] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the pictures that belong together: those whose paths in the folders are the same but for the suffix.

    Of many thousands, `match_names` takes less memory.

    Args:
        folders: where to look, also in folders within them; one folder can be there twice, with two endings.
        endings: what the names in each folder end in, by the argument of the data set that gives the ending. It may
            have the suffix in it: `_depth` or `_depth.png`. Pictures with another ending are left out, and names are
            compared without it. None, or an empty text, takes all pictures of that folder.

    Returns:
        By the common name, sorted: a path in each folder, as texts.

    Raises:
        DataError: there are no pictures, or none with the ending; two in one folder have the same name; or a folder
            lacks some: what is missing in each is listed.
        ValueError: one folder is there twice, and its pictures are not told apart.
    """
    return dict(match_names(folders, endings).items())


def part_of(name: str, held_out: float) -> Split:
    """Return the split that a name falls into: a fixed random choice, half of what is held out `val`, half `test`.

    Args:
        name: what is divided; equal names fall into the same split.
        held_out: the fraction that is not for training.
    """
    place = int.from_bytes(_digest(name), "big") / _WHOLE
    if place >= held_out:
        return "train"
    return "val" if place < held_out / 2 else "test"


def _digest(name: str) -> bytes:
    """Return eight bytes that a name alone decides."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:8]


def names_of_split(
    names: Iterable[str], held_out: float, split: Split, root: str | os.PathLike[str], what: str = "picture"
) -> list[str]:
    """Return those names of a data set without folders for splits that fall into one; see `part_of`.

    Args:
        names: of all.
        held_out: the fraction that is not for training.
        split: which part.
        root: the data set's folder, for the message.
        what: what has these names, for the message.

    Raises:
        MissingSplitError: there are none.
    """
    found = [name for name in names if part_of(name, held_out) == split]
    if not found:
        raise _nothing_falls(split, root, what)
    return found


def take_split(
    found: Divided, held_out: float, split: Split, root: str | os.PathLike[str], what: str = "picture"
) -> Divided:
    """Return those of the names, or matches, of a data set without folders for splits that fall into one.

    Args:
        found: what there is, as `image_names` or `match_names` returns it.
        held_out: this and the others are those of `names_of_split`.
        split: which part.
        root: the data set's folder.
        what: what has these names.

    Raises:
        MissingSplitError: there are none.
    """
    digests = bytearray()
    for name in found:
        digests += _digest(name)
    places = np.frombuffer(digests, ">u8") / _WHOLE
    held = places < held_out
    chosen = np.flatnonzero(~held if split == "train" else held & ((places < held_out / 2) == (split == "val")))
    if not len(chosen):
        raise _nothing_falls(split, root, what)
    return found.take(chosen)


def _nothing_falls(split: Split, root: str | os.PathLike[str], what: str) -> MissingSplitError:
    return MissingSplitError(
        f'No {what} of {root} falls into the split "{split}": there are too few. Try another dataset.holdout.'
    )


def first_readable(read: Callable[[int], Read], count: int) -> tuple[int, Read]:
    """Return the first of a data set's pictures that can be read, its number before it: it says what all are like.

    A first picture that is damaged is no more than any other that is: it is told, or left out, when its turn comes.

    Args:
        read: reads the picture of a number, from 0 on.
        count: how many there are.

    Raises:
        DataError: none of the first few can be read; this is what is wrong with the very first one.
    """
    fault: DataError | None = None
    for index in range(min(count, _MOST_TRIED)):
        try:
            return index, read(index)
        except DataError as error:
            fault = fault or error
    raise fault or DataError("The data set is empty.")


def check_same_size(
    path: Path, image: ImageArray, other_path: Path, other: ImageArray, scale: Fraction = Fraction(1)
) -> None:
    """Compare the heights and widths of two pictures of a pair.

    Args:
        path: the file of the first, for the message.
        image: `(H, W, C)`.
        other_path: the file of the second.
        other: `(H, W, C)`.
        scale: how many times as large as the first the second is to be.

    Raises:
        DataError: they differ; both files and sizes are named.
    """
    (height, width), (other_height, other_width) = image.shape[:2], other.shape[:2]
    if not is_scaled((height, width), (other_height, other_width), scale):
        wanted = "the two pictures of a pair must have the same size."
        if scale != 1:
            wanted = f"the target must be {scale} times as wide and high (the scale of the data set)."
        raise DataError(
            f"{path} is {width}x{height}, but {other_path} is {other_width}x{other_height} (width x height): {wanted}"
        )
