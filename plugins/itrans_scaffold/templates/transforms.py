"""A random change of training pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
from annotated_types import Ge

from itrans.api import WHITE

if TYPE_CHECKING:
    from itrans.api import ImageArray


class TemplateTransform:
    """Speckle, as radar pictures have it: every value is multiplied by a random number around 1.

    Args:
        strength: the standard deviation of these numbers.
    """

    def __init__(self, *, strength: Annotated[float, Ge(0)] = 0.1) -> None:
        self.strength = strength

    def __call__(self, image: ImageArray, rng: np.random.Generator) -> ImageArray:
        """Return a picture of the same shape and type.

        Args:
            image: `(H, W, C)` of uint8, uint16, or float32 in [0, 1].
            rng: where all that is random comes from.
        """
        values = image * rng.normal(1.0, self.strength, image.shape)
        return cast("ImageArray", values.clip(0, WHITE[image.dtype.name]).astype(image.dtype))
