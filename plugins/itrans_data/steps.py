"""What `itrans data prepare` does to the pixels of a picture, or of the two of a pair."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import cv2
import numpy as np
from PIL import Image

from itrans.api import DataError, check_same_size, counted, encode_image, read_image, read_label_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itrans.api import ImageArray, Split
    from itrans_data.items import Item

LabelSide: TypeAlias = Literal["source", "target", "all"]
EdgeMethod: TypeAlias = Literal["canny", "xdog"]

_AT_ONCE = 4
"""Channels that OpenCV resizes at once in all its ways."""

_SIDES = ("source", "target")
_HELD: dict[str, tuple[set[str], set[int]]] = {
    "png": ({"uint8", "uint16"}, {1, 3, 4}),
    "jpg": ({"uint8"}, {1, 3}),
    "webp": ({"uint8"}, {3, 4}),
    "tif": ({"uint8", "uint16", "float32"}, {1, 3, 4}),
}
"""The types of pixels, and the channel counts, that a format holds."""


@dataclass(frozen=True)
class Picture:
    """A picture on its way.

    Attributes:
        image: `(H, W, C)`; of a label map, the values that its file has.
        is_labels: whether it is a label map, in which no values may be mixed.
        palette: the colours of a label map that has some, as Pillow has them.
        file: the name and the content of the file, as long as the picture is what that says.
    """

    image: ImageArray
    is_labels: bool = False
    palette: tuple[str, bytes] | None = None
    file: tuple[str, bytes] | None = None

    def of(self, image: ImageArray) -> Picture:
        """Return a picture of the same kind with other pixels."""
        return replace(self, image=cast("ImageArray", np.ascontiguousarray(image)), file=None)

    def encoded(self, format_: str | None) -> tuple[str, bytes]:
        """Return the suffix and the content of a file of it: its own where it has one, if no format is given.

        Label maps are stored without losses, with their palette.
        """
        if self.file is not None and (format_ is None or self.is_labels):
            return Path(self.file[0]).suffix.lower(), self.file[1]
        image = self.image
        fits = image.shape[2] in {1, 3, 4}
        if self.is_labels:
            format_ = "png" if fits else "npy"
        elif format_ is None:
            format_ = "npy" if not fits else "tif" if image.dtype == np.float32 else "png"
        if self.palette is not None and image.dtype == np.uint8 and image.shape[2] == 1:
            return ".png", _palette_png(image, *self.palette)
        if format_ in _HELD and (image.dtype.name not in _HELD[format_][0] or image.shape[2] not in _HELD[format_][1]):
            kind = f"{counted(image.shape[2], 'channel')} of {image.dtype}"
            raise DataError(f"{format_} does not hold {kind}: leave out --format.")
        return f".{format_}", encode_image(image, f".{format_}")


@dataclass(frozen=True)
class Piece:
    """What becomes of a picture or a pair, or of a tile of it: one picture, or a source and a target.

    Attributes:
        name: its path in the folder of its split, without the suffix.
        split: the one that it is in, if there are any.
        pictures: one, or two.
    """

    name: str
    split: Split | None
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Steps:
    """What is done, in this order.

    Attributes:
        halve: cut A|B into its halves, source and target.
        labels: the side that holds label maps; `all` for both, or for single pictures.
        shorter: the length in pixels that the shorter side is scaled to.
        longer: the length that the longer one is scaled to.
        resize: the height and width that pictures are scaled to.
        edges: draw the edges of a picture, which become the source, and the picture the target.
        tile: the height and width of the parts that pictures are cut into.
        overlap: how many pixels neighbouring parts share.
        join: lay source and target side by side, as A|B.
    """

    halve: bool = False
    labels: LabelSide | None = None
    shorter: int | None = None
    longer: int | None = None
    resize: tuple[int, int] | None = None
    edges: EdgeMethod | None = None
    tile: int | None = None
    overlap: int = 0
    join: bool = False

    def pieces(self, item: Item) -> list[Piece]:
        """Read an item, and return what becomes of it.

        Raises:
            DataError: a picture cannot be read, or nothing of the kind can be made of it.
        """
        pictures = self.read(item)
        if self.edges is not None:
            pictures = (_drawing(pictures[0], self.edges), pictures[0])
        cuts = [(item.name, pictures)] if self.tile is None else list(self._tiles(item, pictures))
        if self.join:
            cuts = [(name, (_joined(item, *cut),)) for name, cut in cuts]
        return [Piece(name, item.split, cut) for name, cut in cuts]

    def read(self, item: Item) -> tuple[Picture, ...]:
        """Read an item, cut it into halves, and scale it, if that is to be done."""
        sides = _SIDES if len(item.files) == 2 else ("all",)
        pictures = [
            _read(file, is_labels=self.labels in {"all", side}) for file, side in zip(item.files, sides, strict=True)
        ]
        if self.halve:
            pictures = _halves(item.files[0], pictures[0], self.labels)
        if len(item.files) == 2:
            check_same_size(item.files[0], pictures[0].image, item.files[1], pictures[1].image)
        return tuple(self._scaled(picture) for picture in pictures)

    def _scaled(self, picture: Picture) -> Picture:
        height, width = picture.image.shape[:2]
        if self.resize is not None:
            size = self.resize
        elif wanted := self.shorter or self.longer:
            side = min(height, width) if self.shorter else max(height, width)
            size = max(1, round(height * wanted / side)), max(1, round(width * wanted / side))
        else:
            return picture
        if size == (height, width):
            return picture
        return picture.of(_in_size(picture.image, size, smooth=not picture.is_labels))

    def _tiles(self, item: Item, pictures: tuple[Picture, ...]) -> Iterator[tuple[str, tuple[Picture, ...]]]:
        tile = self.tile or 0
        height, width = pictures[0].image.shape[:2]
        if min(height, width) < tile:
            raise DataError(f"{item.files[0]} is {width}x{height}, which is smaller than a tile of {tile}x{tile}.")
        digits = len(str(max(height, width)))
        for top in _places(height, tile, self.overlap):
            for left in _places(width, tile, self.overlap):
                part = np.s_[top : top + tile, left : left + tile]
                cut = tuple(picture.of(picture.image[part]) for picture in pictures)
                yield f"{item.name}-y{top:0{digits}d}-x{left:0{digits}d}", cut


def _places(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin; the last one ends where the picture does."""
    return [*range(0, length - tile, tile - overlap), length - tile]


