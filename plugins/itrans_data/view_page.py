"""The page of `itrans data view`: pairs as they are stored and drawn, and what values networks get of them."""

from __future__ import annotations

import html
import importlib.resources
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch

from itrans.api import WHITE, ImageSpec, __version__, as_channels, counted, kind_of
from itrans_data.histograms import class_bars, histogram
from itrans_report.encoding import data_uri, web_picture
from itrans_report.markup import still_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import Dataset, ImageArray, Pair
    from itrans.commands import Recipe

_MOST_PIXELS = 320 * 320
_SMALL = 128
"""Pictures of fewer pixels across are shown with sharp edges."""

_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
_MOST_CHANNELS = 8


class ShownPair(NamedTuple):
    """A pair as the data set has it, and as it is drawn in the first epochs."""

    stored: Pair
    drawn: list[Pair]


class _Values(NamedTuple):
    """What networks get of one picture: its shape `(C, H, W)`, and its values, in [-1, 1]."""

    shape: tuple[int, ...]
    planes: NDArray[np.float32]

    @property
    def range(self) -> str:
        return f"{self.planes.min():.2f} to {self.planes.max():.2f}"


def page_of(path: Path, recipe: Recipe, dataset: Dataset, shown: Sequence[ShownPair], notices: Sequence[str]) -> bytes:
    """Return the page, as HTML in UTF-8.

    Args:
        path: the recipe's file.
        recipe: the recipe.
        dataset: its pairs to train with.
        shown: those to show.
        notices: what to say before all else: what the pictures stand in for, what is wrong with other pairs.
    """
    values = [
        [(_values(pair.source, dataset.source), _values(pair.target, dataset.target)) for pair in one.drawn]
        for one in shown
    ]
    title = recipe.tables.title or path.stem
    sides = [
        _side(name, spec, [sides[number] for drawn in values for sides in drawn])
        for number, (name, spec) in enumerate((("Source", dataset.source), ("Target", dataset.target)))
    ]
    draws = len(shown[0].drawn)
    body = [
        f'<div class="head"><h1>{html.escape(title)}: training pairs</h1></div>',
        f'<p class="where">{html.escape(path.as_posix())}</p>',
        *(f'<div class="notice">{html.escape(text)}</div>' for text in notices),
        _facts(recipe, dataset),
        f"<h2>{counted(len(shown), 'pair')}, as stored and in {counted(draws, 'epoch')}</h2>",
        *(_pair(dataset, one, drawn) for one, drawn in zip(shown, values, strict=True)),
        "<h2>What the networks get</h2>",
        f'<p class="soft small">Of the {counted(len(shown) * draws, "drawn pair")} above. Values are from -1 to 1.</p>',
        f'<div class="columns">{"".join(sides)}</div>',
        f"<footer>itrans {__version__}, itrans data view</footer>",
    ]
    own = (importlib.resources.files("itrans_data") / "view.css").read_text(encoding="utf-8")
    return still_page(f"{title}: training pairs", "\n".join(body), own)


