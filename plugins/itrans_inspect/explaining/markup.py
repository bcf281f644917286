"""The page's building blocks, as HTML."""

from __future__ import annotations

import html
import importlib.resources
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itrans.api import __version__
from itrans_inspect.explaining.colours import Scale, picture_uri
from itrans_report.markup import still_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_SMALL = 200
"""Up to so many pixels wide, a picture is enlarged in squares."""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        words: what one sees, a paragraph each; HTML, of which all that is not of this package is escaped.
        body: HTML.
        numbers: what was measured, as plain data.
        absent: why there is nothing to see, as a sentence; empty where there is.
    """

    title: str
    words: Sequence[str]
    body: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    absent: str = ""


def text(words: object) -> str:
    """Return a text that no HTML is read in."""
    return html.escape(str(words))


def image(pixels: NDArray[np.uint8], alternative: str) -> str:
    """Return a picture `(H, W, 3)`, enlarged in squares where it is small."""
    height, width = pixels.shape[:2]
    kind = ' class="pixels"' if width <= _SMALL else ""
    source = picture_uri(pixels)
    return f'<img src="{source}" alt="{text(alternative)}" width="{width}" height="{height}"{kind}>'


def figure(content: str, caption: str, more: str = "", kind: str = "") -> str:
    """Return something to look at with its caption, and what is said in smaller letters."""
    small = f'<span class="soft">{more}</span>' if more else ""
    return f'<figure class="shown {kind}">{content}<figcaption><b>{caption}</b>{small}</figcaption></figure>'


def row(figures: Sequence[str], kind: str = "") -> str:
    """Return figures beside one another, as many as there is room for."""
    return f'<div class="row {kind}">{"".join(figures)}</div>'


def legend(scale: Scale, low: str = "", high: str = "") -> str:
    """Return a scale's colours with the values at their ends, and what these mean."""
    ends = [
        f"{number(value)}{f' {text(word)}' if word else ''}" for value, word in ((scale.low, low), (scale.high, high))
    ]
    middle = f"<span>{number((scale.low + scale.high) / 2)}</span>" if scale.colouring == "sign" else ""
    return (
        f'<div class="scale"><img src="{scale.bar}" alt="" class="pixels"><div><span>{ends[0]}</span>{middle}'
        f"<span>{ends[1]}</span></div></div>"
    )


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many digits that count."""
    if value == 0:
        return "0"
    shown = f"{value:.{digits}g}"
    if "e" in shown:
        mantissa, _, exponent = shown.partition("e")
        return f"{mantissa}·10<sup>{int(exponent)}</sup>".replace("-", "\N{MINUS SIGN}")
    return shown.replace("-", "\N{MINUS SIGN}")


def shape(sides: Sequence[int]) -> str:
    """Return `(C, H, W)` as words."""
    channels, height, width = sides
    return f"{width}x{height}, {channels} channel{'' if channels == 1 else 's'}"


def page(title: str, head: str, sections: Sequence[Section]) -> bytes:
    """Return the whole page, as HTML in UTF-8."""
    own = (importlib.resources.files("itrans_inspect") / "explaining" / "page.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#s{place}">{text(one.title)}</a>' for place, one in enumerate(sections, start=1))
    body = "".join(_section(one, place) for place, one in enumerate(sections, start=1))
    return still_page(
        title,
        f"""{head}
<nav class="links" aria-label="Sections">{links}</nav>
{body}
<footer>Written by itrans {__version__}. Numbers are measured on this picture. Section numbers are those of Isola et
al., arXiv 1611.07004.</footer>""",
        own,
    )


def _section(section: Section, place: int) -> str:
    words = "".join(f"<p>{one}</p>" for one in section.words)
    absent = f'<p class="absent">{text(section.absent)}</p>' if section.absent else ""
    return (
        f'<section id="s{place}"><h2>{place}. {text(section.title)}</h2><div class="words">{words}{absent}</div>'
        f"{section.body}</section>\n"
    )
