"""Pairs in two folders, matched by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Lt

from itrans.api import (
    DataError,
    ImageSpec,
    MissingSplitError,
    Pair,
    Split,
    as_channels,
    find_images,
    read_image,
    spec_of,
)
from itrans_datasets.splits import candidates, existing_root, part_of

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.api import ImageArray

_MOST_NAMED = 10
_PLACEHOLDER = "{split}"


class PairedFolders:
    """Two folders of pictures, matched by their paths in them without the suffix.

    With `{split}` in `source` and `target` there is a folder for each split (`val` and `test` stand in for each other);
    without it, a fixed random part of the pairs is held out, half of it as `val` and half as `test`.

    Args:
        root: the data set's folder.
        source: the folder of the source pictures in it.
        target: the folder of the target pictures in it.
        source_channels: convert every source picture to so many; without it, all must have as many as the first.
        target_channels: the same for targets.
        holdout: the part to hold out where there are no folders for splits.
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
        folders = _split_folders(base, source, target, split)
        self._files = _matched(*folders)
        if _PLACEHOLDER not in source:
            self._files = {name: files for name, files in self._files.items() if part_of(name, holdout) == split}
            if not self._files:
                raise MissingSplitError(f'No pair of {base} falls into the split "{split}"; a larger holdout may do.')
        self._names = sorted(self._files)
        self._channels = (source_channels, target_channels)
        first = self._sides(self._names[0])
        self.source: ImageSpec = spec_of(first[0])
        self.target: ImageSpec = spec_of(first[1])

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:
        """Return a pair.

        Raises:
            DataError: a picture cannot be read, is unlike the first one, or the two have different sizes.
        """
        name = self._names[index]
        source, target = self._sides(name)
        for image, path, expected, option in zip(
            (source, target),
            self._files[name],
            (self.source, self.target),
            ("source_channels", "target_channels"),
            strict=True,
        ):
            found = spec_of(image)
            if found != expected:
                raise DataError(
                    f"{path} has {found.channels} channels of {found.dtype}, but the first picture has "
                    f"{expected.channels} of {expected.dtype}. dataset.{option} = 3 makes all RGB."
                )
        if source.shape[:2] != target.shape[:2]:
            (height, width), (other_height, other_width) = source.shape[:2], target.shape[:2]
            paths = self._files[name]
            raise DataError(
                f"{paths[0]} is {width}x{height}, but {paths[1]} is {other_width}x{other_height} (width x height): "
                "the two pictures of a pair must have the same size."
            )
        return Pair(source, target, name)

    def _sides(self, name: str) -> tuple[ImageArray, ImageArray]:
        source, target = (
            _read(path, channels) for path, channels in zip(self._files[name], self._channels, strict=True)
        )
        return source, target


def _read(path: Path, channels: int | None) -> ImageArray:
    image = read_image(path)
    if channels is None:
        return image
    try:
        return as_channels(image, channels)
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error


def _split_folders(base: Path, source: str, target: str, split: Split) -> tuple[Path, Path]:
    tried = []
    for name in candidates(split):
        folders = (base / source.replace(_PLACEHOLDER, name), base / target.replace(_PLACEHOLDER, name))
        if all(folder.is_dir() for folder in folders):
            return folders
        tried += [str(folder) for folder in folders if not folder.is_dir()]
    message = f'There is no split "{split}": {" and ".join(dict.fromkeys(tried))} not found.'
    if _PLACEHOLDER in source:
        raise MissingSplitError(message)
    raise DataError(f"{' and '.join(dict.fromkeys(tried))} not found; dataset.source and dataset.target name them.")


def _matched(source: Path, target: Path) -> dict[str, tuple[Path, Path]]:
    sources, targets = _by_name(source), _by_name(target)
    if not sources and not targets:
        raise DataError(f"{source} and {target} hold no pictures.")
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
    return {name: (sources[name], targets[name]) for name in sources}


def _named(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")


def _by_name(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in find_images(folder):
        name = path.with_suffix("").as_posix()
        if name in found:
            raise DataError(
                f"{found[name]} and {folder / path} have the same name: which of them is meant is not clear."
            )
        found[name] = folder / path
    return found
