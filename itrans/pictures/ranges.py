"""Values of a spec's own range, where something takes or gives only those of their type's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from itrans.pictures.spec import ImageArray, ImageSpec


def in_unit_range(image: ImageArray, spec: ImageSpec) -> ImageArray:
    """Return a picture of floats with the ends of its spec's range as 0 and 1; any other one as it is."""
    if not spec.has_range or image.dtype != np.float32:
        return image
    low, high = spec.range
    return ((image - low) / (high - low)).astype(np.float32)


def from_unit_range(image: ImageArray, spec: ImageSpec) -> ImageArray:
    """Return a picture of floats, of which 0 and 1 are the ends of its spec's range; anything else as it is."""
    if not spec.has_range or not isinstance(image, np.ndarray) or image.dtype != np.float32:
        return image
    low, high = spec.range
    return (image * (high - low) + low).astype(np.float32)


def within_range(image: ImageArray, spec: ImageSpec) -> ImageArray:
    """Return a picture whose values are clipped to its spec's range; one without a range as it is."""
    if not spec.has_range:
        return image
    low, high = np.asarray(spec.range, np.float32)
    return cast("ImageArray", np.clip(image, low, high).astype(image.dtype))
