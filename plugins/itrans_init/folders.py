"""What the folders of pictures seem to be: splits, and sides of pairs."""

from __future__ import annotations

import itertools
import re
import shlex
from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from itrans.api import DataError, counted, existing_root, find_images, no_pictures
from itrans_init.sides import PLACEHOLDER, Layout, Side, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SPLIT = re.compile(r"(?<![a-z])(train|val|test)(?![a-z])")
_LIKE_SPLITS = re.compile(r"(?<![a-z])(training|validation|valid|dev|testing|train|val|test)(?![a-z])", re.IGNORECASE)

_SOURCES = ("source", "input", "lab", "mask", "seg", "annotation", "edge", "sketch", "line", "noisy", "low", "gray")
_TARGETS = ("target", "output", "photo", "image", "real", "truth", "clean", "high", "colour", "color", "rgb")
"""Words in the names of folders, and of files, which tell sources from targets."""

_FEWEST = 3
_MOST_ENDINGS = 5
_STRAY = 0.1
"""The share of the pictures in a folder of which there are fewer beside the folders, if these are strays."""

_PAIRED = 0.5
"""The share of names that two folders have in common above which they are taken for pairs."""


def layout_of(root: str | Path) -> Layout:
    """Return what a folder seems to hold.

    Raises:
        DataError: it is not there, or holds no pictures; or its pairs are not complete.
    """
    folder = existing_root(root)
    files = [path.as_posix() for path in find_images(folder)]
    if not files:
        raise no_pictures([folder], "Name the folder of your pictures.")
    layout = Layout(folder, _sides_of(files))
    _note_other_splits(files, layout)
    _note_left_out(files, layout)
    if len(layout.sides) == 1:
        _split_by_endings(layout)
    else:
        _choose_two(layout)
    _leave_out_lone_splits(layout)
    if layout.count < _FEWEST:
        what = "pair" if layout.are_pairs else "picture"
        raise DataError(f"{folder} holds {counted(layout.count, what)} to train with: at least a few dozen are needed.")
    return layout


def _sides_of(files: Iterable[str]) -> list[Side]:
    """Return the sides: by the folder below the split, or above it, or by the first folder."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        template, split = _template_of(PurePosixPath(file).parts[:-1])
        found[template][split].append(file)
    sides = [Side(template, dict(splits)) for template, splits in found.items()]
    in_splits = [side for side in sides if PLACEHOLDER in side.template]
    sides = in_splits or _without_strays(sides)
    below = [side for side in sides if side.template.startswith(f"{PLACEHOLDER}/")]
    if len(below) > 3 or (below and len(sides) > len(below)):  # folders of towns, or of days, within a split
        sides = [side for side in sides if side not in below]
        merged = next((side for side in sides if side.template == PLACEHOLDER), None)
        if merged is None:
            merged = Side(PLACEHOLDER)
            sides.append(merged)
        for side in below:
            for split, some in side.files.items():
                merged.files.setdefault(split, []).extend(some)
    if not in_splits and (len(sides) > 3 or (len(sides) > 1 and any(side.template == "" for side in sides))):
        sides = [Side("", {"": sorted(file for side in sides for file in side.all_files)})]
    return sides


def _without_strays(sides: list[Side]) -> list[Side]:
    """Return two or three folders without the few pictures that lie beside them, such as a preview."""
    folders = [side for side in sides if side.template]
    strays = sum(len(side.all_files) for side in sides if not side.template)
    are_few = strays < _STRAY * min((len(side.all_files) for side in folders), default=0)
    return folders if are_few and len(folders) in {2, 3} else sides


def _template_of(folders: tuple[str, ...]) -> tuple[str, str]:
    """Return the template of a file's side, and its split."""
    for place, name in enumerate(folders):
        if match := _SPLIT.search(name):
            template = [*folders[:place], name[: match.start()] + PLACEHOLDER + name[match.end() :]]
            is_alone = place == 0 and name == match[0]
            return "/".join([*template, *(folders[place + 1 : place + 2] if is_alone else ())]), match[0]
    return "/".join(folders[:1]), ""


