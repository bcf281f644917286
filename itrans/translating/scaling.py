"""How much larger than its source a translation is, and whether the source is of the size that was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.errors import ItransError
from itrans.pictures.images import read_image
from itrans.scales import scale_of

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from itrans.translating.translator import Translator

_FAR = 2.0
"""How many times as large or small as the trained one a side may be, on average, before it is told."""


def scale_in(translator: Translator, direction: str | None = None) -> Fraction:
    """Return how many times as high and wide as sources a direction's outputs are; back, it is the reciprocal."""
    scale = scale_of(translator.method)
    return 1 / scale if translator.goes_back(direction) else scale


def size_note(translator: Translator, picture: Path) -> str | None:
    """Return a sentence if a picture is of quite another size than training scaled its pictures to, or None."""
    if translator.trained_size is None:
        return None
    try:
        height, width = read_image(picture).shape[:2]
    except (ItransError, OSError):  # told when it is translated
        return None
    rows, columns = translator.trained_size
    if 1 / _FAR < (height * width / (rows * columns)) ** 0.5 < _FAR:
        return None
    return (
        f"{picture} is {width}x{height}, and training scaled its pictures to {columns}x{rows}. At another scale, "
        "outputs are worse: scale pictures to that size first."
    )
