"""What the pairs of a data set are like, gathered while they pass: for `itrans data check`."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from itrans.api import WHITE, ImageSpec, counted
from itrans_data.numbers import Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from itrans.api import Dataset, ImageArray, Pair, Split

HEADINGS = ("split", "side", "size", "stored as", "values")

_BAND = 4
"""16-bit pictures that use less than one part in so many of their range, far from 0, want a range of their own."""

_NARROW = {"uint8": 16, "uint16": 4, "float32": 16}
"""Pictures that use less than one part in so many of their range are dark: cameras leave some of 16 bits empty."""

_MOST_FIRST = 16
"""An array that begins with its channels is noticed where its rows, taken for channels, are more than these."""

_MOST_NAMED = 5


class Twin(NamedTuple):
    """A pair, or one side of one, that is in two splits.

    Attributes:
        learned: its key in `train`.
        split: the other split.
        key: its key there.
    """

    learned: str
    split: Split
    key: str


class Survey:
    """What the pairs of all splits are like.

    Attributes:
        twins: what is in `train` and in another split.
    """

    def __init__(self) -> None:
        self.twins: list[Twin] = []
        self._learned: dict[bytes, str] = {}
        self._splits: dict[Split, _SplitSurvey] = {}

    def begin(self, split: Split, dataset: Dataset) -> None:
        """Go on with another split."""
        self._splits[split] = _SplitSurvey(dataset)

    def add(self, split: Split, pair: Pair) -> None:
        """Look at a pair."""
        here = self._splits[split]
        here.add(pair)
        # Of data that are no pairs, which target a source meets means nothing.
        parts = ((pair.source, pair.target),) if here.paired else ((pair.source,), (pair.target,))
        for part in parts:
            content = hashlib.blake2b(digest_size=16)
            for image in part:
                content.update(repr(image.shape).encode())
                content.update(np.ascontiguousarray(image).data)
            if split == "train":
                self._learned.setdefault(content.digest(), pair.key)
            elif (learned := self._learned.get(content.digest())) is not None:
                self.twins.append(Twin(learned, split, pair.key))

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return what there is to say of each side of each split, under `HEADINGS`."""
        return [row for split, survey in self._splits.items() for row in survey.rows(split)]

    def source_l1(self) -> dict[Split, float]:
        """Return the mean difference of source and target of each split whose sides are pictures of one kind."""
        found = {split: survey.source_l1 for split, survey in self._splits.items()}
        return {split: value for split, value in found.items() if value is not None}

    def notes(self) -> list[str]:
        """Return sentences about what training goes on with all the same, but hardly anybody wants."""
        notes: list[str] = []
        for survey in self._splits.values():
            notes += [note for note in survey.notes() if note not in notes]
        if self.twins:
            named = "; ".join(
                f"{twin.learned} of train is {twin.key} of {twin.split}" for twin in self.twins[:_MOST_NAMED]
            )
            more = f"; and {len(self.twins) - _MOST_NAMED} more" if len(self.twins) > _MOST_NAMED else ""
            notes.append(f"Some held-out pairs are trained on as well, so their scores are too good: {named}{more}.")
        return notes


class _SplitSurvey:
    """What the pairs of a split are like."""

    def __init__(self, dataset: Dataset) -> None:
        self.paired = bool(getattr(dataset, "paired", True))
        self._halves = bool(getattr(dataset, "side_by_side", False))
        self._sides = _Side("source", dataset.source), _Side("target", dataset.target)
        extras: Mapping[str, Any] = getattr(dataset, "extras", None) or {}
        self._extras = {name: _extra(name, spec) for name, spec in extras.items()}
        self._specs = specs = dataset.source, dataset.target
        alike = specs[0].planes == specs[1].planes and all(spec.kind == "image" for spec in specs)
        self._comparable, self._distance, self._compared = self.paired and alike, 0.0, 0

    def add(self, pair: Pair) -> None:
        for side, image in zip(self._sides, (pair.source, pair.target), strict=True):
            side.add(image)
        for name, extra in self._extras.items():
            value: Any = pair.extras[name]
            extra.add(value)
        if self._comparable:
            sides = zip((pair.source, pair.target), self._specs, strict=True)
            source, target = (
                (image - np.float32(spec.range[0])) / np.float32(spec.range[1] - spec.range[0]) for image, spec in sides
            )
            source = _in_size(source, target)
            self._distance += float(np.abs(source - target).mean())
            self._compared += 1

    @property
    def source_l1(self) -> float | None:
        """The mean over the pairs; None where the two sides cannot be compared."""
        return self._distance / self._compared if self._compared else None

    def rows(self, split: Split) -> list[tuple[str, str, str, str, str]]:
        sides = [side for side in (*self._sides, *self._extras.values()) if side.count]
        return [(split, side.name, side.sizes(), side.kind(), side.values()) for side in sides]

    def notes(self) -> list[str]:
        notes = [note for side in self._sides if side.count for note in side.notes()]
        if self._halves and self._sides[0].count:
            notes += _halves_notes(self._sides[0])
        if self.source_l1 == 0:
            notes.append("Source and target are the same picture in every pair.")
        return notes


