"""Pictures in other channels: grey, colour, what is transparent laid on a colour, and lightness and colour apart."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from itrans.pictures.spec import WHITE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.pictures.spec import ImageArray


def as_channels(image: ImageArray, channels: int, background: str = "white") -> ImageArray:
    """Return a picture with 1, 3 or 4 channels: what is transparent is laid on a colour, then colour becomes grey.

    Grey is the luminance of colours, and is repeated where it becomes colour. Where alpha is added, it is opaque.

    Args:
        image: `(H, W, C)` with 1, 3 or 4 channels; of four, the last is alpha, and does not darken the colours yet.
        channels: how many are wanted.
        background: the colour under what is transparent, as CSS writes it: `white`, `black`, `#rrggbb`.

    Raises:
        ValueError: there is no such conversion, or no such colour.
    """
    have = image.shape[2]
    if have == channels:
        return image
    if have == 4 and channels in {1, 3}:
        image, have = on_background(image, background), 3
        if channels == 3:
            return image
    conversions = {
        (1, 3): cv2.COLOR_GRAY2RGB,
        (1, 4): cv2.COLOR_GRAY2RGBA,
        (3, 1): cv2.COLOR_RGB2GRAY,
        (3, 4): cv2.COLOR_RGB2RGBA,
    }
    if (have, channels) not in conversions:
        raise ValueError(f"{have} channels cannot be made into {channels}")
    converted = cv2.cvtColor(np.ascontiguousarray(image), conversions[have, channels])
    return cast("ImageArray", converted.reshape(*image.shape[:2], channels))


def on_background(image: ImageArray, background: str = "white") -> ImageArray:
    """Return a picture with alpha as it looks on a colour, `(H, W, 3)`.

    Raises:
        ValueError: there is no such colour.
    """
    white, colour = WHITE[image.dtype.name], colour_of(background)
    colours, alpha = image[:, :, :3], image[:, :, 3:]
    if image.dtype == np.float32:
        ground = np.array(colour, np.float32)
        return np.asarray(np.clip(colours * alpha + ground * (1 - alpha), 0, 1), np.float32)
    if int(np.min(cast("NDArray[np.uint8]", alpha))) == white:
        return cast("ImageArray", np.ascontiguousarray(colours))
    # The greatest sum is the square of white, and with what rounds it still fits 32 bits where white has 16.
    whole, ground = np.uint32(white), np.rint(np.array(colour) * white).astype(np.uint32)
    share = alpha.astype(np.uint32)
    mixed = (colours * share + ground * (whole - share) + whole // np.uint32(2)) // whole
    return cast("ImageArray", mixed.astype(image.dtype))


_COMMON = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
"""What needs no Pillow, which nothing else of a run may need."""


@functools.lru_cache(maxsize=64)
def colour_of(text: str) -> tuple[float, float, float]:
    """Return a colour, RGB from 0 to 1.

    Raises:
        ValueError: there is no such colour.
    """
    if text in _COMMON:
        return _COMMON[text]
    from PIL.ImageColor import getrgb

    try:
        values = getrgb(text)
    except ValueError:
        values = ()  # type: ignore[assignment]
    if len(values) != 3:  # nor can a background be transparent itself
        raise ValueError(f'there is no colour "{text}": write white, black, or #rrggbb')
    return values[0] / 255, values[1] / 255, values[2] / 255


def lightness_and_ab(image: ImageArray) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the lightness L, `(H, W, 1)`, and the colours a and b, `(H, W, 2)`, of an RGB picture `(H, W, 3)`.

    All are uint8: L from 0 to 100 is stretched to 0 to 255, and 128 is added to a and b, which are 0 for grey.
    """
    lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8)
    return lab[:, :, :1], lab[:, :, 1:]


def with_ab(lightness: ImageArray, ab: ImageArray) -> NDArray[np.uint8]:
    """Return the RGB picture `(H, W, 3)` of a lightness `(H, W, 1)` and colours `(H, W, 2)`, all of uint8."""
    return np.asarray(cv2.cvtColor(np.concatenate([lightness, ab], axis=2), cv2.COLOR_LAB2RGB), np.uint8)
