"""Histograms of what networks get, drawn as SVG, and the shares of classes."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from itrans.api import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itrans.api import ImageSpec

_BINS = 64
_WIDTH, _HEIGHT = 640, 170
_TICKS = (-1, -0.5, 0, 0.5, 1)
_INKS = {
    "grey": "var(--ink)",
    "red": "var(--bad)",
    "green": "var(--good)",
    "blue": "var(--accent)",
    "alpha": "var(--soft)",
}
_STANDS_OUT = 4
"""How many times as high as all others a value has to be that is cut off, so that the others are seen."""


def histogram(channels: Sequence[NDArray[np.float32]], names: Sequence[str], side: str) -> str:
    """Return a drawing of how often values from -1 to 1 are there, a line for each channel, and what lines mean.

    Args:
        channels: the values of each.
        names: what the channels are called.
        side: what the values are of, for those who do not see the drawing.
    """
    shares = [np.histogram(values, _BINS, (-1, 1))[0] / values.size for values in channels]
    top = _top(np.concatenate(shares), len(shares))
    inks = [_INKS.get(name, f"var(--c{number % 8})") for number, name in enumerate(names)]
    lines = "".join(_line(share, top, ink) for share, ink in zip(shares, inks, strict=True))
    marks = "".join(f'<line x1="{x:g}" x2="{x:g}" y1="0" y2="{_HEIGHT}"/>' for x in map(_x, _TICKS))
    ticks = "".join(f"<span>{value:g}</span>" for value in _TICKS)
    cut = f'<span class="soft">cut off at {top:.1%}</span>' if top < max(float(share.max()) for share in shares) else ""
    swatches = "".join(
        f'<span><i style="background:{ink}"></i>{html.escape(name)}</span>'
        for ink, name in zip(inks, names, strict=True)
    )
    return (
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{side}: how often each value is there">{marks}{lines}</svg>'
        f'<div class="ticks">{ticks}</div><div class="swatches">{swatches}{cut}</div>'
    )


def _top(shares: NDArray[np.float64], channels: int) -> float:
    """Return the share that is as high as the drawing: white paper, say, is cut off, or nothing else would be seen."""
    ordered = np.sort(shares)[::-1]
    highest, others = float(ordered[0]), float(ordered[min(2 * channels, len(ordered) - 1)])
    return 1.2 * others if 0 < _STANDS_OUT * others < highest else highest or 1.0


def _x(value: float) -> float:
    return (value + 1) / 2 * _WIDTH


def _line(share: NDArray[np.float64], top: float, ink: str) -> str:
    heights = [_HEIGHT - min(float(value) / top, 1) * (_HEIGHT - 4) for value in share]
    width = _WIDTH / len(heights)
    line = " ".join(f"{place * width:g},{y:.1f} {(place + 1) * width:g},{y:.1f}" for place, y in enumerate(heights))
    return (
        f'<polygon points="0,{_HEIGHT} {line} {_WIDTH},{_HEIGHT}" fill="{ink}" opacity="0.12"/>'
        f'<polyline points="{line}" fill="none" stroke="{ink}" stroke-width="1.5" vector-effect="non-scaling-stroke"/>'
    )


def class_bars(shares: NDArray[np.floating], spec: ImageSpec) -> str:
    """Return a table of the classes: the colour that shows each, its name, and the share of pixels that are of it."""
    indices = np.arange(len(shares), dtype=spec.dtype).reshape(1, -1, 1)
    (colours,) = kind_of(spec).shown([indices], spec, [indices])
    most = float(shares.max()) or 1.0
    rows = []
    for number, share in enumerate(shares.tolist()):
        name = spec.names[number] if spec.names else f"class {number}"
        ink = "#" + "".join(f"{value:02x}" for value in colours[0, number].tolist())
        rows.append(
            f'<tr><td><i style="background:{ink}"></i>{html.escape(name)}</td><td class="number">{share:.1%}</td>'
            f'<td class="share"><div style="width:{100 * share / most:.1f}%;background:{ink}"></div></td></tr>'
        )
    if (rest := 1 - float(shares.sum())) > 1e-6:
        rows.append(
            f'<tr><td><i style="background:#000"></i>no class</td><td class="number">{rest:.1%}</td>'
            f'<td class="share"></td></tr>'
        )
    return f'<div class="scroll"><table class="classes">{"".join(rows)}</table></div>'
