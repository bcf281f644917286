"""Line drawings computed from pictures: black lines on white, as in edges -> shoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from itrans.api import WHITE, as_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.api import ImageArray


def grey_of(image: ImageArray) -> NDArray[np.uint8]:
    """Return a picture of any kind, `(H, W, C)`, as grey of 8 bits, `(H, W)`: colours by luminance, else the mean.

    Transparent parts are laid on white, because the colours under them are arbitrary.
    """
    if image.shape[2] == 4:
        image = as_channels(image, 3)
    if image.dtype != np.uint8:
        image = np.rint(image.astype(np.float32) * (255 / WHITE[image.dtype.name])).astype(np.uint8)
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    if image.shape[2] == 3:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), np.uint8)
    return np.asarray(np.rint(image.mean(axis=2)), np.uint8)


def canny(grey: NDArray[np.uint8], low: float | None = None, high: float | None = None) -> NDArray[np.uint8]:
    """Return thin edges, `(H, W)`: 0 on an edge, 255 elsewhere.

    Args:
        grey: `(H, W)`.
        low: the gradient from which a line continues; by default half of `high`.
        high: the gradient from which a line begins. The default is Otsu's threshold of the gradient's magnitude, which
            separates the picture's edges from its surfaces (Otsu, 1979; Fang et al., 2009).

    Source: Canny, "A Computational Approach to Edge Detection", 1986.
    """
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    across = cv2.Sobel(smooth, cv2.CV_16S, 1, 0)
    down = cv2.Sobel(smooth, cv2.CV_16S, 0, 1)
    if high is None:
        size = cv2.add(cv2.convertScaleAbs(across, alpha=0.25), cv2.convertScaleAbs(down, alpha=0.25))
        high = 4 * max(cv2.threshold(size, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0], 8.0)
    edges = cv2.Canny(across, down, high / 2 if low is None else low, high)
    return np.asarray(255 - edges, np.uint8)


def xdog(
    grey: NDArray[np.uint8], sigma: float = 1.0, threshold: float = 0.015, sharpness: float = 60.0
) -> NDArray[np.uint8]:
    """Return soft lines, `(H, W)`: from 0 where a line is darkest to 255.

    The difference of two Gaussians, the wider 1.6 times the narrower, is dark on the dark side of an edge. Values below
    minus the threshold turn black along a tanh.

    Args:
        grey: `(H, W)`.
        sigma: of the narrower Gaussian in pixels: how thick lines are.
        threshold: from 0 to 1: how faint an edge may be.
        sharpness: how abruptly lines end.

    Source: Winnemöller et al., "XDoG: An eXtended difference-of-Gaussians compendium", 2012.
    """
    values = grey.astype(np.float32) / 255
    difference = cv2.GaussianBlur(values, (0, 0), sigma) - cv2.GaussianBlur(values, (0, 0), 1.6 * sigma)
    lines = 1 + np.tanh(np.minimum(sharpness * (difference + threshold), 0))
    return np.asarray(np.rint(255 * lines), np.uint8)
