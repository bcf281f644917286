"""TIFF of any size, read and written a few rows at a time."""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from itrans.errors import DataError
from itrans.files import replacing
from itrans.pictures.images import floats_fault
from itrans.pictures.kind import outside_range
from itrans.pictures.metadata import Metadata, metadata_in_tiff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from itrans.pictures.spec import ImageArray, ImageSpec

_TILE = 256
"""The side of the tiles that are written."""

_LARGEST = 2**32 - 2**25
"""Bytes of a TIFF with offsets of 32 bits, with room for its tags."""

_LARGE = 1 << 27
"""Bytes of a picture from which on it is read in bands."""

_INCH = 2


class Bands:
    """A TIFF file of which rows are read from top to bottom, one row of its strips or tiles after the other.

    Attributes:
        shape: height, width and channels.
        dtype: the type of its values.
        metadata: what travels with it.
        is_compressed: whether its values are.
    """

    def __init__(self, path: Path, spec: ImageSpec) -> None:
        import tifffile

        self._path, self._spec = path, spec
        self._file = tifffile.TiffFile(path)
        self._page: Any = self._file.pages.first
        self.shape: tuple[int, int, int] = (self._page.imagelength, self._page.imagewidth, self._page.samplesperpixel)
        self.dtype: np.dtype[np.generic] = np.dtype(self._page.dtype)
        self.is_compressed = self._page.compression != 1
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            self.metadata = metadata_in_tiff(cast("bytes", content))
        self._segments = self._read()
        self._rows: NDArray[np.generic] = np.empty((0, *self.shape[1:]), self.dtype)
        self._first = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def is_plain(self) -> bool:
        """Whether rows are all that there is to read: nothing has to be turned, looked up or put together."""
        page = self._page
        return (
            len(self._file.pages) == 1
            and page.photometric in {1, 2}
            and not page.extrasamples
            and page.planarconfig == 1
            and page.imagedepth == 1
            and page.tags.valueof(274, default=1) == 1
            and self.dtype.name in {"uint8", "uint16", "float32"}
            and page.bitspersample == 8 * self.dtype.itemsize
        )

    def __getitem__(self, rows: slice) -> ImageArray:
        """Return some rows, which are not above those of the call before."""
        start, stop = int(rows.start), min(int(rows.stop), self.shape[0])
        assert start >= self._first, "rows are read from top to bottom"
        parts, there = [self._rows[start - self._first :]], self._first + len(self._rows)
        while there < stop:
            parts.append(next(self._segments))
            there += len(parts[-1])
        self._rows, self._first = np.concatenate(parts) if len(parts) > 1 else parts[0], start
        return cast("ImageArray", self._rows[: stop - start])

    def _read(self) -> Iterator[NDArray[np.generic]]:
        """Yield rows of strips, or of tiles."""
        height, width, channels = self.shape
        deep = self._page.tilelength if self._page.is_tiled else self._page.rowsperstrip
        band: NDArray[np.generic] | None = None
        top = 0
        try:
            for segment, (_, _, row, column, _), shape in self._page.segments(maxworkers=1):
                if band is not None and row != top:
                    yield self._checked(band, top)
                    band = None
                if band is None:
                    band, top = np.zeros((min(deep, height - row), width, channels), self.dtype), row
                if segment is not None:
                    rows, columns = min(shape[1], height - row), min(shape[2], width - column)
                    band[:rows, column : column + columns] = segment[0, :rows, :columns]
        except DataError:
            raise
        except Exception as error:  # a damaged file can raise nearly anything
            raise DataError(f"{self._path} is a damaged or truncated TIFF: {error}.") from error
        if band is not None:
            yield self._checked(band, top)

    def _checked(self, band: NDArray[np.generic], top: int) -> NDArray[np.generic]:
        ranged = self._spec.has_range
        if fault := outside_range(cast("ImageArray", band), self._spec, top) if ranged else floats_fault(band):
            raise DataError(f"{self._path} {fault}.")
        return band


def bands_of(path: Path, spec: ImageSpec) -> Bands | None:
    """Return a large TIFF of a spec's channels as bands; if the spec has a range, of its type alone.

    Returns:
        None for one that is small, or not plain: one page of grey or RGB without alpha, upright, all channels of a
        pixel together; and where tifffile is not installed.
    """
    if path.suffix.lower() not in {".tif", ".tiff"}:
        return None
    try:
        found = Bands(path, spec)
    except Exception:  # read as a whole, it gets its message
        return None
    fits = found.shape[2] == spec.channels and (not spec.has_range or found.dtype.name == spec.dtype)
    if found.is_plain and fits and math.prod(found.shape) * found.dtype.itemsize >= _LARGE:
        return found
    found.close()
    return None


def write_bands(
    path: Path,
    bands: Iterable[ImageArray],
    shape: tuple[int, int, int],
    dtype: np.dtype[np.generic],
    metadata: Metadata,
    *,
    compress: bool,
) -> None:
    """Write a picture whose rows come from top to bottom as a tiled TIFF, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    import tifffile

    height, width, channels = shape
    metadata = metadata.for_channels(channels)
    size = height * width * channels * dtype.itemsize
    options: dict[str, Any] = {}
    if metadata.resolution:
        options |= {"resolution": metadata.resolution, "resolutionunit": _INCH}
    if metadata.profile:
        options["iccprofile"] = metadata.profile
    with replacing(path) as file, tifffile.TiffWriter(file, bigtiff=size > _LARGEST, byteorder="<") as writer:
        writer.write(
            _tiles(bands, shape, dtype),
            shape=shape if channels > 1 else shape[:2],
            dtype=dtype,
            tile=(_TILE, _TILE),
            photometric="rgb" if channels in {3, 4} else "minisblack",
            compression="zlib" if compress else None,
            compressionargs={"level": 1} if compress else None,
            extratags=[(tag, kind, count, data, True) for tag, (kind, count, data) in metadata.place.items()],
            metadata=None,
            software=False,
            **options,
        )


def _tiles(
    bands: Iterable[ImageArray], shape: tuple[int, int, int], dtype: np.dtype[np.generic]
) -> Iterator[NDArray[np.generic]]:
    """Yield the tiles of a picture, row by row of them, filled up with 0 beyond its edges."""
    _, width, channels = shape
    waiting = np.empty((0, width, channels), dtype)
    for band in bands:
        waiting = np.concatenate([waiting, band])
        while len(waiting) >= _TILE:
            yield from _row_of_tiles(waiting[:_TILE])
            waiting = waiting[_TILE:]
    if len(waiting):
        yield from _row_of_tiles(waiting)


def _row_of_tiles(rows: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    count, width, channels = rows.shape
    for left in range(0, width, _TILE):
        tile = np.zeros((_TILE, _TILE, channels), rows.dtype)
        part = rows[:, left : left + _TILE]
        tile[:count, : part.shape[1]] = part
        yield tile if channels > 1 else tile[:, :, 0]
