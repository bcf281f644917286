"""A checkpoint that is served: what it takes and makes, as the page and the API tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from itrans.api import DataError, ItransError, did_you_mean, kind_of, quoted
from itrans.commands import Translator, checkpoint_path, load_checkpoint
from itrans_serve.conditions import described_extras, described_options
from itrans_serve.examples import held_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from itrans.api import ImageArray, ImageSpec
    from itrans.commands import CheckpointFile

_DEFAULT_SIZE = 256
"""The paper's pictures, where nothing says how large those of the training were."""

_LARGEST = 1024
"""The side of the page's canvas, at most: a person draws no finer."""

_MOST_CLASSES = 255
"""Of a palette PNG, which the page paints label maps in; one more entry is for no class."""


class Served:
    """A checkpoint, ready to translate, under a name.

    Args:
        path: a `.pt` file, or a run's folder.
        options: of `Translator`.

    Attributes:
        name: what requests call it: that of the run's folder, of a folder of exported weights, or else of the file.
        title: the recipe's title, or else the name.
        record: what is in the file, without the networks.
        translator: what translates.
        size: height and width that it was trained at.

    Raises:
        ItransError: the checkpoint cannot be used.
    """

    def __init__(self, path: str, **options: Any) -> None:
        self.path = checkpoint_path(path)
        self.translator = Translator(path, **options)
        self.record: CheckpointFile = load_checkpoint(self.path, values=False)
        self.name = _name_of(self.path)
        self.title = self.translator.title or self.name
        self.size = _size_of(self.record.recipe) or self._size_of_pictures()
        self._random = {direction: self._is_random(direction) for direction in self.translator.directions}

    def check_direction(self, direction: str | None) -> str:
        """Return a direction, the first for None.

        Raises:
            DataError: there is no such direction.
        """
        self.translator.specs(direction)
        return direction or self.translator.directions[0]

    def description(self) -> dict[str, Any]:
        """Return all that the page needs to know, as JSON has it."""
        translator = self.translator
        return {
            "name": self.name,
            "title": self.title,
            "sample": translator.sample,
            "height": self.size[0],
            "width": self.size[1],
            "background": translator.background,
            "options": described_options(translator),
            "extras": described_extras(translator),
            "directions": [self._direction(direction) for direction in translator.directions],
        }

    def _direction(self, direction: str) -> dict[str, Any]:
        translator = self.translator
        source, target = translator.specs(direction)
        preparation = None if translator.goes_back(direction) else translator.preparation
        draw, why_not = _drawing(source)
        return {
            "name": direction,
            "source": _side(source),
            "target": _side(target),
            "random": self._random[direction],
            "prepare": None if preparation is None or preparation.takes_mask else preparation.what,
            "draw": draw,
            "why_not": why_not,
        }

    def _size_of_pictures(self) -> tuple[int, int]:
        """Return the size of a held-out picture, for recipes that take pictures as they are."""
        first = held_out(self.record, self.path, 1)
        return first[0].shape[:2] if first and max(first[0].shape[:2]) <= _LARGEST else (_DEFAULT_SIZE, _DEFAULT_SIZE)

    def _is_random(self, direction: str) -> bool:
        """Whether another seed makes another output of a picture of noise; that also wakes the networks up."""
        noise = _noise(self.translator.specs(direction)[0], self.size)
        given = self.translator.stand_ins(noise)
        try:
            one, other = (self.translator.translate(noise, seed=seed, direction=direction, **given) for seed in (0, 1))
        except DataError:  # no picture of such a size, perhaps; whoever asks is told
            return False
        return not np.array_equal(one, other)


def load_all(paths: Sequence[str], note: Callable[[str], None], **options: Any) -> dict[str, Served]:
    """Return checkpoints by their names, in order; one of a name that is taken gets a number.

    Raises:
        ItransError: one cannot be used.
    """
    found: dict[str, Served] = {}
    for path in paths:
        served = Served(path, **options)
        first, number = served.name, 1
        while served.name in found:
            number += 1
            served.name = f"{first}-{number}"
        found[served.name] = served
        if served.translator.sample is not None:
            note(f"{served.name} was trained on sample data. {served.translator.sample}")
    return found