def _note_other_splits(files: list[str], layout: Layout) -> None:
    folders = {part for file in files for part in PurePosixPath(file).parts[:-1]}
    named = sorted(name for name in folders if _LIKE_SPLITS.search(name) and not _SPLIT.search(name))
    if named:
        layout.unsure.append(f"{_like_splits(named)} Rename {'it' if len(named) == 1 else 'them'}.")


def _like_splits(names: list[str]) -> str:
    """Return a sentence on folders that seem to be splits, and have other names than itrans knows."""
    look = f"folders {listed(names)} look like splits" if len(names) > 1 else f"folder {names[0]} looks like a split"
    return f"The {look}; splits are called train, val and test in itrans."


def _note_left_out(files: list[str], layout: Layout) -> None:
    """Say which pictures belong to no side, and that those of many folders are taken as one side."""
    used = {file for side in layout.sides for file in side.all_files}
    if left := [file for file in files if file not in used]:
        layout.unsure.append(f"Pictures beside these folders are left out: {listed(left)}.")
    (side, *others) = layout.sides
    folders = sorted({file.partition("/")[0] for file in side.all_files if "/" in file})
    if not others and not side.template and len(folders) > 1:
        layout.unsure.append(
            f"The pictures of all folders are taken together: {listed(folders)}. If two of these hold pairs, move "
            "the others away."
        )


def _split_by_endings(layout: Layout) -> None:
    """Take one folder for two sides if its files come in twos: `1_rgb.jpg`, `1_depth.png`, or `a.jpg`, `a.png`."""
    (side,) = layout.sides
    endings: Counter[tuple[str, str]] = Counter()
    stems: dict[str, set[str]] = defaultdict(set)
    for file in side.first_files:
        for stem, ending in _ways_to_end(file):
            stems[stem].add(ending)
    for found in stems.values():
        if len(found) <= _MOST_ENDINGS:
            endings.update(itertools.combinations(sorted(found), 2))
    if not endings:
        return
    (one, other), count = endings.most_common(1)[0]
    rest = sum(1 for file in side.first_files if not file.endswith((one, other)))
    if 2 * count < 0.9 * (len(side.first_files) - rest) or rest > 2 * count:
        return
    if rest:
        layout.unsure.append(f"{counted(rest, 'picture')} that end in neither {one} nor {other} are left out.")
    for ending in (one, other):
        files = {split: [file for file in files if file.endswith(ending)] for split, files in side.files.items()}
        layout.sides.append(Side(side.template, files, ending))
    layout.sides.remove(side)
    _order(layout)
    layout.are_pairs = True


def _ways_to_end(file: str) -> list[tuple[str, str]]:
    path = PurePosixPath(file)
    stem, suffix = path.with_suffix("").as_posix(), path.suffix
    ways = [(stem, suffix)]
    for mark in "_-.":
        first, found, last = path.stem.rpartition(mark)
        if found and first and not last.isdecimal():
            ways.append((path.with_name(first).as_posix(), f"{mark}{last}{suffix}"))
    return ways


def _choose_two(layout: Layout) -> None:
    """Choose the two sides that belong together, and say which is the source."""
    sides = layout.sides
    pairs = [
        (_common(one, other), abs(_leaning(one) - _leaning(other)), number, place)
        for number, one in enumerate(sides)
        for place, other in enumerate(sides[number + 1 :], start=number + 1)
    ]
    share, _, one, other = max(pairs, key=lambda pair: (*pair[:2], -pair[2], -pair[3]))
    if len(sides) > 2:
        left = [side.template for side in sides if side not in (sides[one], sides[other])]
        layout.unsure.append(f"These folders are left out: {', '.join(left)}.")
    layout.sides = [sides[one], sides[other]]
    _refuse_two_data_sets(layout)
    layout.are_pairs = share > _PAIRED
    _order(layout)
    if layout.are_pairs:
        _refuse_singles(layout)


