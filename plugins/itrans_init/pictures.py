"""What pictures are like: sizes, channels, values; and whether they are label maps, or two pictures side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans.api import DataError, counted, read_image, read_label_map
from itrans_init.headers import header_of, stored_as

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itrans.api import ImageArray
    from itrans_init.headers import Stored

LOOKED_AT = 300
"""Pictures of a side that are read, spread evenly; of label maps all are. Of the others, the headers are."""

HEADERS_READ = 10_000
"""Headers of a side that are read, likewise."""

_COMPARED = 24
_MOST_CLASSES, _MOST_COLOURS = 256, 64
_FLAT = 0.6
"""The share of pixels of a label map that are as their neighbours."""

_IGNORED = 255
_ALIKE = 0.1
"""By how much more the halves of one picture are alike than those of different ones, where they are a pair."""

_WIDE = 1.2
"""How much wider than high two pictures side by side are, at least."""

_SMALL = (64, 64)


@dataclass
class Look:
    """What the pictures of a side are like.

    Attributes:
        sizes: width and height, and how many pictures have them.
        channels: how many pictures have how many.
        types: how many have which type of values.
        flatness: the mean share of pixels that are as their neighbours.
        unreadable: what is wrong with pictures that cannot be read.
        count: how many were read.
        stored: how each file stores its picture, in all splits; the others count those that are trained with.
        unknown: how many files were not looked at, because they have no header that is quickly read.
        values: the lowest and the highest value of pictures of 16 bits that were read.
    """

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    flatness: float = 0.0
    unreadable: list[str] = field(default_factory=list)
    count: int = 0
    stored: dict[str, Stored] = field(default_factory=dict)
    unknown: int = 0
    values: tuple[int, int] | None = None

    def add(self, file: str, stored: Stored, *, is_trained_with: bool = True) -> None:
        """Add a picture."""
        self.stored[file] = stored
        if is_trained_with:
            self.sizes[stored.width, stored.height] += 1
            self.channels[stored.channels] += 1
            self.types[stored.dtype] += 1

    def halve(self) -> None:
        """Take each picture for two side by side: sizes are those of halves from now on."""
        self.sizes = Counter({(width // 2, height): times for (width, height), times in self.sizes.items()})
        self.stored = {file: stored._replace(width=stored.width // 2) for file, stored in self.stored.items()}

    @property
    def shortest(self) -> int:
        """The shorter side of the smallest picture."""
        return min(min(size) for size in self.sizes)

    @property
    def size_text(self) -> str:
        """The sizes, as people say them."""
        by_area = sorted(self.sizes, key=lambda size: size[0] * size[1])
        names = [f"{width}x{height}" for width, height in (by_area[0], by_area[-1])]
        return names[0] if len(by_area) == 1 else f"{names[0]} to {names[1]}"

    @property
    def kind_text(self) -> str:
        """Channels and types, as people say them."""
        bits = {"uint8": "8 bits", "uint16": "16 bits", "float32": "floats"}
        names = {1: "grey", 3: "RGB", 4: "RGBA"}
        channels = " or ".join(
            names.get(number, counted(number, "channel")) for number, _ in self.channels.most_common()
        )
        return f"{channels}, {' or '.join(bits[name] for name, _ in self.types.most_common())}"


def look_at(
    root: Path, files: Sequence[str], held_out: Sequence[str] = (), advance: Callable[[], None] = lambda: None
) -> Look:
    """Return what pictures are like.

    Args:
        root: the folder.
        files: those to train with.
        held_out: those of other splits, of which only the headers are read.
        advance: called once for each file.

    Raises:
        DataError: none of them can be read.
    """
    look, flat = Look(), 0.0
    for file in spread(files, LOOKED_AT):
        advance()
        try:
            image = read_image(root / file)
        except DataError as error:
            look.unreadable.append(str(error))
            continue
        look.count += 1
        look.add(file, stored_as(image))
        flat += flatness(image)
        if image.dtype == np.uint16:
            lowest, highest = look.values or (image.max(), 0)
            look.values = min(int(image.min()), int(lowest)), max(int(image.max()), int(highest))
    if not look.count:
        raise DataError(f"None of the pictures in {root} can be read. The first one: {look.unreadable[0]}")
    look.flatness = flat / look.count
    read = set(spread(files, LOOKED_AT))
    rest, trained_with = [file for file in (*files, *held_out) if file not in read], set(files)
    chosen = spread(rest, HEADERS_READ)
    look.unknown = len(rest) - len(chosen)
    for file in chosen:
        advance()
        _add_header(look, root, file, is_trained_with=file in trained_with)
    return look


def _add_header(look: Look, root: Path, file: str, *, is_trained_with: bool) -> None:
    try:
        stored = header_of(root / file)
    except OSError:
        try:
            stored = stored_as(read_image(root / file))
        except DataError as error:
            look.unreadable.append(str(error))
            return
    if stored is None:
        look.unknown += 1
    else:
        look.add(file, stored, is_trained_with=is_trained_with)


@dataclass
class Classes:
    """How label maps store their classes.

    Attributes:
        count: how many classes there are.
        ignored: a value that seems to stand for no class.
        values: the stored value of each class, where they are not 0, 1, 2 and so on.
        palette: the colour of each class, where label maps are in colours.
    """

    count: int
    ignored: int | None = None
    values: list[int] | None = None
    palette: list[tuple[int, int, int]] | None = None


def classes_of(root: Path, files: Sequence[str], *, is_said: bool, advance: Callable[[], None]) -> Classes | None:
    """Return how pictures store classes; None if they are no label maps.

    All of them are read, until one is no label map. `is_said`: whether the folder's name says that they are label maps;
    two values are then classes, too, and not black and white.
    """
    values: set[int] = set()
    colours: set[tuple[int, int, int]] = set()
    for file in files:
        advance()
        try:
            image = read_label_map(root / file)
        except DataError:
            return None
        if image.dtype == np.float32 or image.shape[2] not in {1, 3}:
            return None
        if flatness(image) < _FLAT:
            return None
        if image.shape[2] == 1:
            values |= {int(value) for value in np.unique(image)}
        else:
            colours |= {(int(red), int(green), int(blue)) for red, green, blue in _distinct_colours(image)}
        if len(values) > _MOST_CLASSES or len(colours) > _MOST_COLOURS or (values and colours):
            return None
    if colours:
        return Classes(len(colours), palette=sorted(colours)) if len(colours) > 2 or is_said else None
    found = sorted(values)
    if len(found) < 2 or (len(found) == 2 and not is_said):
        return None
    ignored = _IGNORED if found[-1] == _IGNORED and found[-2] < _IGNORED - 1 and len(found) > 2 else None
    rest = [value for value in found if value != ignored]
    if rest[-1] < 2 * len(rest) or (is_said and rest[-1] < 4 * len(rest) and rest[-1] < _MOST_COLOURS):
        return Classes(rest[-1] + 1, ignored) if rest[-1] else None
    return Classes(len(found), values=found) if len(found) <= _MOST_COLOURS else None


def flatness(image: ImageArray) -> float:
    """Return the share of pixels that are as their right and lower neighbours."""
    if min(image.shape[:2]) < 2:
        return 0.0
    here = image[:-1, :-1]
    same = (here == image[1:, :-1]).all(axis=2) & (here == image[:-1, 1:]).all(axis=2)
    return float(same.mean())


def spread(files: Sequence[str], most: int) -> list[str]:
    """Return at most so many files, spread evenly."""
    count = min(len(files), most)
    return [files[place * len(files) // count] for place in range(count)]


@dataclass
class Halves:
    """What the two halves of pictures have to do with one another.

    Attributes:
        are_twice_as_wide: whether nearly all pictures are twice as wide as high.
        are_alike: whether the halves of a picture are more alike than those of different ones.
        left_is_simpler: whether the left halves have more flat areas than the right ones, as drawings have.
    """

    are_twice_as_wide: bool
    are_alike: bool
    left_is_simpler: bool


def halves_of(root: Path, files: Sequence[str]) -> Halves | None:
    """Return what can be said of the halves of pictures; None where they cannot be two pictures of one size."""
    lefts, rights, wide, flat = [], [], 0, [0.0, 0.0]
    chosen = spread(files, _COMPARED)
    for file in chosen:
        try:
            image = read_image(root / file)
        except DataError:
            continue
        height, width = image.shape[:2]
        if width % 2 or width < _WIDE * height:
            return None
        wide += width == 2 * height
        sides = image[:, : width // 2], image[:, width // 2 :]
        lefts.append(_outline(sides[0]))
        rights.append(_outline(sides[1]))
        for number, side in enumerate(sides):
            flat[number] += flatness(side)
    if not lefts:
        return None
    own = [float((left * right).mean()) for left, right in zip(lefts, rights, strict=True)]
    others = [float((lefts[place] * rights[place - 1]).mean()) for place in range(len(lefts))]
    # The halves of a photo that is symmetric, as of a house, are alike once one is mirrored.
    mirrored = [float((left * right[:, ::-1]).mean()) for left, right in zip(lefts, rights, strict=True)]
    alike = len(lefts) > 1 and np.mean(own) - np.mean(others) > _ALIKE and np.mean(own) > np.mean(mirrored)
    return Halves(wide >= 0.9 * len(lefts), bool(alike), flat[0] >= flat[1])


def _outline(image: ImageArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return where a picture has edges: small, and of mean 0 and variance 1."""
    grey = cv2.resize(image.astype(np.float32).mean(axis=2), _SMALL, interpolation=cv2.INTER_AREA)
    found = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    found = cv2.GaussianBlur(found, (5, 5), 0)
    outline: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = (found - found.mean()) / (found.std() + 1e-6)
    return outline


def _distinct_colours(image: ImageArray) -> np.ndarray[tuple[int, ...], np.dtype[np.integer]]:
    codes = image.reshape(-1, 3).astype(np.int64) @ np.array([1 << 32, 1 << 16, 1])
    distinct = np.unique(codes)
    return np.stack([distinct >> 32, (distinct >> 16) & 0xFFFF, distinct & 0xFFFF], axis=1)
