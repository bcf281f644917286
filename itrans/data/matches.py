"""The pictures of several folders that belong together by their names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, TypeAlias

from itrans.data.layouts import no_pictures, unread_sentences
from itrans.errors import DataError
from itrans.pictures.images import image_names
from itrans.pictures.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    _Side: TypeAlias = tuple[Path, str, str]
    """A folder, the argument that gives its ending, and the ending."""

_MOST_NAMED = 10


class Matches(Mapping[str, tuple[str, ...]]):
    """Files of several folders by the name that they have in common, in the order of the names.

    Attributes:
        names: the common names, sorted.
        files: of each folder, the paths in it, in the order of the names.
    """

    def __init__(self, names: Names, files: Sequence[Names]) -> None:
        self.names, self.files = names, tuple(files)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        place = bisect_left(self.names, name)
        if place == len(self.names) or self.names[place] != name:
            raise KeyError(name)
        return tuple(files[place] for files in self.files)

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Matches:
        """Return the matches at these places, which are in rising order."""
        return Matches(self.names.take(places), [files.take(places) for files in self.files])


def match_names(folders: Sequence[Path], endings: Mapping[str, str | None] | None = None) -> Matches:
    """Return what `match_images` returns, in less memory.

    Args:
        folders: this and the other are those of `match_images`.
        endings: what the names in each folder end in.

    Raises:
        DataError: see `match_images`.
        ValueError: likewise.
    """
    given = list(endings.items()) if endings else [("", None)] * len(folders)
    sides = [(folder, option, ending or "") for folder, (option, ending) in zip(folders, given, strict=True)]
    shared = [
        (one, other)
        for one, other in combinations(range(len(sides)), 2)
        if folders[one].exists() and folders[one].samefile(folders[other])
    ]
    for one, other in shared:
        if not (sides[one][2] and sides[other][2]):
            raise ValueError(_not_told_apart(sides[one], sides[other]))
    found = [_by_name(*side) for side in sides]
    for one, other in shared:
        if both := set(found[one][1]) & set(found[other][1]):
            raise ValueError(_not_told_apart(sides[one], sides[other], f"{min(both)} has both endings: "))
    if not any(names for names, _ in found):
        raise no_pictures(folders, "Put pictures of the same names there.")
    names = found[0][0]
    if any(others != names for others, _ in found[1:]):
        raise _no_match(sides, [set(names) for names, _ in found])
    return Matches(names, [files for _, files in found])


def _by_name(folder: Path, option: str, ending: str) -> tuple[Names, Names]:
    """Return the names of a folder's pictures without suffix and ending, sorted, and the pictures in that order."""
    files = image_names(folder)
    if not ending and _are_rising(stems := Names(file[: file.rindex(".")] for file in files)):
        return stems, files  # as they nearly always are
    names: list[str] = []
    places: list[int] = []
    for place, file in enumerate(files):
        if name := _name_of(file, ending):
            names.append(name)
            places.append(place)
    if files and not names:
        raise DataError(
            f'{folder} has no pictures whose names end in "{ending}"; the first is {files[0]}. Set '
            f"dataset.{option} to the ending of those to use."
        )
    order = sorted(range(len(names)), key=names.__getitem__)
    twice = ((other, one) for one, other in pairwise(order) if names[one] == names[other])
    if (first := min(twice, default=None)) is not None:
        other, one = (files[places[number]] for number in first)
        remedy = f", or set dataset.{option} to an ending that has the suffix in it" if option else ""
        raise DataError(f"{folder / one} and {folder / other} have the same name. Remove one{remedy}.")
    return Names(names[number] for number in order), files.take(places[number] for number in order)


def _are_rising(names: Names) -> bool:
    return all(one < other for one, other in pairwise(names))


def _name_of(file: str, ending: str) -> str | None:
    """Return a path without its suffix and the ending, or None if it ends in something else.

    Where the ending is all of a file's name, as in `0001/depth.png`, the folder is what tells pictures apart.
    """
    stem = file[: file.rindex(".")]  # every picture has a suffix
    for text in (stem, file):
        if text.endswith(ending):
            return text[: len(text) - len(ending)].rstrip("/")
    return None


def _no_match(sides: Sequence[_Side], found: Sequence[set[str]]) -> DataError:
    """Return the error of folders that do not hold the same names, of which each holds those found."""
    names = sorted(set().union(*found))
    lacking = []
    for (folder, _, ending), there in zip(sides, found, strict=True):
        if missing := [name for name in names if name not in there]:
            which = f' that end in "{ending}"' if ending else ""
            shown = ", ".join(missing[:_MOST_NAMED]) + (", ..." if len(missing) > _MOST_NAMED else "")
            lacking.append(f"{len(missing)}{which} missing in {folder}: {shown}")
    without = "ending and suffix" if any(ending for _, _, ending in sides) else "suffix"
    lines = [f"The folders do not match (names are compared without {without}):", *lacking]
    unset = [f"dataset.{option}" for _, option, ending in sides if option and not ending]
    folded = [{name.casefold() for name in there} for there in found]
    if all(side == folded[0] for side in folded):
        lines.append("They differ only in upper and lower case: rename those of one side.")
    elif unset and all(found) and not set.intersection(*found):
        lines.append(f"No name is in all of them. If they end differently, set {' and '.join(unset)} to their endings.")
    return DataError("\n".join([*lines, *unread_sentences([folder for folder, _, _ in sides])]))


def _not_told_apart(one: _Side, other: _Side, why: str = "") -> str:
    folder, options = one[0], (one[1], other[1])
    if not all(options):
        return f"{folder} holds two sides of a pair: give endings that tell them apart"
    names = " and ".join(f'"{option}"' for option in options)
    examples = " and ".join(f'"_{option.removesuffix("_ending")}"' for option in options)
    return (
        f"{folder} holds two sides of a pair: {why}set {names} to what the names of each end in, such as "
        f'{examples}, or ".png" and ".jpg"'
    )