def chosen(served: Mapping[str, Served], name: str | None) -> Served:
    """Return the checkpoint of a name, the first for None.

    Raises:
        ItransError: there is none of that name; those that there are, are named.
    """
    if name is None:
        return next(iter(served.values()))
    if name not in served:
        raise ItransError(
            f'There is no checkpoint "{name}" here.{did_you_mean(name, served)} There are: {", ".join(quoted(served))}.'
        )
    return served[name]


def _name_of(path: Path) -> str:
    folder = path.resolve().parent
    if path.suffix == ".safetensors":  # it is called after the network, and its folder after what it does
        return folder.name or path.stem
    return folder.parent.name if folder.name == "checkpoints" and folder.parent.name else path.stem


def _size_of(recipe: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the height and width that a resolved recipe trains on; None if it does not say."""
    augment, dataset = recipe.get("augment", {}), recipe.get("dataset", {})
    size = augment.get("crop") or augment.get("size") or augment.get("resize") or dataset.get("size")
    sides = size if isinstance(size, list | tuple) else [size, size]
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        return None
    return min(sides[0], _LARGEST), min(sides[1], _LARGEST)


def _noise(spec: ImageSpec, size: tuple[int, int]) -> ImageArray:
    generator = np.random.default_rng(0)
    shape = (*size, spec.channels)
    if spec.has_range:
        low, high = spec.range
        return cast("ImageArray", (low + generator.random(shape) * (high - low)).astype(spec.dtype))
    if spec.dtype == "float32":
        return generator.random(shape, np.float32)
    white = 255 if spec.dtype == "uint8" else 65535
    most = white if spec.labels is None else spec.labels - 1
    values: NDArray[np.uint8] = generator.integers(0, most + 1, shape).astype(spec.dtype)
    return values


def _side(spec: ImageSpec) -> dict[str, Any]:
    return {"kind": spec.kind, "channels": spec.channels, "dtype": spec.dtype, "classes": _classes(spec)}


def _classes(spec: ImageSpec) -> list[dict[str, Any]] | None:
    """Return the classes of label maps as a palette: value, name and colour; last, where there is such, no class."""
    if spec.kind != "labels" or spec.labels is None:
        return None
    values = list(range(spec.labels)) + ([] if spec.ignored is None else [spec.ignored])
    names = [*(spec.names or map(str, range(spec.labels))), "no class"]
    column: NDArray[np.uint16] = np.array(values, np.uint16).reshape(-1, 1, 1)
    colours = kind_of(spec).shown([column], spec, [column])[0][:, 0]
    return [
        {"value": value, "name": name, "colour": "#{:02x}{:02x}{:02x}".format(*map(int, colour))}
        for value, name, colour in zip(values, names[: len(values)], colours, strict=True)
    ]


def _drawing(spec: ImageSpec) -> tuple[str | None, str | None]:
    """Return how sources are drawn (`labels`, `grey` or `colour`), or None and why they cannot be."""
    if spec.kind == "labels":
        classes = _classes(spec) or []
        colours = {entry["colour"] for entry in classes}
        if len(colours) == len(classes) and all(entry["value"] <= _MOST_CLASSES for entry in classes) and classes:
            return "labels", None
        return None, f"Label maps of {spec.labels} classes have too many to tell apart by colour."
    if spec.dtype != "uint8":
        bits = "floats" if spec.dtype == "float32" else "16 bits"
        return None, f"Sources have {bits}, and a browser draws in 8 bits."
    if spec.kind == "lightness":
        return "grey", None
    if spec.kind == "image" and spec.channels in {1, 3}:
        return ("grey" if spec.channels == 1 else "colour"), None
    what = f"{spec.channels} channels" if spec.kind == "image" else f'pictures of the kind "{spec.kind}"'
    return None, f"Sources are {what}, which cannot be drawn here."
