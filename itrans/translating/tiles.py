"""Large pictures, translated in parts that overlap and are blended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch

from itrans.errors import DataError
from itrans.networks.padding import multiple_of, padding_before, reflected_positions
from itrans.networks.statistics import SharedStatistics, normalizes_by_picture
from itrans.pictures.kinds import kind_of, output_type
from itrans.pictures.spec import ImageSpec
from itrans.pictures.tensors import stack
from itrans.scales import scaled
from itrans.translating.given import refuse_unlike
from itrans.translating.scaling import scale_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from itrans.pictures.spec import ImageArray, PixelType
    from itrans.translating.tiling import Tiling
    from itrans.translating.translator import Translator

_TOGETHER = 1 << 20
"""Pixels of all tiles that are translated at once."""


class Rows(Protocol):
    """A picture of which rows are read from top to bottom."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of its values."""

    def __getitem__(self, rows: slice) -> ImageArray:
        """Return some rows, `(n, W, C)`: never of above those that were asked for before."""


class _Padded:
    """A picture padded to a multiple of a number, as `apply_generator` pads it."""

    def __init__(self, image: Rows, multiple: int, whole: int) -> None:
        self._image = image
        self._rows, self._columns = (
            reflected_positions(side, multiple, whole=whole).numpy() for side in image.shape[:2]
        )
        self.shape = (len(self._rows), len(self._columns), image.shape[2])
        self.before = tuple(padding_before(side, multiple, whole) for side in image.shape[:2])

    def __getitem__(self, rows: slice) -> ImageArray:
        places = self._rows[rows]
        first, last = int(places.min()), int(places.max())
        return cast("ImageArray", self._image[first : last + 1][places - first][:, self._columns])


class _TileExtras:
    """What the tiles of a picture of a height and width are translated with, besides."""

    def __init__(
        self, translator: Translator, given: Mapping[str, Any], size: tuple[int, int], multiple: int, whole: int
    ) -> None:
        specs, self._given = translator.accepted.extras, dict(given)
        self._aligned: dict[str, _Padded] = {}
        for name, image in given.items():
            spec = specs.get(name)
            if isinstance(spec, ImageSpec) and spec.aligned and image is not None:
                refuse_unlike(name, spec, image, size)
                self._aligned[name] = _Padded(image, multiple, whole)

    def of(self, places: Sequence[tuple[int, int]], height: int, width: int) -> dict[str, Any]:
        """Return that of the tiles of one size that begin at some places."""
        cut = {
            name: [image[top : top + height][:, left : left + width] for top, left in places]
            for name, image in self._aligned.items()
        }
        return self._given | cut


def translate_tiles(
    translator: Translator,
    image: Rows,
    tiling: Tiling,
    *,
    seed: int | None = None,
    direction: str | None = None,
    batch_size: int = 8,
    probes: Rows | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    given: Mapping[str, Any] | None = None,
) -> Iterator[ImageArray]:
    """Yield the translation of a picture from top to bottom, some rows each: a few rows of tiles are in memory.

    All tiles have the same dropout and noise, and are normalised by the statistics of a few tiles from all over the
    picture, see `SharedStatistics`.

    Args:
        translator: what translates.
        image: the picture, which the translator takes: stored as a data set would store it, see `Kind.source_of`.
        tiling: the parts, in pixels of the picture.
        seed: of dropout and noise, instead of the translator's.
        direction: one of the translator's; None is the first.
        batch_size: at most so many tiles at once.
        probes: the same picture, to read the tiles from that are looked at first.
        progress: is told how many tiles are done, out of how many.
        given: options and extras, see `Translator.translate`; extras that show the same place are cut into tiles too.

    Raises:
        DataError: see `Translator.translate`.
    """
    source, target = translator.specs(direction)
    kept: PixelType = image.dtype.name  # type: ignore[assignment]
    dtype = output_type(kept, source, target)
    networks = translator.generators.values()
    if any(getattr(network, "whole_pictures", False) for network in networks):
        raise DataError(
            f"{translator.checkpoint} normalises over the whole picture, which a tile is not: translate in tiles "
            "with the checkpoint that it was made from."
        )
    scale = scale_in(translator, direction)
    whole = scale.denominator
    multiple = math.lcm(max(map(multiple_of, networks)), whole)
    padded, (height, width, _) = _Padded(image, multiple, whole), image.shape
    more = _TileExtras(translator, given or {}, (height, width), multiple, whole)
    above, beside = padded.before
    rows, columns = (tiling.side(length, multiple, whole) for length in padded.shape[:2])
    together = max(1, _TOGETHER // (rows.size * columns.size))
    statistics = SharedStatistics() if normalizes_by_picture(networks, translator.mode) else None

    def translations(tiles: Sequence[ImageArray], places: Sequence[tuple[int, int]]) -> Tensor:
        sources = kind_of(source).planes(stack(tiles), source)
        outputs = translator.translate_planes(
            sources,
            direction,
            seed=seed,
            dtype=dtype,
            statistics=statistics,
            **more.of(places, rows.size, columns.size),
        )
        return outputs.float().cpu()

    made: dict[tuple[int, int], Tensor] = {}
    if statistics is not None:
        places = _spread([(top, left) for top in rows.starts for left in columns.starts], together)
        looked_at = padded if probes is None else _Padded(probes, multiple, whole)
        tiles = [looked_at[top : top + rows.size][:, left : left + columns.size] for top, left in places]
        made = dict(zip(places, translations(tiles, places), strict=True))
        statistics.complete()
    tall, wide = rows.scaled(scale), columns.scaled(scale)
    across = dict(zip(columns.starts, zip(wide.starts, wide.weights(), strict=True), strict=True))
    done, total = 0, len(rows.starts) * len(columns.starts)
    blended = torch.zeros(target.planes, tall.size, wide.length)
    for top, end, down in zip(rows.starts, (*rows.starts[1:], rows.length), tall.weights(), strict=True):
        band = padded[top : top + rows.size]
        for lefts in _groups([left for left in columns.starts if (top, left) not in made], min(together, batch_size)):
            parts = [band[:, left : left + columns.size] for left in lefts]
            outputs = translations(parts, [(top, left) for left in lefts])
            made |= {(top, left): output for left, output in zip(lefts, outputs, strict=True)}
            progress(done := done + len(lefts), total)
        for left in columns.starts:
            begin, weights = across[left]
            weight = torch.from_numpy(np.outer(down, weights))
            blended[:, :, begin : begin + wide.size] += made.pop((top, left)) * weight
        first, last = max(top, above), min(end, above + height)
        if last > first:
            part = slice(scaled(first - top, scale), scaled(last - top, scale))
            seen = slice(scaled(beside, scale), scaled(beside, scale) + scaled(width, scale))
            stored = kind_of(target).arrays(blended[None, :, part, seen], target, dtype)
            inner = np.ascontiguousarray(band[first - top : last - top, beside : beside + width])
            yield kind_of(target).outputs(stored, target, [cast("ImageArray", inner)], source)[0]
        finished = scaled(end - top, scale)
        blended = torch.cat([blended[:, finished:], torch.zeros_like(blended[:, :finished])], dim=1)
    progress(total, total)


def _spread(places: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return some of the places of tiles, from all over a picture, in order."""
    count = min(len(places), most)
    return [places[(2 * number + 1) * len(places) // (2 * count)] for number in range(count)]


def _groups(lefts: list[int], most: int) -> Iterator[list[int]]:
    for first in range(0, len(lefts), most):
        yield lefts[first : first + most]
