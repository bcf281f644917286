"""Doing to new pictures what a checkpoint's data set did to its own before they were sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from itrans.errors import DataError, ItransError, PluginError, error_text
from itrans.pictures.channels import on_background
from itrans.pictures.images import read_image
from itrans.pictures.label_maps import read_label_map
from itrans.pictures.metadata import Metadata
from itrans.pictures.spec import SUFFIXES, WHITE
from itrans.records import Preparation
from itrans.registry import DATASETS, accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.pictures.spec import ImageArray

_MASK = "-mask"


class Loaded(NamedTuple):
    """A picture that has been read.

    Attributes:
        image: what is translated.
        finish: what is done to each translation; None for nothing.
        metadata: what travels with the file.
        given: what it is translated with besides, by name.
    """

    image: ImageArray
    finish: Callable[[ImageArray], ImageArray] | None = None
    metadata: Metadata = Metadata()
    given: Mapping[str, Any] = {}


def dataset_class(table: Mapping[str, Any]) -> Any | None:
    """Return the class of a recipe's data set; None where it is not installed, or cannot be used."""
    try:
        return DATASETS.get(str(table.get("name", "")))
    except PluginError:
        return None


def preparation_of(table: Mapping[str, Any]) -> Preparation | None:
    """Return what a recipe's data set does to pictures before they are sources; None where that is nothing."""
    make = getattr(dataset_class(table), "preparation", None)
    found = make(**accepted_arguments(make, table)) if callable(make) else None
    return found if isinstance(found, Preparation) else None


class Preparer:
    """Reads pictures as sources: with `preparation`, and with their masks.

    `mask` is a file for all pictures; without one, `NAME-mask.png` is looked for beside each.
    """

    def __init__(self, preparation: Preparation, mask: Path | None = None) -> None:
        self.preparation, self._mask = preparation, mask

    def is_mask(self, path: Path) -> bool:
        """Return whether a picture is the mask of another one beside it."""
        if not self.preparation.takes_mask or self._mask is not None or not path.stem.endswith(_MASK):
            return False
        name = path.stem.removesuffix(_MASK)
        return any(other != path and other.is_file() for other in (path.with_name(name + end) for end in SUFFIXES))

    def __call__(self, path: Path) -> Loaded:
        """Read a picture.

        Raises:
            DataError: it, or its mask, cannot be read, or they do not belong together.
        """
        preparation = self.preparation
        image = read_label_map(path) if preparation.label_maps else read_image(path)
        mask = self._mask_of(path, image) if preparation.takes_mask else None
        try:
            source = preparation.source(image, mask)
        except ItransError:
            raise
        except Exception as error:  # a plugin's
            raise DataError(f"{path}: it cannot be prepared: {error_text(error)}") from error
        output = preparation.output
        return Loaded(source, None if output is None else lambda made: output(made, image, mask))

    def _mask_of(self, path: Path, image: ImageArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
        place = self._mask
        if place is None:
            beside = (path.with_name(f"{path.stem}{_MASK}{end}") for end in (".png", *sorted(SUFFIXES)))
            place = next((other for other in beside if other.is_file()), None)
        if place is None:
            raise DataError(
                f"{path} has no mask beside it: {path.stem}{_MASK}.png, white where the picture is to be made, and "
                "black elsewhere. One for all pictures is given with --mask FILE."
            )
        mask = read_image(place)
        if mask.shape[:2] != image.shape[:2]:
            (height, width), (other_height, other_width) = image.shape[:2], mask.shape[:2]
            raise DataError(f"{path} is {width}x{height}, and its mask {place} {other_width}x{other_height}.")
        white = WHITE[mask.dtype.name]
        seen = (on_background(mask, "black") if mask.shape[2] == 4 else mask).max(axis=2)
        hole = np.asarray(seen > white / 2)
        if not hole.any() and float(mask.max()) > float(mask.min()):
            raise DataError(
                f"{place} has no white, but values from {mask.min():g} to {mask.max():g}: a mask is white ({white:g}) "
                "where the picture is to be made, and black or transparent elsewhere."
            )
        return hole