def _facts(recipe: Recipe, dataset: Dataset) -> str:
    tables = recipe.tables
    augment = tables.augment.model_dump(exclude_none=True, exclude={"transform"}, exclude_defaults=True)
    changes = [f"{name} {_text(value)}" for name, value in augment.items()]
    changes += [
        f"{table.name}{'' if table.on == 'both' else f' (of the {table.on})'}" for table in tables.augment.transform
    ]
    tiles = [
        ("Data set", tables.dataset.name, ""),
        ("Pairs to train with", f"{len(dataset):,}", ""),
        ("Augmentation", ", ".join(changes) or "none", "[augment] of the recipe"),
        ("Seed", str(tables.seed), "decides what is drawn"),
    ]
    cells = "".join(
        f'<div class="card tile{" wide" if name == "Augmentation" else ""}"><div class="label">{name}</div>'
        f'<div class="value">{html.escape(value)}</div><div class="more">{more}</div></div>'
        for name, value, more in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _pair(dataset: Dataset, one: ShownPair, values: Sequence[tuple[_Values, _Values]]) -> str:
    stored = one.stored
    texts = [_stored_text(image) for _, image, _ in _pictures(dataset, stored)]
    columns = [_column(dataset, stored, "as stored", texts)]
    for epoch, (pair, sides) in enumerate(zip(one.drawn, values, strict=True), 1):
        others = [_values(image, spec) for _, image, spec in _pictures(dataset, pair)[2:]]
        texts = [f"{'x'.join(map(str, side.shape))}<br>{side.range}" for side in (*sides, *others)]
        columns.append(_column(dataset, pair, f"epoch {epoch}", texts))
    more = "".join(f'<span class="soft small"> {html.escape(text)}</span>' for text in _numbers(dataset, stored))
    return (
        f'<section class="card pair"><h3>{html.escape(stored.key)}{more}</h3>'
        f'<div class="draws" tabindex="0">{"".join(columns)}</div></section>'
    )


def _column(dataset: Dataset, pair: Pair, heading: str, texts: Sequence[str]) -> str:
    shown = _pictures(dataset, pair)
    figures = ""
    for (name, image, spec), text in zip(shown, texts, strict=True):
        picture = _picture(image, spec, pair.source, f"{name} of {pair.key}, {heading}")
        named = f"{html.escape(name)}<br>" if len(shown) > 2 else ""
        figures += f'<figure>{picture}<figcaption class="number">{named}{text}</figcaption></figure>'
    return f'<div class="draw"><div class="when">{heading}</div>{figures}</div>'


def _pictures(dataset: Dataset, pair: Pair) -> list[tuple[str, ImageArray, ImageSpec]]:
    """Return a pair's pictures, each with its name and what it is: source, target, and its extras that are some."""
    extras = [(name, pair.extras[name], spec) for name, spec in _extras(dataset).items() if isinstance(spec, ImageSpec)]
    sides = [("source", pair.source, dataset.source), ("target", pair.target, dataset.target)]
    return [*sides, *cast("list[tuple[str, ImageArray, ImageSpec]]", extras)]


def _numbers(dataset: Dataset, pair: Pair) -> list[str]:
    """Return a pair's extras that are no pictures: `colour red`, `age 1.5`."""
    found = []
    for name, spec in _extras(dataset).items():
        value: Any = pair.extras[name] if not isinstance(spec, ImageSpec) else None
        if value is not None:
            found.append(f"{name} {spec[int(value)] if isinstance(spec, tuple) else format(value, 'g')}")
    return found


def _extras(dataset: Dataset) -> Mapping[str, Any]:
    return getattr(dataset, "extras", None) or {}


def _stored_text(image: ImageArray) -> str:
    height, width, channels = image.shape
    return f"{channels}x{height}x{width} {image.dtype}<br>{image.min():g} to {image.max():g}"


def _picture(image: ImageArray, spec: ImageSpec, source: ImageArray, text: str) -> str:
    (seen,) = kind_of(spec).shown([image], spec, [source])
    height, width = seen.shape[:2]
    sharp = ' class="pixels"' if min(height, width) < _SMALL else ""
    address = data_uri(web_picture(_colours(seen), _MOST_PIXELS))
    return f'<img{sharp} src="{address}" width="{width}" height="{height}" alt="{html.escape(text)}">'


def _colours(image: ImageArray) -> NDArray[np.uint8]:
    """Return a picture as RGB of 8 bits; of other channels than grey, RGB and RGBA the first."""
    scaled = image if image.dtype == np.uint8 else (image * np.float32(255 / WHITE[image.dtype.name])).astype(np.uint8)
    plain = scaled if image.shape[2] in _CHANNELS else scaled[:, :, :1]
    return cast("NDArray[np.uint8]", as_channels(plain, 3))


def _values(image: ImageArray, spec: ImageSpec) -> _Values:
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    planes = kind_of(spec).planes(tensor, spec)[0].float().numpy()
    return _Values(planes.shape, planes)


def _side(name: str, spec: ImageSpec, values: Sequence[_Values]) -> str:
    shapes = list(dict.fromkeys(value.shape for value in values))
    sizes = ", ".join("x".join(map(str, shape)) for shape in shapes[:3]) + (", ..." if len(shapes) > 3 else "")
    low, high = min(value.planes.min() for value in values), max(value.planes.max() for value in values)
    facts = [
        ("stored as", f"{counted(spec.channels, 'channel')} of {spec.dtype}, {spec.kind}"),
        ("planes x height x width", sizes),
        ("range", f"{low:.3f} to {high:.3f}"),
    ]
    if spec.kind == "labels":
        counts = np.stack([(value.planes > 0).mean((1, 2)) for value in values]).mean(0)
        drawing = class_bars(counts, spec)
    else:
        channels = min(values[0].shape[0], _MOST_CHANNELS)
        names = _CHANNELS.get(channels) or tuple(f"channel {number + 1}" for number in range(channels))
        mean = np.mean([value.planes.mean() for value in values])
        facts.append(("mean", f"{mean:.3f}"))
        drawing = histogram(
            [np.concatenate([value.planes[number].ravel() for value in values]) for number in range(channels)],
            names,
            name,
        )
    rows = "".join(f"<dt>{label}</dt><dd class=number>{html.escape(text)}</dd>" for label, text in facts)
    return f'<section class="card"><h3>{name}</h3><dl>{rows}</dl>{drawing}</section>'