def _read(path: Path, *, is_labels: bool) -> Picture:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    image = read_label_map(path, content) if is_labels else read_image(path, content)
    return Picture(image, is_labels, _palette_of(content) if is_labels else None, (path.name, content))


def _palette_of(content: bytes) -> tuple[str, bytes] | None:
    """Return the palette of a picture that has one."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            return None if opened.mode != "P" or opened.palette is None else opened.palette.getdata()
    except (OSError, ValueError):  # of an .npy file
        return None


def _palette_png(image: ImageArray, mode: str, palette: bytes) -> bytes:
    picture = Image.fromarray(np.ascontiguousarray(image[:, :, 0]))
    least = (int(image.max()) + 1) * len(mode)  # a file may have values that its palette has no colours for
    picture.putpalette(palette.ljust(least, b"\0"), mode)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _halves(path: Path, whole: Picture, labels: LabelSide | None) -> list[Picture]:
    width = whole.image.shape[1]
    if width % 2:
        raise DataError(f"{path} is {width} pixels wide: a picture A|B has an even width, half of it for each.")
    parts = (whole.image[:, : width // 2], whole.image[:, width // 2 :])
    return [
        replace(whole.of(part), is_labels=labels in {"all", side}) for part, side in zip(parts, _SIDES, strict=True)
    ]


def _drawing(picture: Picture, method: EdgeMethod) -> Picture:
    from itrans_datasets.edges import line_drawing

    return Picture(line_drawing(picture.image, method=method))


def _joined(item: Item, source: Picture, target: Picture) -> Picture:
    one, other = source.image, target.image
    if source.is_labels != target.is_labels:
        raise DataError(f"{item.files[0]}: the values of a label map and of a picture do not go into one file.")
    if one.shape[2:] != other.shape[2:] or one.dtype != other.dtype:
        one, other = _alike(item, one, other)
    return Picture(np.concatenate([one, other], axis=1), source.is_labels and target.is_labels, source.palette)


def _alike(item: Item, *images: ImageArray) -> Sequence[ImageArray]:
    """Return two pictures with the channels of the one that has more: grey next to colours becomes colours."""
    from itrans.api import as_channels

    counts = [image.shape[2] for image in images]
    if images[0].dtype != images[1].dtype or not set(counts) <= {1, 3, 4}:
        kinds = " and ".join(f"{counted(image.shape[2], 'channel')} of {image.dtype}" for image in images)
        raise DataError(f"{item.files[0]}: source and target have {kinds}, which do not fit into one picture.")
    return [as_channels(image, max(counts)) for image in images]


def _in_size(image: ImageArray, size: tuple[int, int], *, smooth: bool) -> ImageArray:
    """Return a picture scaled to a height and a width: averaged, interpolated, or of the nearest pixels."""
    shrinks = size[0] < image.shape[0] or size[1] < image.shape[1]
    how = (cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    parts = [image[:, :, first : first + _AT_ONCE] for first in range(0, image.shape[2], _AT_ONCE)]
    done = [cv2.resize(np.ascontiguousarray(part), size[::-1], interpolation=how) for part in parts]
    return cast("ImageArray", np.concatenate([part.reshape(*size, -1) for part in done], axis=2))
