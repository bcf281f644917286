"""Pairs in tar files, in the layout of WebDataset, each of which is read without those before it."""

from __future__ import annotations

import logging
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
from annotated_types import Ge, Le

from itrans.api import (
    DataError,
    ImageSpec,
    MissingSplitError,
    Pair,
    Preparation,
    Split,
    check_same_size,
    existing_root,
    first_readable,
    spec_of,
)
from itrans_datasets.aligned import check_background, read_as, unlike, with_range
from itrans_datasets.label_maps import LabelMapReader
from itrans_datasets.labels import Byte, Labels, Value, check_class_arguments
from itrans_datasets.shard_files import ShardFiles
from itrans_datasets.shard_index import ShardIndex, check_member, open_index

if TYPE_CHECKING:
    from itrans.api import ImageArray
    from itrans_datasets.shard_index import Member

_log = logging.getLogger("itrans")

_PATTERNS = ("{split}-*.tar", "{split}/*.tar")
_STAND_IN: dict[Split, Split] = {"val": "test", "test": "val"}
_HEADER = 512
"""Bytes that stand before each file in a tar."""


class Shards:
    """Pairs in plain tar files in the layout of WebDataset: `000001.source.png` and `000001.target.png` are a pair.

    A file's path up to the first dot of its name is the key of the pair; the rest is its extension, which says what the
    file is. Beside each tar is an index of where its files lie, which `itrans data prepare --shards` writes, and which
    is made anew where it is missing or of another tar; opening a data set reads the indexes alone. If one of `val` and
    `test` is missing, the other stands in for it.

    Args:
        root: the data set's folder.
        shards: what the paths of shards in it look like, with `{split}`; `*` stands for any text. By default
            `{split}-*.tar` or `{split}/*.tar`.
        source: the extension of the sources, whole or up to a dot: `source` is that of `000001.source.png`.
        target: the same for the targets.
        labels: which side holds label maps, if one does; see the data set `labels` for this and what follows.
        classes: how many classes there are.
        ignored: a value that stands for no class.
        values: what label maps store for each class, where it is not 0, 1, 2 and so on.
        palette: the colour `[r, g, b]` of each class, for label maps in colours.
        names: what the classes are called.
        source_channels: convert every source picture to so many; without it, all must have as many as the first.
        target_channels: the same for targets.
        source_range: the values of sources that networks see as -1 and as 1; others are refused. Without it, the whole
            range of their type; floats then have to be from 0 to 1.
        target_range: the same for targets.
        background: the colour under transparent parts if the channels leave no room for alpha.
        split: which part.

    Raises:
        DataError: the folder is missing, a shard is damaged, or a pair lacks a side.
        MissingSplitError: there are no shards of this split.
        ValueError: arguments do not fit one another.
    """

    paired = True

    def __init__(
        self,
        *,
        root: str,
        shards: str | None = None,
        source: str = "source",
        target: str = "target",
        labels: Literal["source", "target"] | None = None,
        classes: Annotated[int, Ge(2), Le(65535)] | None = None,
        ignored: Value | None = None,
        values: list[Value] | None = None,
        palette: list[tuple[Byte, Byte, Byte]] | None = None,
        names: list[str] | None = None,
        source_channels: Literal[1, 3, 4] | None = None,
        target_channels: Literal[1, 3, 4] | None = None,
        source_range: tuple[float, float] | None = None,
        target_range: tuple[float, float] | None = None,
        background: str = "white",
        split: Split,
    ) -> None:
        if source == target:
            raise ValueError(f'"source" and "target" are both "{source}": each side needs its own extension')
        check_background(background, source_channels, target_channels)
        self._read_labels = _label_reader(labels, classes, ignored, values, palette, names)
        self._extensions, self._labels = (source.lower(), target.lower()), labels
        self._channels, self._background = (source_channels, target_channels), background
        self._shards, self.measured_split = _shards_of(root, shards, split)
        self._files = ShardFiles()
        self._opened: dict[int, ShardIndex] = {}
        self._ends = [*accumulate(len(self._checked_index(number)) for number in range(len(self._shards)))]
        ranges = (source_range, target_range)
        if labels is not None and ranges[labels == "target"] is not None:
            raise ValueError(f'"{labels}_range" has no meaning for label maps')
        self._any_floats = [range_ is not None for range_ in ranges]
        self._first, first = first_readable(self._sides, len(self))
        specs = [with_range(spec_of(image), range_) for image, range_ in zip(first, ranges, strict=True)]
        if self._read_labels is not None:
            specs[labels == "target"] = ImageSpec(
                channels=1,
                kind="labels",
                labels=classes,
                dtype=self._read_labels.dtype,
                ignored=self._read_labels.unlabelled,
                names=tuple(names or ()),
            )
        self.source, self.target = specs

    @staticmethod
    def preparation(
        *,
        labels: Literal["source", "target"] | None = None,
        classes: int | None = None,
        ignored: int | None = None,
        values: list[int] | None = None,
        palette: list[tuple[int, int, int]] | None = None,
    ) -> Preparation | None:
        """Return how the classes of a new label map are found, as the data set `labels` does."""
        if labels != "source" or classes is None:
            return None
        return Labels.preparation(classes=classes, ignored=ignored, values=values, palette=palette)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the opened indexes and files behind: a worker process opens those that it needs."""
        return self.__dict__ | {"_opened": {}}

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self._ends[-1]

    def __getitem__(self, index: int) -> Pair:
        """Return a pair; the key is the shard's name and the pair's key in it.

        Raises:
            DataError: the shard is damaged, or a picture cannot be read, is unlike the first one, or of another size
                than the other one of its pair.
        """
        source, target = self._sides(index)
        paths = [path for path, _ in self._contents(index, read=False)]
        for side, image, expected in ((0, source, self.source), (1, target, self.target)):
            if spec_of(image) != ImageSpec(channels=expected.channels, dtype=expected.dtype):
                first = self._contents(self._first, read=False)[side][0].name
                option = ("source_channels", "target_channels")[side]
                raise DataError(unlike(paths[side], spec_of(image), first, expected, option))
        check_same_size(paths[0], source, paths[1], target)
        number, sample = self._place(index)
        return Pair(source, target, f"{self._shards[number].stem}/{self._index(number).key(sample)}")

    def _sides(self, index: int) -> tuple[ImageArray, ImageArray]:
        (source, one), (target, other) = self._contents(index)
        return self._picture(0, source, one), self._picture(1, target, other)

    def _picture(self, side: int, path: Path, content: bytes) -> ImageArray:
        if self._read_labels is not None and (side == 1) == (self._labels == "target"):
            return self._read_labels(path, content)
        return read_as(path, self._channels[side], self._background, content, any_floats=self._any_floats[side])

    def _contents(self, index: int, *, read: bool = True) -> list[tuple[Path, bytes]]:
        """Return, of both sides of a pair, a path for messages and what is in the file, if that is to be read."""
        number, sample = self._place(index)
        shard, shard_index = self._shards[number], self._index(number)
        key, members = shard_index.key(sample), shard_index.members(sample)
        found = []
        for side in (0, 1):
            member = self._member(shard, key, members, side)
            content = b""
            if read:
                both = self._files.read(shard, member.start - _HEADER, member.size + _HEADER)
                check_member(shard, key, member, both[:_HEADER])
                content = both[_HEADER:]
            found.append((shard / f"{key}.{member.extension}", content))
        return found

    def _member(self, shard: Path, key: str, members: list[Member], side: int) -> Member:
        wanted = self._extensions[side]
        found = [member for member in members if _is_of(member.extension, wanted)]
        whole = [member for member in found if member.extension == wanted]
        if len(whole or found) == 1:
            return (whole or found)[0]
        there = ", ".join(f"{key}.{member.extension}" for member in members)
        name = ("source", "target")[side]
        what = f"has no {name}" if not found else f"has {len(found)} files that can be its {name}"
        raise DataError(
            f'{shard}: the pair {key} {what}: dataset.{name} = "{wanted}" is the extension, or what it begins with up '
            f"to a dot. There is {there}."
        )

    def _place(self, index: int) -> tuple[int, int]:
        index += len(self) if index < 0 else 0
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} pairs, and none of number {index}")
        number = bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def _index(self, number: int) -> ShardIndex:
        if number not in self._opened:
            self._opened[number] = open_index(self._shards[number], _log.info)
        return self._opened[number]

    def _checked_index(self, number: int) -> ShardIndex:
        """Return the index of a shard in which every pair has both sides, as far as the index can tell."""
        index = self._index(number)
        if not len(index):
            raise DataError(f"The shard {self._shards[number]} has no files that belong to a pair.")
        for side, wanted in enumerate(self._extensions):
            kinds = [kind for kind, extension in enumerate(index.extensions) if _is_of(extension, wanted)]
            of_side = np.isin(index.kinds, kinds) if len(kinds) != 1 else index.kinds == kinds[0]
            counts = np.add.reduceat(of_side, index.bounds[:-1].astype(np.int64), dtype=np.int64)
            for sample in np.flatnonzero(counts != 1)[:1].tolist():
                self._member(self._shards[number], index.key(sample), index.members(sample), side)
        return index


def _is_of(extension: str, wanted: str) -> bool:
    return extension == wanted or extension.startswith(f"{wanted}.")


def _label_reader(
    labels: str | None,
    classes: int | None,
    ignored: int | None,
    values: list[int] | None,
    palette: list[tuple[int, int, int]] | None,
    names: list[str] | None,
) -> LabelMapReader | None:
    given = {"classes": classes, "ignored": ignored, "values": values, "palette": palette, "names": names}
    if labels is None:
        if useless := [f'"{name}"' for name, value in given.items() if value is not None]:
            raise ValueError(f'{" and ".join(useless)} are of label maps: set "labels" to the side that holds them')
        return None
    if classes is None:
        raise ValueError('with "labels" it needs "classes", the number of classes')
    check_class_arguments(classes, ignored, values, palette, names)
    return LabelMapReader(classes, ignored, values, palette)


def _shards_of(root: str, pattern: str | None, split: Split) -> tuple[list[Path], Split]:
    """Return the shards of a split, sorted by their names, and the split that they are of.

    Raises:
        DataError: the folder is missing.
        MissingSplitError: there are none.
        ValueError: the pattern has no `{split}`, or leads out of the folder.
    """
    if pattern is not None and ("{split}" not in pattern or Path(pattern).is_absolute()):
        raise ValueError(f'"shards" is "{pattern}": it needs {{split}} in it, and is a path in the data set\'s folder')
    base = existing_root(root)
    patterns = _PATTERNS if pattern is None else (pattern,)

    def shards(split: Split) -> list[Path]:
        found = (sorted(base.glob(text.replace("{split}", split))) for text in patterns)
        return next((paths for paths in found if paths), [])

    for chosen in (split, _STAND_IN.get(split, split)):
        if paths := shards(chosen):
            return paths, chosen
    there = [name for name in get_args(Split) if shards(name)]
    wanted = " and no ".join(text.replace("{split}", split) for text in patterns)
    listing = f"It has shards of {', '.join(there)}." if there else "It has no shards of any split."
    other = next(iter(sorted(path.name for path in base.glob("*.tar*"))), None)
    advice = (
        f" There is {other}: dataset.shards says what the names of shards look like." if other and not there else ""
    )
    raise MissingSplitError(f"{base} has no {wanted}. {listing}{advice}")
