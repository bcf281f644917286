"""What a folder of pictures holds: its sides, each with its files by split."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PLACEHOLDER = "{split}"
"""What stands for the name of a split in that of a folder."""

SPLITS = ("train", "val", "test")
_MOST_NAMED = 3


@dataclass
class Side:
    """A folder of pictures, in each split if there are any.

    Attributes:
        template: its path in the data set's folder, with `{split}` for the name of the split.
        files: the pictures by split: their paths in the data set's folder. Without splits, the split is an empty text.
        ending: what the names of its files end in, where both sides lie in one folder.
    """

    template: str
    files: dict[str, list[str]] = field(default_factory=dict)
    ending: str = ""

    @property
    def all_files(self) -> list[str]:
        """The pictures of all splits."""
        return [file for files in self.files.values() for file in files]

    @property
    def first_files(self) -> list[str]:
        """The pictures to train with."""
        return self.files.get("train") or self.all_files

    @property
    def held_out_files(self) -> list[str]:
        """The pictures of the other splits."""
        return [
            file
            for split, files in self.files.items()
            if self.files.get("train") and split != "train"
            for file in files
        ]

    def names(self, split: str) -> set[str]:
        """Return what the pictures of a split are called within the folder, without suffix and ending."""
        return {*self.by_name(split)}

    def by_name(self, split: str) -> dict[str, str]:
        """Return the pictures of a split by their names, see `names`."""
        folder = self.template.replace(PLACEHOLDER, split)
        found = {}
        for file in self.files.get(split, ()):
            place = PurePosixPath(file)
            inner = (place.relative_to(folder) if folder else place).as_posix()
            found[_without_ending(inner, self.ending)] = file
        return found


@dataclass
class Layout:
    """What a folder holds.

    Attributes:
        root: the folder.
        sides: one side, or two.
        are_pairs: whether the pictures of two sides belong together by their names.
        is_order_guessed: whether nothing tells which of two sides is the source.
        unsure: sentences on what may be otherwise.
    """

    root: Path
    sides: list[Side]
    are_pairs: bool = False
    is_order_guessed: bool = False
    unsure: list[str] = field(default_factory=list)

    @property
    def splits(self) -> list[str]:
        """The splits that there are; none where pictures have to be held out."""
        return [split for split in SPLITS if split in self.sides[0].files]

    @property
    def count(self) -> int:
        """How many pictures, or pairs, there are to train with, before any are held out."""
        return min(len(side.first_files) for side in self.sides)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the two files of each pair, in the order of the pairs' names."""
        one, other = self.sides
        found = []
        for split in one.files:
            mine, yours = one.by_name(split), other.by_name(split)
            found += [(mine[name], yours[name]) for name in sorted(mine.keys() & yours.keys())]
        return found


def listed(items: Sequence[str], between: str = ", ") -> str:
    """Return the first few items, and how many more there are."""
    more = len(items) - _MOST_NAMED
    return between.join(items[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _without_ending(name: str, ending: str) -> str:
    return name.removesuffix(ending) if ending else PurePosixPath(name).with_suffix("").as_posix()
