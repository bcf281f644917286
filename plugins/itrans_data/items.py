"""What `itrans data prepare` reads: single pictures, or pairs of two folders, by their names and splits."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from itrans.api import DataError, Split, did_you_mean, match_names, no_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SPLITS: tuple[Split, ...] = get_args(Split)
_PLACEHOLDER = "{split}"
_CLOSE = 1e-6
_FOLDER = "folder"
"""The `--group` that takes all pictures of a folder together."""


@dataclass(frozen=True)
class Item:
    """A picture, or a pair.

    Attributes:
        name: its path in the folder, and in that of its split, without the suffix.
        files: of the picture, or of the source and the target.
        split: the one that it is in; None if there are none.
    """

    name: str
    files: tuple[Path, ...]
    split: Split | None = None


def find_items(folders: Sequence[str]) -> list[Item]:
    """Return the pictures of a folder, or the pairs of two, sorted by splits and names.

    A folder is divided if it has folders `train`, `val` or `test` in it, or if `{split}` is in its path.

    Raises:
        DataError: a folder is missing or empty, or two do not match, or are one.
    """
    if (divided := any(_PLACEHOLDER in folder for folder in folders)) and not all(
        _PLACEHOLDER in folder for folder in folders
    ):
        raise DataError(f"{' and '.join(folders)}: {_PLACEHOLDER} belongs in both, or in none.")
    bases = [Path(folder).expanduser() for folder in folders]
    if divided:
        parts = {split: [Path(str(base).replace(_PLACEHOLDER, split)) for base in bases] for split in SPLITS}
        there = {split: paths for split, paths in parts.items() if any(path.is_dir() for path in paths)}
        if not there:
            raise DataError(f"{folders[0]} is not there for any of {', '.join(SPLITS)}.")
    else:
        for base in bases:
            _require_folder(base)
        if len(bases) == 2 and bases[0].samefile(bases[1]):
            raise DataError(f"{folders[0]} and {folders[1]} are one folder: sources and targets go in two.")
        found = [split for split in SPLITS if any((base / split).is_dir() for base in bases)]
        there = {split: [base / split for base in bases] for split in found}
    if not there:
        return _items_in(bases, None)
    return [item for split, paths in there.items() for item in _items_in(paths, split)]


def _items_in(folders: Sequence[Path], split: Split | None) -> list[Item]:
    for folder in folders:
        _require_folder(folder)
    found = match_names(folders)
    if not found:
        raise no_pictures(folders, "Give a folder with pictures.")
    pairs = zip(found.names, *found.files, strict=True)
    return [
        Item(name, tuple(folder / file for folder, file in zip(folders, files, strict=True)), split)
        for name, *files in pairs
    ]


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError(f"{folder} {'is a file, not a folder' if folder.exists() else 'is not there'}.")


def fractions_of(text: str) -> dict[Split, float]:
    """Return the fraction of each split that `--split` asks for, as in `train=0.8,val=0.1,test=0.1`.

    Raises:
        DataError: it cannot be read, or they do not add up to 1.
    """
    found: dict[Split, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in SPLITS:
            raise DataError(f'--split {text}: there is no split "{name}".{did_you_mean(name, SPLITS)}')
        try:
            fraction = float(value)
        except ValueError:
            raise DataError(f'--split {text}: "{value}" is not a fraction, as in train=0.8,val=0.1,test=0.1.') from None
        if not 0 <= fraction <= 1 or name in found:
            raise DataError(f"--split {text}: give each split once, with a fraction from 0 to 1.")
        found[name] = fraction
    if not math.isclose(total := sum(found.values()), 1, abs_tol=_CLOSE):
        raise DataError(f"--split {text}: the fractions add up to {total:g}, not to 1.")
    return found


def divide(items: Iterable[Item], fractions: Mapping[Split, float], group: str | None) -> list[Item]:
    """Return items with the splits that they fall into, sorted by these and their names.

    A hash of the name of an item's group decides, so that others which are added later move none. Groups of equal
    names stay together.

    Args:
        items: without splits.
        fractions: how much each split gets, about.
        group: a regular expression whose first group, or all that it finds, names the group; `folder` for the folder
            that a picture is in; None if each item is one of its own.

    Raises:
        DataError: the expression is none, finds nothing in a name, or the same in all.
    """
    named = list(_groups(items, group))
    if group is not None and len(there := {name for _, name in named}) == 1:
        raise DataError(f'--group {group}: all pictures are of one group, "{there.pop()}", and would be in one split.')
    divided = [replace(item, split=_split_of(name, fractions)) for item, name in named]
    return sorted(divided, key=lambda item: (SPLITS.index(item.split or "train"), item.name))


def _groups(items: Iterable[Item], group: str | None) -> Iterator[tuple[Item, str]]:
    """Yield each item and the name of its group."""
    try:
        pattern = re.compile(group or "")
    except re.error as error:
        raise DataError(f"--group {group}: this is not a regular expression: {error}.") from error
    for item in items:
        if group is None:
            yield item, item.name
        elif group == _FOLDER:
            yield item, item.name.rpartition("/")[0]
        elif (match := pattern.search(item.name)) is not None:
            yield item, (match[1] if pattern.groups else match[0]) or ""
        else:
            raise DataError(f'--group {group}: it finds nothing in the name "{item.name}", so its group is not known.')


def _split_of(name: str, fractions: Mapping[Split, float]) -> Split:
    """Return the split that a group falls into; with equal parts for `val` and `test`, that of `itrans.api.part_of`."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for split in ("val", "test", "train"):
        place -= fractions.get(split, 0)
        if place < 0:
            return split
    return max(fractions, key=lambda split: fractions[split])  # the fractions fell short of 1 by a rounding
