"""How much larger than its source a translation is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.scales import scale_of

if TYPE_CHECKING:
    from fractions import Fraction

    from itrans.translating.translator import Translator


def scale_in(translator: Translator, direction: str | None = None) -> Fraction:
    """Return how many times as high and wide as sources a direction's outputs are; back, it is the reciprocal."""
    scale = scale_of(translator.method)
    return 1 / scale if translator.goes_back(direction) else scale
