"""The lines that benchmarks print: `what: figure, 1.23x of something plain`; `all.py` makes one table of them."""

from __future__ import annotations

import re
from typing import NamedTuple

_WIDTH = 50
_LINE = re.compile(r"(?P<what>\S[^:]*):\s+(?P<figure>\S.*?)(?:, (?P<ratio>\d+\.\d+x of .+))?")


class Figure(NamedTuple):
    """What a line says; the ratio is empty where nothing is compared."""

    what: str
    figure: str
    ratio: str


def line(what: str, figure: str, ratio: float | None = None, of: str = "") -> str:
    """Return the line for a figure, and for how many times as good it is as something else's.

    Args:
        what: is measured, without a colon.
        figure: with its unit.
        ratio: to the figure of `of`; None where nothing is compared.
        of: what it is compared with.
    """
    end = "" if ratio is None else f", {ratio:.2f}x of {of}"
    return f"{what + ':':{_WIDTH}} {figure}{end}"


def figure_of(text: str) -> Figure | None:
    """Return what a line says; None for one that has no figure, such as a headline."""
    found = _LINE.fullmatch(text.rstrip())
    return Figure(found["what"], found["figure"], found["ratio"] or "") if found else None
