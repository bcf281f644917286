"""Bytes -> a source picture, and outputs -> bytes. How large a picture is is known before it is decoded."""

from __future__ import annotations

import contextlib
import io
import itertools
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin

from itrans.api import DataError, ItransError, OutputError, counted, error_text, kind_of, read_image, read_label_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.api import ImageArray, ImageSpec, Preparation
    from itrans.commands import Translator

_PNG, _NPY = b"\x89PNG\r\n\x1a\n", b"\x93NUMPY"
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT = 256, 257
"""Tags of TIFF."""
_MOST_PAGES = 64
_BY_PILLOW = ("JPEG", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")

_NAMELESS = "The picture"


class TooLargeError(DataError):
    """A picture has more pixels than this server takes."""


class Reader:
    """Reads pictures as the sources of a translator.

    Args:
        folder: where an upload lies while it is read, under a name of ours.
        most_pixels: how many pixels a picture may have.
    """

    def __init__(self, folder: Path, most_pixels: int) -> None:
        self._folder, self._most_pixels, self._numbers = folder, most_pixels, itertools.count()

    def source(
        self, content: bytes, translator: Translator, direction: str, *, prepare: bool = False
    ) -> tuple[ImageArray, str | None]:
        """Return a picture as the generator takes it, and a note on what was converted.

        Raises:
            TooLargeError: it has too many pixels.
            DataError: it is no picture, or none that the generator takes.
        """
        spec = translator.specs(direction)[0]
        preparation = None if translator.goes_back(direction) else translator.preparation
        if prepare:
            return self._prepared(content, preparation), None
        image, note = self._read(content, labels=spec.kind == "labels", any_floats=spec.has_range), None
        # What is made of a photo is not its grey where training made its lines: that is refused, with what to do.
        if preparation is None or spec.channels > 1:
            image, note = kind_of(spec).as_source(image, spec, translator.background)
        try:
            translator.check(image, direction)
        except DataError as error:
            raise DataError(str(error).replace("--prepare", "prepare=true")) from error
        return image, note

    def extra(self, content: bytes, name: str, translator: Translator, spec: ImageSpec) -> ImageArray:
        """Return a picture as an extra of a translator; raises what `source` raises."""
        kind = kind_of(spec)
        try:
            image = self._read(content, labels=spec.kind == "labels", any_floats=spec.has_range)
            image, _ = kind.as_source(image, spec, translator.background)
        except ItransError as error:
            raise type(error)(f'The extra "{name}": {error}') from error
        if fault := kind.refusal(image, spec):
            raise DataError(f'The picture cannot be the extra "{name}": {fault}')
        return image

    def _prepared(self, content: bytes, preparation: Preparation | None) -> ImageArray:
        if preparation is None:
            raise DataError("prepare=true has nothing to do: this checkpoint takes pictures as they are.")
        if preparation.takes_mask:
            raise DataError(
                "prepare=true needs a mask beside the picture here, which only itrans translate takes: --mask FILE."
            )
        image = self._read(content, labels=preparation.label_maps)
        try:
            return preparation.source(image, None)
        except ItransError:
            raise
        except Exception as error:  # a plugin's
            raise DataError(f"{_NAMELESS} cannot be prepared: {error_text(error)}") from error

    def _read(self, content: bytes, *, labels: bool, any_floats: bool = False) -> ImageArray:
        if not content:
            raise DataError("The body is empty: send a picture.")
        self._refuse_if_too_large(size_in_header(content))
        suffix = ".npy" if content.startswith(_NPY) else ".png"  # of all others the content decides
        path = self._folder / f"{next(self._numbers)}{suffix}"
        try:
            path.write_bytes(content)
            image = read_label_map(path) if labels else read_image(path, any_floats=any_floats)
        except ItransError as error:
            raise type(error)(str(error).replace(str(path), _NAMELESS)) from error
        finally:
            path.unlink(missing_ok=True)
        self._refuse_if_too_large((image.shape[1], image.shape[0]))
        return image

    def _refuse_if_too_large(self, size: tuple[int, int] | None) -> None:
        if size is not None and size[0] * size[1] > self._most_pixels:
            raise TooLargeError(
                f"{_NAMELESS} is {size[0]} x {size[1]} pixels, and this server takes up to {self._most_pixels:,}. "
                "Scale it down, or start the server with a larger --max-pixels."
            )


def size_in_header(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a file says it has; None if it does not say so, or cannot be read anyway.

    Of a TIFF it is the largest page.
    """
    with contextlib.suppress(Exception):  # a damaged header can raise nearly anything; reading says what is wrong
        if content.startswith(_PNG):
            return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        if content.startswith(_NPY):
            return _size_of_array(content)
        if content.startswith(_TIFFS):
            return _size_of_tiff(content)
        Image.init()
        for name in _BY_PILLOW:
            factory, accept = Image.OPEN.get(name, (None, None))
            if factory is not None and accept is not None and accept(content[:16]):
                # Not Image.open, which has a limit of its own, and warns.
                return factory(io.BytesIO(content), "").size
    return None


def _size_of_array(content: bytes) -> tuple[int, int]:
    file = io.BytesIO(content)
    is_first = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape = read(file)[0]
    return int(shape[1]), int(shape[0])


def _size_of_tiff(content: bytes) -> tuple[int, int]:
    file, sizes = io.BytesIO(content), list[tuple[int, int]]()
    directory = TiffImagePlugin.ImageFileDirectory_v2(content[: 16 if 43 in content[2:4] else 8])
    while directory.next and len(sizes) < _MOST_PAGES:
        file.seek(directory.next)
        directory.load(file)
        sizes.append((int(directory.get(_WIDTH, 0)), int(directory.get(_HEIGHT, 0))))
    return max(sizes, key=lambda size: size[0] * size[1])


def shown(image: ImageArray, spec: ImageSpec, source: ImageArray) -> ImageArray:
    """Return a picture as people look at it: grey or RGB, label maps in colours; of many channels the first three."""
    # What is finished already, as colourings are, has other channels than the spec says, and is shown as it is.
    found = kind_of(spec).shown([image], spec, [source])[0] if image.shape[2] == spec.channels else image
    return found[:, :, :3] if found.shape[2] > 3 else found[:, :, :1] if found.shape[2] == 2 else found


def png(image: ImageArray) -> bytes:
    """Return a PNG of 8 or 16 bits; floats from 0 to 1 become 16 bits.

    Raises:
        OutputError: it has other channels than a PNG can have.
    """
    channels = image.shape[2]
    if channels not in {1, 3, 4}:
        raise OutputError(f"The output has {counted(channels, 'channel')}, which no PNG has. Ask for format=npy.")
    if image.dtype == np.float32:
        if image.min() < 0 or image.max() > 1:
            raise OutputError(
                "The output has floats that are not from 0 to 1, which no PNG has. Ask for format=npy, or view=shown."
            )
        image = cast("NDArray[np.uint16]", np.rint(image * np.float32(65535)).astype(np.uint16))
    if channels > 1:
        order = cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA
        image = cast("ImageArray", cv2.cvtColor(np.ascontiguousarray(image), order))
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(image))
    if not done:
        raise OutputError("The output cannot be written as PNG.")
    return encoded.tobytes()


def npy(image: ImageArray) -> bytes:
    """Return an array file of NumPy, of any channels and type."""
    file = io.BytesIO()
    np.save(file, image, allow_pickle=False)
    return file.getvalue()


def archive(files: Sequence[bytes], suffix: str) -> bytes:
    """Return a ZIP of files, `1.png` and so on; pictures are compressed already."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as found:
        for number, content in enumerate(files, start=1):
            found.writestr(f"{number}{suffix}", content)
    return file.getvalue()
