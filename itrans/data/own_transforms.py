"""Transforms that are components: each is applied to all pictures of a pair alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import albumentations

    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Transform

_LARGEST = 2**63


class OwnTransform:
    """A transform of the registry; see `itrans.protocols.Transform`.

    Args:
        transform: the component.
        is_smooth: of each side whether values may be mixed, which label maps' may not.
    """

    def __init__(self, transform: Transform, is_smooth: Mapping[str, bool]) -> None:
        self._transform, self._is_smooth = transform, is_smooth

    def __call__(self, sides: Mapping[str, ImageArray], chance: np.random.Generator) -> dict[str, ImageArray]:
        """Return pictures transformed, each with a generator of its own in the same state.

        Raises:
            ValueError: it makes pictures of another size, or values that are not finite; or what the transform says.
        """
        seed = int(chance.integers(_LARGEST))
        return {name: self._changed(name, side, np.random.default_rng(seed)) for name, side in sides.items()}

    def _changed(self, name: str, image: ImageArray, rng: np.random.Generator) -> ImageArray:
        change: Any = self._transform if self._is_smooth[name] else getattr(self._transform, "labels", None)
        if change is None:
            return image
        made: Any = change(image.copy(), rng)
        if isinstance(made, np.ndarray) and made.ndim == 3 and made.shape[:2] != image.shape[:2]:
            (height, width), (before, across) = made.shape[:2], image.shape[:2]
            raise ValueError(f"it makes {width}x{height} out of {across}x{before}, and should keep the size")
        if isinstance(made, np.ndarray) and made.dtype == np.float32:
            if not np.isfinite(made).all():
                raise ValueError("it makes values that are not finite")
            made = made.clip(0, 1)
        result: ImageArray = made
        return result


def steps_of(stage: albumentations.Compose | OwnTransform) -> Sequence[Any]:
    """Return the transforms of a stage, each of which a recipe names."""
    return [stage] if isinstance(stage, OwnTransform) else stage.transforms
