"""Numbers as colours: a scale from dark to light for amounts, one with white at 0 for what has a sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import torch

from itrans.api import as_channels, encode_image, kind_of
from itrans_report.encoding import data_uri, web_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.api import ImageSpec

_LOSSLESS = 200 * 200
"""Pictures of so many pixels or fewer are kept as they are: enlarged in squares, what squeezing does would be seen."""

Colouring = Literal["amount", "sign"]

_ENDS = ((178, 24, 43), (244, 244, 244), (33, 102, 172))
"""Below 0, at 0 and above: red, white and blue, which people who see few colours can tell, too."""


@dataclass(frozen=True)
class Scale:
    """What the colours of a map stand for.

    Attributes:
        low: the value of the first colour.
        high: the value of the last colour.
        colouring: `amount` or `sign`, which has a colour to each side of its middle.
    """

    low: float
    high: float
    colouring: Colouring

    @classmethod
    def of_amounts(cls, *values: Tensor) -> Scale:
        """Return the scale from 0 to the greatest of some values."""
        return cls(0.0, max((float(one.max()) for one in values), default=0.0) or 1.0, "amount")

    @classmethod
    def of_signs(cls, *values: Tensor, middle: float = 0.0) -> Scale:
        """Return the scale that has a value in its middle and all of some others on it."""
        most = max((float((one - middle).abs().max()) for one in values), default=0.0) or 1.0
        return cls(middle - most, middle + most, "sign")

    @property
    def bar(self) -> str:
        """Its colours from low to high, as a picture's data URI."""
        return picture_uri(self.colours(torch.linspace(self.low, self.high, 128)[None]))

    def colours(self, values: Tensor) -> NDArray[np.uint8]:
        """Return values `(H, W)` as RGB `(H, W, 3)`; what is beyond an end is as the end."""
        part = ((values.float() - self.low) / ((self.high - self.low) or 1.0)).clamp(0, 1).cpu().numpy()
        return np.asarray(_palette(self.colouring)[np.rint(part * 255).astype(np.uint8)], np.uint8)


def _palette(colouring: Colouring) -> NDArray[np.uint8]:
    if colouring == "amount":
        ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_VIRIDIS)
        return np.asarray(ramp[:, 0, ::-1], np.uint8)
    places = np.linspace(0, 2, 256)
    channels = [np.interp(places, range(3), [end[channel] for end in _ENDS]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def picture_uri(image: NDArray[np.uint8]) -> str:
    """Return a picture `(H, W, 3)` as an address that holds all of it: a small one without loss."""
    if image.shape[0] * image.shape[1] > _LOSSLESS:
        return data_uri(web_picture(image, image.shape[0] * image.shape[1]))
    return data_uri(encode_image(np.ascontiguousarray(image), ".png"))


def shown_planes(planes: Tensor, spec: ImageSpec, source: Tensor, source_spec: ImageSpec) -> NDArray[np.uint8]:
    """Return what networks see, `(1, C, H, W)`, as people look at it, RGB `(H, W, 3)` of 8 bits.

    Args:
        planes: the picture.
        spec: what it is.
        source: what it was made from, which colours of Lab are laid on.
        source_spec: what that is.
    """
    [stored], [beside] = kind_of(spec).arrays(planes, spec), kind_of(source_spec).arrays(source, source_spec)
    shown = kind_of(spec).shown([stored], spec, [beside])[0]
    if shown.dtype != np.uint8:
        white = 65535.0 if shown.dtype == np.uint16 else 1.0
        shown = np.rint(np.clip(shown.astype(np.float32) * (255 / white), 0, 255)).astype(np.uint8)
    if shown.shape[2] not in {1, 3, 4}:
        shown = shown[..., :1] if shown.shape[2] < 3 else shown[..., :3]
    return np.asarray(as_channels(shown, 3), np.uint8)


def components(values: Tensor) -> NDArray[np.uint8]:
    """Return the first three principal components of `(C, H, W)` as red, green and blue, each from end to end."""
    channels, height, width = values.shape
    flat = values.reshape(channels, -1).double()
    flat = flat - flat.mean(dim=1, keepdim=True)
    _, directions = torch.linalg.eigh(flat @ flat.T)
    found = directions[:, -3:].flip(1).T @ flat
    found = torch.cat([found, found.new_zeros(3 - len(found), found.shape[1])])
    low, high = (torch.quantile(found, part, dim=1, keepdim=True) for part in (0.01, 0.99))
    scaled = ((found - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    scaled[(high - low).squeeze(1) <= 1e-12] = 0.5
    return np.asarray((scaled.T.reshape(height, width, 3) * 255).round().to(torch.uint8).numpy(), np.uint8)


def largest_channels(values: Tensor, count: int) -> Sequence[int]:
    """Return the numbers of the channels of `(C, H, W)` that vary most over the picture, the first one most."""
    spread = values.flatten(1).var(dim=1, correction=0)
    return [int(place) for place in spread.argsort(descending=True, stable=True)[:count]]
