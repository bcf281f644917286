"""Pictures as lightness and colour: CIE Lab in 8 bits, as OpenCV stores it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itrans.protocols import ImageArray


def lightness_and_ab(image: ImageArray) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the lightness L, `(H, W, 1)`, and the colours a and b, `(H, W, 2)`, of an RGB picture `(H, W, 3)`.

    All are uint8: L from 0 to 100 is stretched to 0 to 255, and 128 is added to a and b, which are 0 for grey.
    """
    lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8)
    return lab[:, :, :1], lab[:, :, 1:]


def with_ab(lightness: ImageArray, ab: ImageArray) -> NDArray[np.uint8]:
    """Return the RGB picture `(H, W, 3)` of a lightness `(H, W, 1)` and colours `(H, W, 2)`, all of uint8."""
    return np.asarray(cv2.cvtColor(np.concatenate([lightness, ab], axis=2), cv2.COLOR_LAB2RGB), np.uint8)
