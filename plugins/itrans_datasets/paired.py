"""Pairs in two folders, matched by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from annotated_types import Gt, Lt

from itrans.api import DataError, ImageSpec, MissingSplitError, Pair, Split, find_images, spec_of
from itrans_datasets.aligned import read_as, unlike
from itrans_datasets.splits import candidates, existing_root, part_of

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray

_MOST_NAMED = 10
_PLACEHOLDER = "{split}"


class PairedFolders:
    """Two folders of pictures, matched by their paths in them without the suffix.

    With `{split}` in `source` and `target` there is a folder for each split (`val` and `test` stand in for each other
    where one of them has neither folder). Without it all pairs lie in the same two folders, and a hash of each pair's
    name decides for good: a fraction `holdout` of them is held out, half of it as `val` and half as `test`.

    Args:
        root: the data set's folder.
        source: the folder of the source pictures in it.
        target: the folder of the target pictures in it.
        source_channels: convert every source picture to so many; without it, all must have as many as the first.
        target_channels: the same for targets.
        holdout: the fraction to hold out where there are no folders for splits.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or the two do not match: what is missing on each side is listed.
        MissingSplitError: there is no such split.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        source: str = "{split}/source",
        target: str = "{split}/target",
        source_channels: Literal[1, 3, 4] | None = None,
        target_channels: Literal[1, 3, 4] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = 0.1,
        split: Split,
    ) -> None:
        base = existing_root(root)
        if (_PLACEHOLDER in source) != (_PLACEHOLDER in target):
            raise ValueError(f'"{_PLACEHOLDER}" belongs in both "source" and "target", or in neither')
        self._folders = _split_folders(base, source, target, split)
        self._files = _matched(*self._folders)
        if _PLACEHOLDER not in source:
            self._files = [files for files in self._files if part_of(_name(files[0]), holdout) == split]
            if not self._files:
                raise MissingSplitError(f'No pair of {base} falls into the split "{split}"; another holdout may do.')
        self._channels = (source_channels, target_channels)
        first = self._sides(0)
        self.source: ImageSpec = spec_of(first[0])
        self.target: ImageSpec = spec_of(first[1])

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._files)

    def __getitem__(self, index: int) -> Pair:
        """Return a pair; the key is its name.

        Raises:
            DataError: a picture cannot be read, is unlike the first one, or the two have different sizes.
        """
        source, target = self._sides(index)
        for side, image, expected, option in (
            (0, source, self.source, "source_channels"),
            (1, target, self.target, "target_channels"),
        ):
            if spec_of(image) != expected:
                first = self._files[0][side]
                raise DataError(unlike(self._path(index, side), spec_of(image), first, expected, option))
        if source.shape[:2] != target.shape[:2]:
            (height, width), (other_height, other_width) = source.shape[:2], target.shape[:2]
            raise DataError(
                f"{self._path(index, 0)} is {width}x{height}, but {self._path(index, 1)} is {other_width}x"
                f"{other_height} (width x height): the two pictures of a pair must have the same size."
            )
        return Pair(source, target, _name(self._files[index][0]))

    def _sides(self, index: int) -> tuple[ImageArray, ImageArray]:
        return read_as(self._path(index, 0), self._channels[0]), read_as(self._path(index, 1), self._channels[1])

    def _path(self, index: int, side: int) -> Path:
        return self._folders[side] / self._files[index][side]


def _split_folders(base: Path, source: str, target: str, split: Split) -> tuple[Path, Path]:
    def folders(name: str) -> tuple[Path, Path]:
        return base / source.replace(_PLACEHOLDER, name), base / target.replace(_PLACEHOLDER, name)

    if _PLACEHOLDER in source:
        there = [name for name in get_args(Split) if any(folder.is_dir() for folder in folders(name))]
        chosen = next((name for name in candidates(split) if name in there), None)
        if chosen is None:
            listing = f"It has: {', '.join(there)}." if there else f"It has no {source} and {target}."
            raise MissingSplitError(f'{base} has no folders for the split "{split}". {listing}')
    else:
        chosen = split
    missing = [str(folder) for folder in folders(chosen) if not folder.is_dir()]
    if missing:
        raise DataError(f"No folder {' and no folder '.join(missing)}; dataset.source and dataset.target name them.")
    return folders(chosen)


def _matched(source: Path, target: Path) -> list[tuple[str, str]]:
    """Return the pairs' two files, each relative to its folder, sorted by their common names."""
    sources, targets = _by_name(source), _by_name(target)
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


def _by_name(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in find_images(folder):
        name = _name(path.as_posix())
        if name in found:
            raise DataError(
                f"{folder / found[name]} and {folder / path} have the same name: which of them is meant is not clear."
            )
        found[name] = path.as_posix()
    return found


def _name(file: str) -> str:
    """Return a relative path without its suffix (`find_images` finds only files that have one)."""
    return file[: file.rindex(".")]
