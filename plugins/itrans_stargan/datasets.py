"""Pictures of several domains, in a folder for each."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt, MinLen

from itrans.api import (
    DataError,
    ImageSpec,
    Pair,
    Split,
    as_channels,
    counted,
    did_you_mean,
    existing_root,
    first_readable,
    folders_in,
    image_names,
    measured_split,
    no_pictures,
    read_image,
    spec_of,
    split_folders,
    take_split,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itrans.api import ImageArray, Names

_SPLITS = ("train", "val", "test")
_WANTED = {"root": "{split}"}


class Domains:
    """A folder of pictures for each domain: `root/train/blond`, `root/train/dark` and so on.

    If one of `val` and `test` is missing, the other stands in for it. If `root` has none of the three, its folders are
    those of the domains, and a fraction `holdout` of each is held out. Every picture is a source once. In training, its
    target is a random picture of a random domain, which may be its own. The key has the paths of both.

    Args:
        root: the data set's folder.
        domains: the names of the folders to use, in this order; if left out, all that are there to train with.
        channels: convert every picture to so many; without it, all must have as many as the first.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: a folder is missing or empty, or there are fewer than two domains.
        MissingSplitError: there is no such split.
    """

    paired = False

    def __init__(
        self,
        *,
        root: str,
        domains: Annotated[list[str], MinLen(2)] | None = None,
        channels: Literal[1, 3, 4] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = 0.1,
        split: Split,
    ) -> None:
        base = existing_root(root)
        self.measured_split: Split = measured_split(root, _WANTED, split)
        if any(name in _SPLITS for name in folders_in(base)):
            (trained,), (folder,) = split_folders(root, _WANTED, "train"), split_folders(root, _WANTED, split)
            self._domains = _domains_in(trained, domains)
            self._files = [_files_in(folder / domain) for domain in self._domains]
        else:
            folder = base
            self._domains = _domains_in(folder, domains)
            every = [(folder / domain, _files_in(folder / domain)) for domain in self._domains]
            self._files = [take_split(files, holdout, split, path) for path, files in every]
        self._folder = folder
        self._ends = list(accumulate(map(len, self._files)))
        self.extras = {"domain": self._domains, "source_domain": self._domains}
        self._channels = channels
        self._first, first = first_readable(lambda index: self._picture(*self._place(index)), len(self))
        self.source: ImageSpec = spec_of(first)
        self.target: ImageSpec = self.source

    def __len__(self) -> int:
        """Return the number of pictures of all domains."""
        return self._ends[-1]

    def __getitem__(self, index: int) -> Pair:
        """Return a picture and one of another domain, `(H, W, C)`: always the same one for the same index.

        Raises:
            DataError: a picture cannot be read, or is unlike the first one.
            IndexError: there are not so many.
        """
        index = range(len(self))[index]
        domain, _ = self._place(index)
        other = (domain + 1 + index % (len(self._domains) - 1)) % len(self._domains)
        return self._pair(index, other, index % len(self._files[other]))

    def draw(self, index: int, seed: int) -> Pair:
        """Return a picture and one that the seed draws: first its domain, then one of that.

        Raises:
            DataError: see `__getitem__`.
        """
        random = np.random.default_rng(seed)
        domain = int(random.integers(len(self._domains)))
        return self._pair(index, domain, int(random.integers(len(self._files[domain]))))

    def _place(self, index: int) -> tuple[int, int]:
        """Return which domain the picture of an index is of, and its number there."""
        domain = bisect_right(self._ends, index)
        return domain, index - (self._ends[domain - 1] if domain else 0)

    def _pair(self, index: int, domain: int, number: int) -> Pair:
        place = self._place(index)
        source, target = self._checked(*place), self._checked(domain, number)
        key = f"{self._name(*place)} with {self._name(domain, number)}"
        return Pair(source, target, key, {"domain": domain, "source_domain": place[0]})

    def _name(self, domain: int, number: int) -> str:
        return f"{self._domains[domain]}/{self._files[domain][number]}"

    def _checked(self, domain: int, number: int) -> ImageArray:
        image = self._picture(domain, number)
        if (found := spec_of(image)) != self.source:
            raise DataError(
                f"{self._folder / self._name(domain, number)} has {counted(found.channels, 'channel')} of "
                f"{found.dtype}, but {self._name(*self._place(self._first))} has {self.source.channels} of "
                f"{self.source.dtype}. Set dataset.channels, or convert it."
            )
        return image

    def _picture(self, domain: int, number: int) -> ImageArray:
        path = self._folder / self._name(domain, number)
        image = read_image(path)
        if self._channels is None:
            return image
        try:
            return as_channels(image, self._channels)
        except ValueError as error:
            raise DataError(f"{path}: {error}.") from error


def _domains_in(folder: Path, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the domains: the folders that are wanted, or all; raise DataError if they will not do."""
    there = folders_in(folder)
    listing = f"It has: {', '.join(there)}." if there else "It has no folders."
    for name in wanted or ():
        if name not in there:
            raise DataError(f'{folder} has no folder "{name}" (dataset.domains).{did_you_mean(name, there)} {listing}')
    domains = tuple(dict.fromkeys(wanted or there))
    if len(domains) < 2:
        raise DataError(f"{folder} needs a folder of pictures for each domain, two or more. {listing}")
    return domains


def _files_in(folder: Path) -> Names:
    """Return the pictures of a domain; raise DataError if there are none."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}: every domain that is trained with has one in every split.")
    files = image_names(folder)
    if not files:
        raise no_pictures([folder], "Put those of its domain there.")
    return files