def _refuse_two_data_sets(layout: Layout) -> None:
    """Raise `DataError` if each of the two folders has pairs in folders of its own, and these are called the same."""
    inner = [_folders_of_pairs(side) for side in layout.sides]
    if not inner[0] or inner[0] != inner[1] or _leaning(layout.sides[0]) != _leaning(layout.sides[1]):
        return
    names = [side.template.partition(f"/{PLACEHOLDER}")[0] for side in layout.sides]
    if all(_LIKE_SPLITS.fullmatch(name) for name in names):
        raise DataError(f"{layout.root}: {_like_splits(names)} Rename them.")
    one = shlex.quote((layout.root / names[1]).as_posix())
    raise DataError(
        f"{layout.root} seems to hold two data sets: {names[0]} and {names[1]} both have the folders "
        f"{' and '.join(sorted(inner[0]))}. Give one of them: itrans init {one}. If pictures of "
        f"{names[0]} and {names[1]} are pairs, rename these two folders source and target."
    )


def _folders_of_pairs(side: Side) -> set[str]:
    """Return the folders in a side's folder if most of their pictures have the same names; none otherwise."""
    found: dict[str, set[str]] = defaultdict(set)
    for split in side.files:
        for name in side.names(split):
            folder, _, rest = name.rpartition("/")
            found[folder].add(rest)
    shared, every = set.intersection(*found.values()), set().union(*found.values())
    is_one_set = len(found) < 2 or "" in found or side.template.startswith(PLACEHOLDER)
    return set() if is_one_set or len(shared) <= _PAIRED * len(every) else {*found}


def _common(one: Side, other: Side) -> float:
    """Return the share of names that two sides have in common."""
    names = [side.names(split) for side in (one, other) for split in side.files]
    every = set().union(*names)
    both = set().union(*(one.names(split) & other.names(split) for split in one.files))
    return len(both) / max(1, len(every))


def _order(layout: Layout) -> None:
    """Put the source first, if the names of the sides tell."""
    one, other = layout.sides
    score = [_leaning(side) for side in (one, other)]
    if score[0] < score[1]:
        layout.sides = [other, one]
    layout.is_order_guessed = score[0] == score[1]


def _leaning(side: Side) -> int:
    name = _called(side).lower()
    return any(word in name for word in _SOURCES) - any(word in name for word in _TARGETS)


def _called(side: Side) -> str:
    return f"*{side.ending}" if side.ending else side.template.replace(f"{PLACEHOLDER}/", "")


def _refuse_singles(layout: Layout) -> None:
    """Raise `DataError` if a picture has no partner, or the names of two files are the same."""
    one, other = layout.sides
    for split in one.files.keys() & other.files.keys():
        mine, yours = one.names(split), other.names(split)
        for here, there, lone in ((one, other, mine - yours), (other, one, yours - mine)):
            if lone:
                raise DataError(
                    f"{layout.root}: {counted(len(mine & yours), 'picture')} of {here.template} and {there.template} "
                    f"belong together by their names, but these of {here.template.replace(PLACEHOLDER, split)} have "
                    f"no partner: {listed(sorted(lone))}. Move them away, or rename them."
                )


def _leave_out_lone_splits(layout: Layout) -> None:
    """Leave out splits that one side lacks; make one folder of what has only one: pairs are held out of that."""
    common = set.intersection(*(set(side.files) for side in layout.sides))
    for side in layout.sides:
        if dropped := [split for split in side.files if split not in common]:
            layout.unsure.append(f"{_called(side)} alone has {', '.join(dropped)}, which is left out.")
        side.files = {split: files for split, files in side.files.items() if split in common}
    splits: Mapping[str, object] = layout.sides[0].files
    if "train" in splits and len(splits) > 1:
        return
    for side in layout.sides:
        (only, *_) = [*side.files] or [""]
        side.template = side.template.replace(PLACEHOLDER, only)
        side.files = {"": side.files.get(only, [])}