class _Side:
    """What the pictures of one side are like."""

    def __init__(self, name: str, spec: ImageSpec) -> None:
        self.name, self._spec, self.count = name, spec, 0
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._low, self._high = np.inf, -np.inf
        self._classes = np.zeros(1, np.int64)
        self._seen_through = 0

    def add(self, image: ImageArray) -> None:
        self.count += 1
        self._sizes[image.shape[1], image.shape[0]] += 1
        if self._spec.kind == "labels":
            found = np.bincount(image.ravel(), minlength=len(self._classes))
            found[: len(self._classes)] += self._classes
            self._classes = found
        else:
            self._seen_through += image.shape[2] == 4 and float(image[:, :, 3].min()) < WHITE[image.dtype.name]
            self._low, self._high = min(self._low, float(image.min())), max(self._high, float(image.max()))

    def sizes(self) -> str:
        if len(self._sizes) == 1:
            return _size(next(iter(self._sizes)))
        by_area = sorted(self._sizes, key=lambda size: (size[0] * size[1], size))
        common, times = self._sizes.most_common(1)[0]
        mostly = f", {100 * times // self.count} % {_size(common)}" if times > 1 else ""
        return f"{_size(by_area[0])} to {_size(by_area[-1])}{mostly}"

    def kind(self) -> str:
        kind = "" if self._spec.kind == "image" else f", {self._spec.kind}"
        return f"{self._spec.channels} x {self._spec.dtype}{kind}"

    def values(self) -> str:
        if self._spec.kind != "labels":
            places = 3 if self._spec.dtype == "float32" else 0
            return f"{self._low:.{places}f} to {self._high:.{places}f}"
        present, unlabelled = self._present(), self._share_of_no_class()
        without = f", {100 * unlabelled:.0f} % have none" if unlabelled else ""
        return f"{len(present)} of {self._spec.planes} classes{without}"

    def notes(self) -> list[str]:
        where, spec = f"the {self.name}", self._spec
        (width, height), _ = self._sizes.most_common(1)[0]
        if spec.channels > _MOST_FIRST and 4 * height <= min(spec.channels, width):
            return [
                f"Arrays of {where} look like (channels, height, width): {height} x {width} pixels of {spec.channels} "
                "channels. itrans takes (height, width, channels): array.transpose(1, 2, 0)."
            ]
        if spec.kind == "labels":
            present = self._present()
            if len(present) == 1:
                rest = "; all other pixels have no class" if self._share_of_no_class() else ""
                return [f"In all label maps of {where}, class {present[0]} is the only one{rest}."]
            return []
        if spec.kind != "image":
            return []
        white = WHITE[spec.dtype]
        if self._low == self._high:
            return [f"All pictures of {where} are of one value, {self._high:g}."]
        if self._seen_through:
            return [
                f"Of {counted(self.count, 'picture')} of {where}, {self._seen_through} have a fourth channel that is "
                "not white. Networks take it as one more colour; if it is alpha, they see the colours that it hides, "
                "too. With channels = 3, a data set lays pictures on white."
            ]
        if spec.has_range:
            return []
        if spec.dtype == "uint16" and (self._high - self._low) * _BAND <= white and self._low * _BAND >= self._high:
            return [
                f"Values of {where} are from {self._low:.0f} to {self._high:.0f}, a small part of the {white:.0f} of "
                "16 bits, so that networks see hardly any difference. If these are measurements, say their range, with "
                f"some room for new ones: {self.name}_range = {_rounded(self._low, self._high)}."
            ]
        if self._high * _NARROW[spec.dtype] <= white:
            high = f"{self._high:.0f}" if spec.dtype != "float32" else f"{self._high:.4g}"
            return [
                f"Values of {where} reach {high} of {white:.0f}, so that networks see dark pictures: if that is their "
                f"white, stretch them to the full range of {spec.dtype}, or say it: {self.name}_range = [0, {high}]."
            ]
        return []

    def most_common_size(self) -> tuple[int, int]:
        return self._sizes.most_common(1)[0][0]

    def _present(self) -> list[int]:
        ignored = self._spec.ignored
        return [value for value in np.flatnonzero(self._classes).tolist() if value != ignored]

    def _share_of_no_class(self) -> float:
        ignored = self._spec.ignored
        if ignored is None or ignored >= len(self._classes):
            return 0.0
        return float(self._classes[ignored] / self._classes.sum())


def _extra(name: str, spec: Any) -> _Side | Numbers:
    return _Side(name, spec) if isinstance(spec, ImageSpec) else Numbers(name, spec)


def _in_size(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a source in its target's size; one that has another is scaled with bicubic interpolation."""
    if source.shape == target.shape:
        return source
    size = target.shape[1::-1]
    planes = [Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC) for plane in np.moveaxis(source, 2, 0)]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2).clip(0, 1)


def _halves_notes(side: _Side) -> list[str]:
    width, height = side.most_common_size()
    if height < 2 * width:
        return []
    whole = f"Most pictures are {2 * width}x{height}, whose halves are {width}x{height}"
    if height == 2 * width:
        return [f"{whole}: these look like single pictures, not like two side by side."]
    return [f"{whole}: these look like A above B, not side by side."]


def _rounded(low: float, high: float) -> list[int]:
    """Return round numbers around a range: of 26840 and 31950, 26800 and 32000."""
    step = 10 ** max(0, math.floor(math.log10(max(high - low, 1))) - 1)
    return [math.floor(low / step) * step, math.ceil(high / step) * step]


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
